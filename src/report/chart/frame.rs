//! What every figure has: a title that names its subject, a line that says whose it is, a legend,
//! and panels with axes.

use super::canvas::{Canvas, GREY, Side, Type, colour, width_of};
use super::scale::Axis;
use plotters::style::Color;

/// Width of a figure, pixels.
pub(super) const WIDTH: f64 = 960.0;
/// Left and right edge of a panel.
pub(super) const LEFT: f64 = 72.0;
pub(super) const RIGHT: f64 = WIDTH - 28.0;
/// Where the first panel may begin.
pub(super) const TOP: f64 = 104.0;

const TITLE: Type = Type::new(19.0, Side::Left).bold();
const SMALL: f64 = 13.0;

/// A figure with its title and whose it is.
pub(super) fn titled(height: f64, title: &str, subtitle: &str) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, height);
    canvas.text(title, (24.0, 28.0), TITLE);
    canvas.text(subtitle, (24.0, 52.0), Type::new(SMALL, Side::Left));
    canvas
}

/// Names with their colours, in one row under the title, as many as fit.
pub(super) fn legend(canvas: &mut Canvas, names: &[String]) {
    let mut x = 24.0;
    for (at, name) in names.iter().enumerate() {
        let wide = 34.0 + width_of(name, SMALL) + 18.0;
        if x + wide > RIGHT && at + 1 < names.len() {
            canvas.text("...", (x, 76.0), Type::new(SMALL, Side::Left));
            return;
        }
        canvas.line(&[(x, 76.0), (x + 20.0, 76.0)], colour(at).to_rgba(), 4.0);
        canvas.text(name, (x + 28.0, 76.0), Type::new(SMALL, Side::Left));
        x += wide;
    }
}

/// One panel: its upper and lower edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel {
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Panel {
    /// The grid and labels of the vertical axis, with what it shows and in what unit.
    pub(super) fn vertical(
        self,
        canvas: &mut Canvas,
        axis: &Axis,
        label: fn(f64) -> String,
        title: &str,
    ) {
        let about = if self.bottom - self.top > 200.0 { 5 } else { 3 };
        for tick in axis.ticks(about) {
            let y = axis.at(tick);
            let strength = if tick == 0.0 { 0.7 } else { 0.22 };
            canvas.rule((LEFT, y), (RIGHT, y), strength);
            canvas.text(&label(tick), (LEFT - 8.0, y), Type::new(SMALL, Side::Right));
        }
        canvas.text(title, (LEFT, self.top - 14.0), Type::new(SMALL, Side::Left).bold());
    }

    /// The labels of the horizontal axis under the panel, with its title.
    pub(super) fn horizontal(self, canvas: &mut Canvas, axis: &Axis, title: &str) {
        for (at, label) in axis.time_ticks(8) {
            let x = axis.at(at);
            canvas.rule((x, self.bottom), (x, self.bottom + 5.0), 0.7);
            canvas.text(&label, (x, self.bottom + 17.0), Type::new(SMALL, Side::Middle));
        }
        let middle = (LEFT + RIGHT) / 2.0;
        canvas.text(title, (middle, self.bottom + 38.0), Type::new(SMALL, Side::Middle));
    }

    /// A line, with a faint area under it if it is alone.
    pub(super) fn curve(self, canvas: &mut Canvas, points: &[(f64, f64)], at: usize, alone: bool) {
        let [first, .., last] = points else {
            return;
        };
        if alone {
            let mut area = vec![(first.0, self.bottom)];
            area.extend(points);
            area.push((last.0, self.bottom));
            canvas.area(&area, colour(at).mix(0.12));
        }
        canvas.line(points, colour(at).to_rgba(), 2.0);
    }

    /// A note in the upper right corner.
    pub(super) fn note(self, canvas: &mut Canvas, text: &str) {
        let place = (RIGHT, self.top - 14.0);
        canvas.text(text, place, Type::new(SMALL, Side::Right).coloured(GREY));
    }
}

/// Panels of equal height under each other.
pub(super) fn panels(count: usize, height: f64, gap: f64) -> Vec<Panel> {
    let top = |at: usize| TOP + 14.0 + at as f64 * (height + gap);
    (0..count).map(|at| Panel { top: top(at), bottom: top(at) + height }).collect()
}
