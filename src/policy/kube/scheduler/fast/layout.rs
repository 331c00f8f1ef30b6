//! The nodes as the kernel reads them: in search order, 64 to a block, a column per number. Kept
//! up to date by the log of touches of the view.

use super::kernel::OFFSET;
use crate::ground::Id;
use crate::model::{
    Catalog, Condition, NodeId, NodeSpecId, NodeStatus, Pressures, TaintsId, Touch, TouchCursor,
    View,
};
use crate::policy::kube::scheduler::framework::NodeFacts;
use crate::policy::kube::scheduler::order::NodeOrder;
use rustc_hash::FxHashMap;

/// Nodes of a block.
pub(crate) const LANES: usize = 64;

/// Most that 32 bits with a sign hold; the unit of memory is chosen so that no node has more.
const MOST: u64 = i32::MAX as u64;
/// Units of memory that a node must have at least, so that what a unit is worth in points of
/// score is far below the band of the kernel.
const LEAST_UNITS: u64 = 1 << 20;
/// No lane: the node is not among those that are searched.
const NO_LANE: u32 = u32::MAX;

/// 64 nodes in columns.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(crate) struct Block {
    /// CPU that is not requested, thousandths of a core; negative if the node takes no more pods.
    pub(super) free_cpu: [i32; LANES],
    /// Memory that is not requested, units, rounded down.
    pub(super) free_memory: [i32; LANES],
    /// A hundred by the allocatable CPU.
    pub(super) per_cpu: [f32; LANES],
    /// A hundred by the allocatable memory in units.
    pub(super) per_memory: [f32; LANES],
    /// Part of the allocatable CPU that scores count as spare, in percent, and the offset of the
    /// kernel.
    pub(super) spare_cpu: [f32; LANES],
    /// The same of memory.
    pub(super) spare_memory: [f32; LANES],
    /// Nodes of which scores count something else than what is requested.
    pub(super) differ: u64,
}

impl Block {
    fn empty() -> Block {
        Block {
            free_cpu: [-1; LANES],
            free_memory: [-1; LANES],
            per_cpu: [0.0; LANES],
            per_memory: [0.0; LANES],
            spare_cpu: [0.0; LANES],
            spare_memory: [0.0; LANES],
            differ: 0,
        }
    }
}

/// The exact numbers of a node.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbers {
    /// Allocatable CPU, thousandths of a core.
    pub(super) cpu: u64,
    /// Allocatable memory, bytes.
    pub(super) memory: u64,
    /// Requested CPU, thousandths of a core.
    pub(super) used_cpu: u64,
    /// Requested memory, bytes.
    pub(super) used_memory: u64,
    /// CPU that counts in scores, thousandths of a core.
    pub(super) scoring_cpu: u64,
    /// Memory that counts in scores, bytes.
    pub(super) scoring_memory: u64,
    /// Most pods at a time.
    pub(super) pods: u32,
}

/// What nodes have in common that no filter but by name and host name, and no score but by what
/// is on the node, can tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    /// Specification.
    pub(crate) spec: NodeSpecId,
    /// Taints.
    pub(crate) taints: TaintsId,
    /// Cordoned.
    pub(crate) unschedulable: bool,
}

impl Class {
    fn of(status: NodeStatus) -> Class {
        let NodeStatus { spec, taints, unschedulable, .. } = status;
        Class { spec, taints, unschedulable }
    }

    /// A node of this class without a name.
    pub(crate) fn facts<'a>(&self, catalog: &'a Catalog) -> NodeFacts<'a> {
        let Class { spec, taints, unschedulable } = *self;
        let (ready, pressures) = (Condition::True, Pressures::NONE);
        let status = NodeStatus { spec, taints, ready, pressures, unschedulable };
        NodeFacts::new(Catalog::NO_TEXT, None, status, catalog)
    }
}

