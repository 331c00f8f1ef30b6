//! What every figure has: for whom it is laid out, a title that names its subject, a legend, and
//! panels with axes.

use super::canvas::{Canvas, GREY, Side, Type, fitting, width_of};
use super::scale::Axis;
use plotters::style::{Color, RGBColor};

/// Where a figure will be looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Layout<'t> {
    width: f64,
    left: f64,
    right: f64,
    /// Size of ordinary text.
    pub(super) text: f64,
    /// Most cells in a row.
    pub(super) cells: usize,
    /// Whose it is, if that does not stand beside it.
    subtitle: Option<&'t str>,
}

impl<'t> Layout<'t> {
    /// A file of its own.
    pub(super) const fn file(subtitle: &'t str) -> Layout<'t> {
        let subtitle = Some(subtitle);
        Layout { width: 960.0, left: 72.0, right: 28.0, text: 13.0, cells: 100, subtitle }
    }

    /// In a page on a screen or on paper.
    pub(super) const WIDE: Layout<'static> =
        Layout { width: 800.0, left: 64.0, right: 20.0, text: 13.0, cells: 100, subtitle: None };

    /// In a page on a phone.
    pub(super) const NARROW: Layout<'static> =
        Layout { width: 380.0, left: 46.0, right: 12.0, text: 12.0, cells: 40, subtitle: None };

    /// The left edge of panels.
    pub(super) fn left(&self) -> f64 {
        self.left
    }

    /// The right edge of panels.
    pub(super) fn right(&self) -> f64 {
        self.width - self.right
    }

    /// True on a phone.
    pub(super) fn is_narrow(&self) -> bool {
        self.width < 500.0
    }

    /// Text of the ordinary size.
    pub(super) fn type_of(&self, side: Side) -> Type {
        Type::new(self.text, side)
    }

    fn title_height(&self) -> f64 {
        if self.subtitle.is_some() { 66.0 } else { 6.0 }
    }

    /// Where each entry of a legend begins, and in which row.
    fn legend_places(&self, names: &[(String, RGBColor)]) -> Vec<(f64, usize)> {
        let start = if self.subtitle.is_some() { 24.0 } else { 4.0 };
        let (mut x, mut row) = (start, 0);
        let mut places = Vec::new();
        for (name, _) in names {
            let wide = 28.0 + width_of(name, self.text) + 20.0;
            if x > start && x + wide - 20.0 > self.width - 4.0 {
                (x, row) = (start, row + 1);
            }
            places.push((x, row));
            x += wide;
        }
        places
    }

    /// Where the first panel may begin under a legend.
    pub(super) fn top(&self, legend: &[(String, RGBColor)]) -> f64 {
        let rows = self.legend_places(legend).last().map_or(0, |(_, row)| row + 1);
        self.title_height() + rows as f64 * 22.0 + 10.0
    }

    /// A picture with its title and legend; `bottom` is the end of what is drawn.
    pub(super) fn canvas(&self, title: &str, legend: &[(String, RGBColor)], bottom: f64) -> Canvas {
        let mut canvas = Canvas::new(self.width, bottom.round());
        if let Some(subtitle) = self.subtitle {
            canvas.text(title, (24.0, 28.0), Type::new(19.0, Side::Left).bold());
            canvas.text(subtitle, (24.0, 52.0), self.type_of(Side::Left));
        }
        for ((name, colour), (x, row)) in legend.iter().zip(self.legend_places(legend)) {
            let y = self.title_height() + 11.0 + row as f64 * 22.0;
            canvas.rectangle((x, y - 5.0), (x + 18.0, y + 5.0), colour.to_rgba());
            let name = fitting(name, self.text, self.width - x - 30.0);
            canvas.text(&name, (x + 26.0, y), self.type_of(Side::Left));
        }
        canvas
    }

    /// Panels of equal height under each other, from `top` on.
    pub(super) fn panels(&self, top: f64, count: usize) -> Vec<Panel<'t>> {
        let (height, gap) = match count {
            1 => (if self.is_narrow() { 220.0 } else { 300.0 }, 0.0),
            2 => (if self.is_narrow() { 150.0 } else { 180.0 }, 42.0),
            _ => (if self.is_narrow() { 110.0 } else { 130.0 }, 40.0),
        };
        let top = |at: usize| top + 24.0 + at as f64 * (height + gap);
        let panel = |at: usize| Panel { layout: *self, top: top(at), bottom: top(at) + height };
        (0..count).map(panel).collect()
    }
}

