//! What can be computed again from the view and the memory: never saved, not cloned, dropped at
//! will. With or without it every decision is the same.

use super::fast::Fast;
use super::order::NodeOrder;
use crate::ground::{Id, Name};
use crate::model::{Catalog, NodeId, NodeSpecId, PodSpecId, TaintsId, View};
use rustc_hash::FxHashMap;

/// Verdicts kept before they are thrown away: bounds the memory of runs with many specifications.
const MOST_VERDICTS: usize = 1 << 18;

/// Where an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImageState {
    /// Its size on the first node that has it, bytes.
    pub(crate) size: u64,
    /// Number of nodes that have it.
    pub(crate) nodes: usize,
}

/// Nodes in search order and where to find each by name.
#[derive(Debug, Default)]
pub(crate) struct NodeList {
    pub(crate) nodes: Vec<NodeId>,
    position: FxHashMap<Name, usize>,
}

impl NodeList {
    fn new(order: &NodeOrder, view: &View) -> NodeList {
        let nodes = order.interleaved();
        let position =
            nodes.iter().enumerate().map(|(at, node)| (view.node(*node).name, at)).collect();
        NodeList { nodes, position }
    }

    /// The nodes of these names, in search order; names without a node are left out.
    pub(crate) fn named(&self, names: &[Name]) -> Vec<NodeId> {
        let mut found: Vec<usize> =
            names.iter().filter_map(|name| self.position.get(name).copied()).collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().map(|at| self.nodes[at]).collect()
    }
}

/// Computed things.
#[derive(Debug, Default)]
pub(crate) struct Caches {
    nodes: Option<NodeList>,
    images: Option<FxHashMap<Name, ImageState>>,
    /// What the fast path keeps.
    pub(crate) fast: Option<Box<Fast>>,
    /// Does the required node affinity match? Only where neither name nor host name matter.
    pub(crate) affinity: Verdicts<NodeSpecId, bool>,
    /// Sum of the weights of the preferred node affinity, under the same condition.
    pub(crate) preference: Verdicts<NodeSpecId, i64>,
    /// Number of taints to avoid that are not tolerated.
    pub(crate) avoided: Verdicts<TaintsId, i64>,
    /// Is there a taint that keeps the pod away?
    pub(crate) tainted: Verdicts<TaintsId, bool>,
}

impl Clone for Caches {
    fn clone(&self) -> Caches {
        Caches::default()
    }
}

impl Caches {
    /// Forgets what depends on which nodes there are.
    pub(crate) fn nodes_changed(&mut self) {
        self.nodes = None;
        self.images = None;
        if let Some(fast) = &mut self.fast {
            fast.nodes_changed();
        }
    }

    /// Lends the nodes in search order out, so that filters may use the other caches.
    pub(crate) fn take_nodes(&mut self, order: &NodeOrder, view: &View) -> NodeList {
        self.nodes.take().unwrap_or_else(|| NodeList::new(order, view))
    }

    /// Takes the nodes in search order back.
    pub(crate) fn put_nodes(&mut self, nodes: NodeList) {
        self.nodes = Some(nodes);
    }

    /// Where an image is; `None` if no node has it.
    pub(crate) fn image(
        &mut self,
        image: Name,
        view: &View,
        catalog: &Catalog,
    ) -> Option<ImageState> {
        self.images.get_or_insert_with(|| image_states(view, catalog)).get(&image).copied()
    }
}

/// Image states over all nodes present. Upstream keeps the size that the first node reported for
/// as long as any node has the image; here it is the size on the present node that joined first.
fn image_states(view: &View, catalog: &Catalog) -> FxHashMap<Name, ImageState> {
    let mut nodes_of_spec: Vec<(NodeSpecId, usize)> = Vec::new();
    let mut place: FxHashMap<NodeSpecId, usize> = FxHashMap::default();
    for (_, node) in view.nodes().iter().filter(|(_, node)| node.present) {
        let spec = node.status.spec;
        let at = *place.entry(spec).or_insert_with(|| {
            nodes_of_spec.push((spec, 0));
            nodes_of_spec.len() - 1
        });
        nodes_of_spec[at].1 += 1;
    }
    let mut states: FxHashMap<Name, ImageState> = FxHashMap::default();
    for (spec, nodes) in nodes_of_spec {
        let images = &catalog.node_spec(spec).images;
        for (at, image) in images.iter().enumerate() {
            if images[..at].iter().any(|earlier| earlier.name == image.name) {
                continue;
            }
            let state =
                states.entry(image.name).or_insert(ImageState { size: image.size.0, nodes: 0 });
            state.nodes += nodes;
        }
    }
    states
}

/// Answers by pod specification and something about the node.
#[derive(Debug)]
pub(crate) struct Verdicts<K, V> {
    known: FxHashMap<(PodSpecId, K), V>,
}

impl<K, V> Default for Verdicts<K, V> {
    fn default() -> Self {
        Verdicts { known: FxHashMap::default() }
    }
}

impl<K: Id + std::hash::Hash, V: Copy> Verdicts<K, V> {
    /// The answer, computed if it is not known.
    pub(crate) fn get(&mut self, pod: PodSpecId, node: K, compute: impl FnOnce() -> V) -> V {
        if self.known.len() >= MOST_VERDICTS {
            self.known.clear();
        }
        *self.known.entry((pod, node)).or_insert_with(compute)
    }
}
