//! Which pods are on which lane, by specification, so that a new group is counted without a look
//! at all pods. It is true of some moment; what came after that is listed.

use super::groups::Move;
use super::layout::Layout;
use crate::ground::Id;
use crate::model::{PodSpecId, PodView, View};

/// Moves that are listed; with more of them everything is looked up again.
const MOST_MOVES: usize = 1 << 12;

/// A pod on a lane.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) lane: u32,
    pub(super) deleting: bool,
}

/// The pods by specification.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    /// Where the pods of each specification begin, and where the last end.
    starts: Vec<u32>,
    held: Vec<Held>,
    /// What came after that.
    pub(super) moves: Vec<Move>,
}

impl Holdings {
    pub(super) fn new(layout: &Layout, view: &View) -> Holdings {
        let place = |row: &PodView| {
            let node = row.node.filter(|_| !row.phase.is_terminal())?;
            Some((row.spec.index(), layout.lane(node)?))
        };
        let mut starts = vec![0];
        for (spec, _) in view.pods().filter_map(|(_, row)| place(row)) {
            if starts.len() < spec + 2 {
                starts.resize(spec + 2, 0);
            }
            starts[spec + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let count = starts.last().copied().unwrap_or(0);
        let mut held = vec![Held::default(); count as usize];
        for (_, row) in view.pods() {
            if let Some((spec, lane)) = place(row) {
                held[next[spec] as usize] = Held { lane: lane as u32, deleting: row.deleting };
                next[spec] += 1;
            }
        }
        Holdings { starts, held, moves: Vec::new() }
    }

    /// True if too much came after the moment of which this is true.
    pub(super) fn is_old(&self) -> bool {
        self.moves.len() >= MOST_MOVES
    }

    /// Takes note of a pod that comes, goes or is on its way out.
    pub(super) fn push(&mut self, pod: Move) {
        if !self.is_old() {
            self.moves.push(pod);
        }
    }

    /// The specifications that had pods.
    pub(super) fn specs(&self) -> impl Iterator<Item = PodSpecId> {
        let there = |at: &usize| self.starts[*at] < self.starts[*at + 1];
        (0..self.starts.len() - 1).filter(there).map(PodSpecId::from_index)
    }

    /// The pods of a specification.
    pub(super) fn of(&self, spec: PodSpecId) -> &[Held] {
        let bounds = self.starts.get(spec.index()..spec.index() + 2);
        bounds.map_or(&[], |bounds| &self.held[bounds[0] as usize..bounds[1] as usize])
    }
}
