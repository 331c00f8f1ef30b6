//! Scores that depend on the class of a node alone, normalised over the feasible nodes: taints,
//! node affinity and images.

use super::layout::LANES;
use super::shape::{Judge, Raw, Shape, lanes};
use super::terms::Addends;
use super::window::{Source, Window};
use crate::policy::kube::scheduler::plugin::normalize;

/// Fills in the weighted scores by class. Classes without a feasible node get anything.
pub(super) fn addends(
    shape: &Shape,
    judge: &Judge<'_, '_>,
    window: &Window,
    addends: &mut Addends,
) {
    let count = judge.layout.classes.len();
    addends.classes.clear();
    addends.classes.resize(count, 0);
    if !shape.varies {
        return; // the same for every feasible node
    }
    let classes = feasible_classes(shape, judge, window);
    let mut add = |weight: i64, raw: fn(&Raw) -> i64, normalise: fn(&mut [i64])| {
        if weight > 0 {
            let mut scores: Vec<i64> = classes.iter().map(|c| raw(&shape.raws[*c])).collect();
            normalise(&mut scores);
            for (class, score) in classes.iter().zip(scores) {
                addends.classes[*class] += (score * weight) as i32;
            }
        }
    };
    let scoring = &shape.scoring;
    add(scoring.taints, |raw| raw.taints, |scores| normalize::to_hundred(scores, true));
    add(scoring.affinity, |raw| raw.affinity, |scores| normalize::to_hundred(scores, false));
    add(scoring.images, |raw| raw.images, |_| {});
}

/// The classes that have feasible nodes.
fn feasible_classes(shape: &Shape, judge: &Judge<'_, '_>, window: &Window) -> Vec<usize> {
    let layout = judge.layout;
    let of = |block: usize, lane: usize| layout.class_of[block * LANES + lane] as usize;
    let count = layout.classes.len();
    if count <= 64 {
        let mut bits = 0u64;
        for part in &window.parts {
            bits |= match part.source {
                Source::Kept => shape.classes(part.block),
                Source::Nowhere | Source::Glance => {
                    lanes(part.feasible).fold(0, |bits, lane| bits | 1 << of(part.block, lane))
                }
            };
        }
        return lanes(bits).collect();
    }
    let mut there = vec![false; count];
    for part in &window.parts {
        lanes(part.feasible).for_each(|lane| there[of(part.block, lane)] = true);
    }
    (0..count).filter(|class| there[*class]).collect()
}