/// The nodes that are searched.
#[derive(Debug)]
pub(crate) struct Layout {
    cursor: TouchCursor,
    /// Differs from layout to layout of one scheduler.
    pub(crate) generation: u64,
    /// In search order.
    pub(crate) nodes: Vec<NodeId>,
    lane_of: Vec<u32>,
    pub(super) blocks: Vec<Block>,
    /// Grows with each change of a lane of the block; never zero.
    pub(super) versions: Vec<u64>,
    pub(super) numbers: Vec<Numbers>,
    /// Lanes whose numbers the kernel cannot hold, a mask per block.
    pub(super) odd: Vec<u64>,
    /// Number of such lanes.
    pub(super) odd_lanes: u32,
    /// Classes that there are or were, never removed.
    pub(crate) classes: Vec<Class>,
    /// Nodes of each class.
    pub(crate) class_nodes: Vec<u32>,
    class_ids: FxHashMap<Class, u32>,
    /// Class of each lane, those beyond the last node included.
    pub(crate) class_of: Vec<u32>,
    /// Grows with each change of a class in the block; never zero.
    pub(crate) class_versions: Vec<u64>,
    /// Grows with each change of a class anywhere.
    pub(crate) class_changes: u64,
    /// Grows with each change of a lane.
    pub(super) lane_changes: u64,
    /// Grows with each change of an object.
    pub(crate) object_changes: u64,
    /// A unit of memory is two to this power of bytes.
    pub(super) unit_shift: u32,
}

impl Layout {
    /// The nodes as they are now.
    pub(super) fn new(
        generation: u64,
        order: &NodeOrder,
        view: &View,
        catalog: &Catalog,
    ) -> Layout {
        let nodes = order.interleaved();
        let most = nodes.iter().map(|node| view.node_spec(*node, catalog).allocatable.memory.0);
        let most = most.max().unwrap_or(0);
        let blocks = nodes.len().div_ceil(LANES);
        let mut layout = Layout {
            cursor: view.touch_end(),
            generation,
            lane_of: vec![NO_LANE; view.nodes().len()],
            blocks: vec![Block::empty(); blocks],
            versions: vec![1; blocks],
            numbers: vec![Numbers::default(); nodes.len()],
            odd: vec![0; blocks],
            odd_lanes: 0,
            classes: Vec::new(),
            class_nodes: Vec::new(),
            class_ids: FxHashMap::default(),
            class_of: vec![0; blocks * LANES],
            class_versions: vec![1; blocks],
            class_changes: 1,
            lane_changes: 1,
            object_changes: 1,
            unit_shift: (0..64).find(|shift| most >> shift <= MOST).unwrap_or(0),
            nodes,
        };
        for lane in 0..layout.nodes.len() {
            let node = layout.nodes[lane];
            layout.lane_of[node.index()] = lane as u32;
            let class = layout.class(Class::of(view.node(node).status));
            layout.class_of[lane] = class;
            layout.class_nodes[class as usize] += 1;
            layout.measure(lane, view, catalog);
            layout.count(lane, view);
        }
        layout
    }

    /// Catches up with the view. `tell` hears of every touch. False if that is not possible: the
    /// layout is of another view, or too old.
    pub(super) fn catch_up(&mut self, view: &View, mut tell: impl FnMut(&Layout, &Touch)) -> bool {
        let Some(touches) = view.touches_since(self.cursor) else { return false };
        for touch in touches {
            match *touch {
                Touch::Hold { node, .. } | Touch::Release { node, .. } => {
                    if let Some(lane) = self.lane(node) {
                        self.count(lane, view);
                        self.versions[lane / LANES] += 1;
                        self.lane_changes += 1;
                    }
                }
                Touch::Node { node } => self.classify(node, view),
                Touch::Objects => self.object_changes += 1,
                Touch::Leaving { .. } => {}
            }
            tell(self, touch);
        }
        self.cursor = view.touch_end();
        true
    }

    /// The lane of a node, if it is searched.
    pub(crate) fn lane(&self, node: NodeId) -> Option<usize> {
        let lane = *self.lane_of.get(node.index())?;
        (lane != NO_LANE).then_some(lane as usize)
    }

