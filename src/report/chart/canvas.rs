//! A drawing surface in pixels over the SVG backend of plotters: lines, areas, boxes and text.
//!
//! plotters counts whole units, so everything is drawn four times as large and shown at its size by
//! the view box; coordinates are then exact to a quarter of a pixel and the same on every machine.

use crate::report::words::{escaped, printable};
use plotters::prelude::{DrawingBackend, IntoFont, RGBAColor, SVGBackend, ShapeStyle, TextStyle};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

/// Units of the backend per pixel.
const FINE: f64 = 4.0;
/// plotters divides the size of a font by this.
const FONT_FACTOR: f64 = 1.24;
const FONT: &str = "Inter, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif";
/// Width of a character over the size of the font, on average.
const ASPECT: f64 = 0.58;

/// Colour of text and axes: grey that stands out from white as well as from black.
pub(super) const GREY: RGBColor = RGBColor(0x7c, 0x82, 0x8a);

/// Colours of runs and resources, told apart by colour-blind people too.
pub(super) const PALETTE: [RGBColor; 7] = [
    RGBColor(0x2f, 0x7f, 0xc1),
    RGBColor(0xe5, 0x86, 0x06),
    RGBColor(0x12, 0x9b, 0x79),
    RGBColor(0xc0, 0x57, 0x9b),
    RGBColor(0x7a, 0x6f, 0xd0),
    RGBColor(0xa0, 0x84, 0x3c),
    RGBColor(0xd1, 0x4d, 0x41),
];

/// The colour of number `at`.
pub(super) fn colour(at: usize) -> RGBColor {
    PALETTE[at % PALETTE.len()]
}

/// What a figure says in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    /// Its subject.
    pub(super) title: String,
    /// What is drawn, with its axes.
    pub(super) shows: String,
    /// What it found, in a sentence.
    pub(super) caption: String,
}

/// How a text stands at its place.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// The place is its left end.
    Left,
    /// The place is its middle.
    Middle,
    /// The place is its right end.
    Right,
}

/// Size, weight and place of a text.
#[derive(Clone, Copy)]
pub(super) struct Type {
    size: f64,
    bold: bool,
    side: Side,
    colour: RGBColor,
}

impl Type {
    /// Grey text of this size, in pixels.
    pub(super) const fn new(size: f64, side: Side) -> Type {
        Type { size, bold: false, side, colour: GREY }
    }

    /// The same in bold.
    pub(super) const fn bold(mut self) -> Type {
        self.bold = true;
        self
    }

    /// The same in another colour.
    pub(super) const fn coloured(mut self, colour: RGBColor) -> Type {
        self.colour = colour;
        self
    }
}

/// About how many pixels wide a text is.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * ASPECT
}

/// The text, or as much of it as there is room for.
pub(super) fn fitting(text: &str, size: f64, room: f64) -> String {
    if width_of(text, size) <= room {
        return text.to_owned();
    }
    let fit = (room / (size * ASPECT)) as usize;
    text.chars().take(fit.saturating_sub(1)).chain(['\u{2026}']).collect()
}

/// A picture being drawn.
pub(super) struct Canvas {
    width: f64,
    height: f64,
    /// What was drawn, without the frame that each piece brings along.
    body: String,
}

fn fine(pixels: f64) -> i32 {
    (pixels * FINE).round() as i32
}

impl Canvas {
    /// An empty picture of this size in pixels, transparent.
    pub(super) fn new(width: f64, height: f64) -> Canvas {
        Canvas { width, height, body: String::new() }
    }

    fn draw(&mut self, draw: impl FnOnce(&mut SVGBackend<'_>)) {
        let mut piece = String::new();
        let mut backend = SVGBackend::with_string(&mut piece, (1, 1));
        draw(&mut backend);
        drop(backend);
        let start = piece.find('\n').map_or(0, |at| at + 1);
        let end = piece.rfind("</svg>").unwrap_or(piece.len());
        self.body.push_str(&piece[start..end]);
    }

    /// A line through points.
    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: RGBAColor, width: f64) {
        let style = ShapeStyle { color: colour, filled: false, stroke_width: fine(width) as u32 };
        let mut points: Vec<(i32, i32)> =
            points.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
        points.dedup();
        self.draw(|backend| drawn(backend.draw_path(points, &style)));
    }

    /// A filled polygon.
    pub(super) fn area(&mut self, points: &[(f64, f64)], colour: RGBAColor) {
        let points: Vec<(i32, i32)> = points.iter().map(|(x, y)| (fine(*x), fine(*y))).collect();
        self.draw(|backend| drawn(backend.fill_polygon(points, &colour)));
    }

    /// A filled box from its upper left to its lower right corner.
    pub(super) fn rectangle(&mut self, from: (f64, f64), to: (f64, f64), colour: RGBAColor) {
        let (from, to) = ((fine(from.0), fine(from.1)), (fine(to.0), fine(to.1)));
        self.draw(|backend| drawn(backend.draw_rect(from, to, &colour, true)));
    }

    /// A text whose middle line is at this height.
    pub(super) fn text(&mut self, text: &str, at: (f64, f64), look: Type) {
        let h_pos = match look.side {
            Side::Left => HPos::Left,
            Side::Middle => HPos::Center,
            Side::Right => HPos::Right,
        };
        let font = (FONT, look.size * FINE * FONT_FACTOR).into_font();
        let font = if look.bold { font.style(plotters::style::FontStyle::Bold) } else { font };
        let style = TextStyle::from(font).color(&look.colour).pos(Pos::new(h_pos, VPos::Center));
        let text: String = text.chars().map(printable).collect();
        self.draw(|backend| drawn(backend.draw_text(&text, &style, (fine(at.0), fine(at.1)))));
    }

    /// A thin grey line, of an axis or, fainter, of a grid.
    pub(super) fn rule(&mut self, from: (f64, f64), to: (f64, f64), strength: f64) {
        self.line(&[from, to], GREY.mix(strength), 1.0);
    }

    /// The finished picture with what it says to those who do not see it. `id` begins the
    /// identifiers of its parts, which are unique in a page.
    pub(super) fn finish(self, id: &str, words: &Words) -> String {
        let (width, height) = (self.width, self.height);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             stroke-linejoin=\"round\" stroke-linecap=\"round\">\n\
             <title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-desc\">{} {}</desc>\n{}</svg>\n",
            fine(width),
            fine(height),
            escaped(&words.title),
            escaped(&words.shows),
            escaped(&words.caption),
            self.body
        )
    }
}

/// A drawing into memory.
fn drawn<E: std::fmt::Debug>(result: Result<(), E>) {
    result.expect("drawing into a text does not fail");
}
