//! Axes: from values to pixels, and the round values that are written beside them.

use crate::ground::{Span, math};

/// Lengths of time that people count in, seconds.
const ROUND_TIMES: [u64; 26] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400, 172_800, 345_600, 604_800, 1_209_600, 2_592_000, 5_184_000, 15_552_000, 31_536_000,
];

/// Lengths of time at which a logarithmic axis is labelled, in seconds.
const LOG_TIMES: [f64; 13] = [
    0.000_1,
    0.001,
    0.01,
    0.1,
    1.0,
    10.0,
    60.0,
    600.0,
    3_600.0,
    36_000.0,
    86_400.0,
    864_000.0,
    8_640_000.0,
];

/// An axis: a range of values over a range of pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
    logarithmic: bool,
}

impl Axis {
    /// A linear axis; an empty range is widened.
    pub(super) fn linear((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        let to = if to > from { to } else { from + 1.0 };
        Axis { from, to, start, end, logarithmic: false }
    }

    /// A logarithmic axis over positive values.
    pub(super) fn logarithmic((from, to): (f64, f64), (start, end): (f64, f64)) -> Axis {
        let to = if to > from { to } else { from * 10.0 };
        Axis { from, to, start, end, logarithmic: true }
    }

    /// The pixel of a value; values outside the range are moved to its edge.
    pub(super) fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.from, self.to);
        let share = if self.logarithmic {
            math::ln(value / self.from) / math::ln(self.to / self.from)
        } else {
            (value - self.from) / (self.to - self.from)
        };
        self.start + share * (self.end - self.start)
    }

    /// Round values in the range of a linear axis.
    pub(super) fn ticks(&self, about: usize) -> Vec<f64> {
        steps(self.from, self.to, round_step((self.to - self.from) / about as f64))
    }

    /// Round times in the range, with their labels.
    pub(super) fn time_ticks(&self, about: usize) -> Vec<(f64, String)> {
        if self.logarithmic {
            let inside = LOG_TIMES.into_iter().filter(|t| (self.from..=self.to).contains(t));
            return inside.map(|at| (at, time_label(at))).collect();
        }
        let rough = (self.to - self.from) / about as f64;
        let round = ROUND_TIMES.into_iter().map(|s| s as f64).find(|step| *step >= rough);
        let step = if rough < 0.5 { round_step(rough) } else { round.unwrap_or(rough) };
        steps(self.from, self.to, step).into_iter().map(|at| (at, time_label(at))).collect()
    }
}

fn time_label(seconds: f64) -> String {
    let nanos = (seconds * 1e9).round() as u64;
    if nanos == 0 { "0".to_owned() } else { Span::from_nanos(nanos).to_string() }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let mut power = 1e-9;
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= rough * 0.999);
    power * factor.unwrap_or(10.0)
}

fn steps(from: f64, to: f64, step: f64) -> Vec<f64> {
    let first = (from / step).ceil() as i64;
    let last = (to / step + 1e-9).floor() as i64;
    (first..=last).map(|number| number as f64 * step).collect()
}

/// The end of an axis that starts at zero: a little above the largest value, and round.
pub(super) fn round_end(largest: f64) -> f64 {
    if largest <= 0.0 {
        return 1.0;
    }
    let step = round_step(largest / 4.0);
    (largest / step - 1e-9).ceil() * step
}

/// A number of things for an axis.
pub(super) fn number_label(value: f64) -> String {
    match value {
        v if v >= 10_000_000.0 => format!("{:.0}M", v / 1e6),
        v if v >= 1_000_000.0 => format!("{:.1}M", v / 1e6),
        v if v >= 10_000.0 => format!("{:.0}k", v / 1e3),
        v if v.fract() == 0.0 => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

/// A share for an axis.
pub(super) fn percent_label(value: f64) -> String {
    let percent = value * 100.0;
    if (percent - percent.round()).abs() < 1e-6 {
        format!("{percent:.0} %")
    } else {
        format!("{percent:.1} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        let axis = |to| Axis::linear((0.0, to), (0.0, 100.0));
        assert_eq!(axis(1.0).ticks(5).len(), 6);
        assert_eq!(axis(7.0).ticks(4), [0.0, 2.0, 4.0, 6.0]);
        let labels = |to: f64| -> Vec<String> {
            axis(to).time_ticks(6).into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(7200.0), ["0", "30m", "1h", "1h30m", "2h"]);
        assert_eq!(labels(86_400.0).last().unwrap(), "1d");
        assert_eq!(labels(0.9)[..3], ["0", "200ms", "400ms"]);
        let log = Axis::logarithmic((0.005, 700.0), (0.0, 100.0));
        let labels: Vec<String> = log.time_ticks(6).into_iter().map(|(_, l)| l).collect();
        assert_eq!(labels, ["10ms", "100ms", "1s", "10s", "1m", "10m"]);
        assert_eq!([round_end(0.0), round_end(0.83), round_end(61.0)], [1.0, 1.0, 80.0]);
    }

    #[test]
    fn values_land_on_pixels() {
        let axis = Axis::linear((0.0, 10.0), (100.0, 0.0));
        assert_eq!([axis.at(0.0), axis.at(5.0), axis.at(12.0)], [100.0, 50.0, 0.0]);
        let log = Axis::logarithmic((1.0, 100.0), (0.0, 10.0));
        assert!((log.at(10.0) - 5.0).abs() < 1e-12);
        assert!(Axis::linear((3.0, 3.0), (0.0, 1.0)).at(3.0).is_finite());
    }
}
