//! ImageLocality: prefers nodes that have large images of the pod already
//! (`plugins/imagelocality/image_locality.go`, Kubernetes 1.34).

use super::normalize::MAX_SCORE;
use crate::ground::Name;
use crate::model::{NodeSpec, PodSpec};
use crate::policy::kube::scheduler::caches::{Caches, ImageState};
use crate::policy::kube::scheduler::framework::Cycle;

const MIB: i64 = 1024 * 1024;
/// Images of less than this in sum count as nothing.
const LEAST: i64 = 23 * MIB;
/// Images of more than this per container count no more.
const MOST_PER_CONTAINER: i64 = 1000 * MIB;

/// The images of the pod that some node has, container by container, and what each is worth.
#[derive(Debug, Clone, Default)]
pub(crate) struct Images(Vec<(Name, i64)>);

/// What the images of the pod are worth on a node that has them.
pub(crate) fn pre_score(cycle: &Cycle<'_>, caches: &mut Caches) -> Images {
    let containers = cycle.spec.init_containers.iter().chain(&cycle.spec.containers);
    let images = containers.filter_map(|container| {
        let image = container.image?;
        let state = caches.image(image, cycle.view, cycle.catalog)?;
        Some((image, worth(state, cycle.nodes)))
    });
    Images(images.collect())
}

impl Images {
    /// The score of a node of this specification.
    pub(crate) fn score(&self, node: &NodeSpec, pod: &PodSpec) -> i64 {
        let here = self
            .0
            .iter()
            .filter(|(image, _)| node.images.iter().any(|on_node| on_node.name == *image));
        let sum = here.map(|(_, worth)| worth).sum();
        scaled(sum, pod.init_containers.len() + pod.containers.len())
    }
}

/// The size of an image, less the rarer it is: so nodes with a common image are not swamped.
fn worth(state: ImageState, nodes: usize) -> i64 {
    let spread = state.nodes as f64 / nodes as f64;
    (state.size as f64 * spread) as i64
}

fn scaled(sum: i64, containers: usize) -> i64 {
    let most = MOST_PER_CONTAINER * containers as i64;
    let clamped = if sum < LEAST { LEAST } else { sum.min(most) };
    MAX_SCORE * (clamped - LEAST) / (most - LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Score of a node that has images of these sizes in MiB, each on so many of `nodes` nodes.
    fn score(images: &[(u64, usize)], nodes: usize, containers: usize) -> i64 {
        let worths = images
            .iter()
            .map(|(size, on)| worth(ImageState { size: size * 1024 * 1024, nodes: *on }, nodes));
        scaled(worths.sum(), containers)
    }

    #[test]
    fn numbers_of_the_specification() {
        for (images, nodes, containers, expected) in [
            (vec![(40, 1), (300, 1)], 2, 2, 7),
            (vec![], 2, 2, 0),
            (vec![(4000, 1)], 3, 2, 66),
            (vec![(600, 2), (900, 2)], 3, 3, 32),
            (vec![(300, 1), (600, 2), (900, 2)], 3, 3, 36),
            (vec![(30, 2), (40, 1)], 2, 2, 1),
            (vec![(30, 2)], 2, 2, 0),
            (vec![(300, 1)], 2, 2, 6),
            (vec![(30, 1)], 2, 2, 0),
            (vec![], 1, 0, 0),
        ] {
            assert_eq!(score(&images, nodes, containers), expected, "{images:?}");
        }
    }
}