/// Room under the last panel for its axis.
pub(super) const AXIS: f64 = 52.0;

/// One panel: its upper and lower edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'t> {
    pub(super) layout: Layout<'t>,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Panel<'_> {
    /// The grid and labels of the vertical axis, with what it shows and in what unit.
    pub(super) fn vertical(
        self,
        canvas: &mut Canvas,
        axis: &Axis,
        label: fn(f64) -> String,
        title: &str,
    ) {
        let layout = self.layout;
        let about = if self.bottom - self.top > 200.0 { 5 } else { 3 };
        for tick in axis.ticks(about) {
            let y = axis.at(tick);
            let strength = if tick == 0.0 { 0.7 } else { 0.22 };
            canvas.rule((layout.left(), y), (layout.right(), y), strength);
            let place = (layout.left() - 8.0, y);
            canvas.text(&label(tick), place, layout.type_of(Side::Right));
        }
        let start = if layout.is_narrow() { 4.0 } else { layout.left() };
        let title = fitting(title, layout.text, layout.right() - start);
        canvas.text(&title, (start, self.top - 14.0), layout.type_of(Side::Left).bold());
    }

    /// The labels of the horizontal axis under the panel, with its title.
    pub(super) fn horizontal(self, canvas: &mut Canvas, axis: &Axis, title: &str) {
        let (left, right) = (self.layout.left(), self.layout.right());
        let about = if self.layout.is_narrow() { 4 } else { 8 };
        let mut free = f64::NEG_INFINITY;
        for (at, label) in axis.time_ticks(about) {
            let x = axis.at(at);
            let wide = width_of(&label, self.layout.text);
            canvas.rule((x, self.bottom), (x, self.bottom + 5.0), 0.7);
            if x - wide / 2.0 > free {
                let place = (x.min(right + 8.0 - wide / 2.0), self.bottom + 17.0);
                canvas.text(&label, place, self.layout.type_of(Side::Middle));
                free = x + wide / 2.0 + 6.0;
            }
        }
        let middle = f64::midpoint(left, right);
        canvas.text(title, (middle, self.bottom + 38.0), self.layout.type_of(Side::Middle));
    }

    /// A line, with a faint area under it if it is alone.
    pub(super) fn curve(
        self,
        canvas: &mut Canvas,
        points: &[(f64, f64)],
        colour: RGBColor,
        alone: bool,
    ) {
        let points = &without_flats(points)[..];
        let [first, .., last] = points else {
            return;
        };
        if alone {
            let mut area = vec![(first.0, self.bottom)];
            area.extend(points);
            area.push((last.0, self.bottom));
            canvas.area(&area, colour.mix(0.12));
        }
        canvas.line(points, colour.to_rgba(), 2.0);
    }

    /// A note in the upper right corner, if there is room beside the title.
    pub(super) fn note(self, canvas: &mut Canvas, title: &str, text: &str) {
        let wide = width_of(title, self.layout.text) + width_of(text, self.layout.text) + 30.0;
        let start = if self.layout.is_narrow() { 4.0 } else { self.layout.left() };
        if start + wide < self.layout.right() {
            let place = (self.layout.right(), self.top - 14.0);
            canvas.text(text, place, self.layout.type_of(Side::Right).coloured(GREY));
        }
    }
}

/// The points without those in the middle of a level stretch.
pub(super) fn without_flats(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::with_capacity(points.len());
    for point in points {
        if let [.., before, last] = &kept[..]
            && before.1 == last.1
            && last.1 == point.1
        {
            kept.pop();
        }
        kept.push(*point);
    }
    kept
}