    /// The lanes of a block that are nodes.
    pub(crate) fn lanes_of(&self, block: usize) -> u64 {
        match self.nodes.len() - block * LANES {
            LANES.. => u64::MAX,
            some => (1 << some) - 1,
        }
    }

    fn class(&mut self, class: Class) -> u32 {
        let Layout { class_ids, classes, class_nodes, .. } = self;
        *class_ids.entry(class).or_insert_with(|| {
            classes.push(class);
            class_nodes.push(0);
            classes.len() as u32 - 1
        })
    }

    /// Takes note of a node's status. A node with another specification comes with a new layout.
    fn classify(&mut self, node: NodeId, view: &View) {
        let Some(lane) = self.lane(node) else { return };
        let class = self.class(Class::of(view.node(node).status));
        let before = std::mem::replace(&mut self.class_of[lane], class);
        if before != class {
            self.class_nodes[before as usize] -= 1;
            self.class_nodes[class as usize] += 1;
            self.versions[lane / LANES] += 1;
            self.lane_changes += 1;
            self.class_versions[lane / LANES] += 1;
            self.class_changes += 1;
        }
    }

    /// Takes note of what a node has.
    fn measure(&mut self, lane: usize, view: &View, catalog: &Catalog) {
        let spec = view.node_spec(self.nodes[lane], catalog);
        let (cpu, memory) = (spec.allocatable.cpu.0, spec.allocatable.memory.0);
        self.numbers[lane] = Numbers { cpu, memory, pods: spec.pods, ..Numbers::default() };
        let units = memory >> self.unit_shift;
        let (block, at) = (lane / LANES, lane % LANES);
        if cpu == 0 || memory == 0 || cpu > MOST || (self.unit_shift > 0 && units < LEAST_UNITS) {
            self.odd[block] |= 1 << at;
            self.odd_lanes += 1;
            return;
        }
        let unit = self.unit();
        let block = &mut self.blocks[block];
        block.per_cpu[at] = (100.0 / cpu as f64) as f32;
        block.per_memory[at] = (100.0 * unit / memory as f64) as f32;
    }

    /// Takes note of what is taken of a node.
    fn count(&mut self, lane: usize, view: &View) {
        let usage = view.usage(self.nodes[lane]);
        let by_unit = 1.0 / self.unit();
        let numbers = &mut self.numbers[lane];
        numbers.used_cpu = usage.cpu;
        numbers.used_memory = usage.memory;
        numbers.scoring_cpu = usage.scoring_cpu;
        numbers.scoring_memory = usage.scoring_memory;
        let free_cpu = numbers.cpu.saturating_sub(usage.cpu).min(MOST) as i32;
        let free_memory = numbers.memory.saturating_sub(usage.memory) >> self.unit_shift;
        let at = lane % LANES;
        let block = &mut self.blocks[lane / LANES];
        block.free_cpu[at] = if usage.pods < numbers.pods { free_cpu } else { -1 };
        block.free_memory[at] = free_memory.min(MOST) as i32;
        let spare = |has: u64, taken: u64, per: f32| {
            let amount = (has as i64).saturating_sub(taken as i64) as f64;
            (amount * f64::from(per) + f64::from(OFFSET)) as f32
        };
        block.spare_cpu[at] = spare(numbers.cpu, usage.scoring_cpu, block.per_cpu[at]);
        let differs = usage.scoring_cpu != usage.cpu || usage.scoring_memory != usage.memory;
        block.differ = block.differ & !(1 << at) | u64::from(differs) << at;
        let per_byte = (f64::from(block.per_memory[at]) * by_unit) as f32;
        block.spare_memory[at] = spare(numbers.memory, usage.scoring_memory, per_byte);
    }

    /// A unit of memory, bytes.
    pub(super) fn unit(&self) -> f64 {
        (1u64 << self.unit_shift) as f64
    }
}
