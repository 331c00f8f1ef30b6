//! Faults: what they take from the nodes that they strike, and give back when they end.
//!
//! Each thing that a node needs is counted by the faults that take it. So overlapping faults of a
//! node compose: it loses power when the first of them begins and has it again when the last ends.

use super::host::Host;
use super::machine::Taken;
use super::world::World;
use crate::journal::{Fact, Sink};
use crate::model::{FaultEffect, NodeId, Strike};

impl World {
    /// A fault strikes a node, or ceases to.
    pub(super) fn fault<S: Sink>(
        &mut self,
        host: &mut Host<'_, S>,
        node: NodeId,
        (strike, effect): (Strike, FaultEffect),
        on: bool,
    ) {
        host.fact(match on {
            true => Fact::FaultBegan { node, strike },
            false => Fact::FaultEnded { node, strike },
        });
        let before = self.fleet.machines[node];
        let taken = &mut self.fleet.machines[node].taken;
        match effect {
            FaultEffect::Power => count(&mut taken.power, on),
            FaultEffect::Partition(cut) => {
                if cut.cuts_from() {
                    count(&mut taken.way_out, on);
                }
                if cut.cuts_to() {
                    count(&mut taken.way_in, on);
                }
            }
        }
        let taken = *taken;
        let changes = |of: fn(&Taken) -> u32| (of(&before.taken) == 0) != (of(&taken) == 0);
        if changes(|taken| taken.power) {
            if on {
                self.crash(host, node);
            } else {
                self.repair(host, node);
            }
        }
        if changes(|taken| taken.way_in) {
            self.proxy_leaves(node);
            self.proxy_joins(node, host.now);
        }
        self.link_changes(host, node, &before);
    }
}

/// One fault more, or less, takes something.
fn count(faults: &mut u32, on: bool) {
    *faults = if on { *faults + 1 } else { *faults - 1 };
}
