//! Values over time, and how ours compare with those of two recorded runs of the same thing.
//!
//! Numbers are noise while they change: how many steps of a controller become one write differs
//! from run to run. At each moment ours has to lie between numbers that the recorded runs have
//! within the tolerance. Other values tell a story: ours has to be that of one of the runs, word
//! by word, and each change has to come within the tolerance.

use super::trace::Micros;

/// A number over time: from each time on it is so much.
pub(super) type Numbers = Vec<(Micros, i64)>;

/// Where ours leaves what the recorded runs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outside {
    /// When.
    pub(super) at: Micros,
    /// Ours.
    pub(super) ours: i64,
    /// Least and most of the first recorded run within the tolerance.
    pub(super) first: (i64, i64),
    /// The same of the second.
    pub(super) second: (i64, i64),
}

/// A number that lasts shorter is one of those that are seen or not, as steps of a controller
/// become one write or several: the bursts of the recorded runs spread over 50 to 150 ms.
const BURST: Micros = 150_000;

/// The value at a time, nothing before the first.
fn value_at(numbers: &Numbers, at: Micros) -> Option<i64> {
    let after = numbers.partition_point(|(time, _)| *time <= at);
    after.checked_sub(1).map(|last| numbers[last].1)
}

/// Least and most within a window, zero before the first value.
fn span(numbers: &Numbers, from: Micros, to: Micros) -> (i64, i64) {
    let first = value_at(numbers, from).unwrap_or(0);
    let within = numbers.iter().filter(|(at, _)| *at > from && *at <= to);
    within.fold((first, first), |(least, most), (_, value)| (least.min(*value), most.max(*value)))
}

/// The first moment from the start of the script on at which ours is not between what the recorded
/// runs have within the tolerance.
pub(super) fn outside(
    ours: &Numbers,
    runs: [&Numbers; 2],
    tolerance: Micros,
    end: Micros,
) -> Option<Outside> {
    let mut moments: Vec<Micros> = vec![0, end];
    moments.extend(ours.iter().map(|(at, _)| *at));
    for (at, _) in runs.into_iter().flatten() {
        moments.extend([at - tolerance - 1, at - tolerance, at + tolerance, at + tolerance + 1]);
    }
    moments.sort_unstable();
    moments.dedup();
    let lasts = |at: &Micros| {
        let next = ours.partition_point(|(time, _)| time <= at);
        let from = next.checked_sub(1).map_or(Micros::MIN, |last| ours[last].0);
        let to = ours.get(next).map_or(Micros::MAX, |(time, _)| *time);
        to.saturating_sub(from) >= BURST
    };
    let within = moments.into_iter().filter(|at| (0..=end).contains(at)).filter(lasts);
    within.into_iter().find_map(|at| {
        let ours = value_at(ours, at).unwrap_or(0);
        let [first, second] = runs.map(|run| span(run, at - tolerance, at + tolerance));
        let (least, most) = (first.0.min(second.0), first.1.max(second.1));
        (!(least..=most).contains(&ours)).then_some(Outside { at, ours, first, second })
    })
}

/// Values that tell a story: the one at the start of the script, and each change after it.
pub(super) type Story = Vec<(Micros, String)>;

/// A story from all values over time, equal ones one after the other told once.
pub(super) fn story(values: impl Iterator<Item = (Micros, String)>) -> Story {
    let mut story = Story::new();
    for (at, value) in values {
        if at <= 0 {
            story.clear();
        }
        if story.last().is_none_or(|(_, last)| *last != value) {
            story.push((at.max(0), value));
        }
    }
    story
}

/// True if two stories are the same but for their times, which differ by the tolerance at most.
pub(super) fn same(ours: &Story, theirs: &Story, tolerance: Micros) -> bool {
    ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|((at, value), (other_at, other))| {
            value == other && (at - other_at).abs() <= tolerance
        })
}

/// A story in words.
pub(super) fn told(story: &Story) -> String {
    let parts: Vec<String> = story
        .iter()
        .map(|(at, value)| {
            let value = if value.is_empty() { "nothing" } else { value };
            format!("{value} at {}", seconds(*at))
        })
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// A time in seconds.
pub(super) fn seconds(at: Micros) -> String {
    format!("{:.3}s", at as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_while_they_change() {
        let first: Numbers = vec![(-50, 8), (1000, 7), (1200, 3)];
        let second: Numbers = vec![(-70, 8), (1100, 3)];
        let scaled = |numbers: &Numbers| -> Numbers {
            numbers.iter().map(|(at, value)| (at * 1000, *value)).collect()
        };
        let (first, second) = (scaled(&first), scaled(&second));
        let judge = |ours: Numbers| outside(&scaled(&ours), [&first, &second], 300_000, 5_000_000);
        assert_eq!(judge(vec![(-10, 8), (1050, 5), (1300, 3)]), None);
        assert_eq!(judge(vec![(-10, 8), (1400, 3)]), None, "just within the tolerance");
        let late = judge(vec![(-10, 8), (1402, 3)]).unwrap();
        assert_eq!((late.at, late.ours, late.first, late.second), (1_400_000, 8, (3, 7), (3, 3)));
        let low = judge(vec![(-10, 8), (500, 2), (950, 3)]).unwrap();
        assert_eq!((low.at, low.ours), (500_000, 2));
        assert_eq!(judge(vec![(-10, 8), (1100, 3), (4000, 4)]).unwrap().at, 4_000_000);
    }

    #[test]
    fn stories_are_compared_word_by_word() {
        let tell = |values: &[(Micros, &str)]| {
            story(values.iter().map(|(at, value)| (*at, (*value).to_owned())))
        };
        let theirs = tell(&[(-900, "new"), (-5, "going"), (400, "going"), (700, "done")]);
        assert_eq!(told(&theirs), "going at 0.000s, done at 0.001s");
        assert!(same(&tell(&[(-80, "going"), (500, "done")]), &theirs, 300));
        assert!(!same(&tell(&[(-80, "going"), (300, "done")]), &theirs, 300));
        assert!(!same(&tell(&[(-80, "going")]), &theirs, 300));
        assert!(!same(&tell(&[(-80, "going"), (500, "over"), (600, "done")]), &theirs, 300));
    }
}
