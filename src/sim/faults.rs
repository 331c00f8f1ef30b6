//! Faults: what they take from the nodes that they strike, and give back when they end.
//!
//! Each thing that a node needs is counted by the faults that take it. So overlapping faults of a
//! node compose: it loses power when the first of them begins and has it again when the last ends.

use super::host::Host;
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
        let taken = &mut self.fleet.machines[node].taken;
        match effect {
            FaultEffect::Power => {
                if count(&mut taken.power, on) {
                    self.power(host, node, on);
                }
            }
            FaultEffect::Kubelet | FaultEffect::Partition(_) => {
                unreachable!("scenarios refuse these yet")
            }
        }
    }

    fn power<S: Sink>(&mut self, host: &mut Host<'_, S>, node: NodeId, lost: bool) {
        if lost {
            self.crash(host, node);
        } else {
            self.repair(host, node);
        }
    }
}

/// One fault more, or less, takes something; true if that makes a difference.
fn count(faults: &mut u32, on: bool) -> bool {
    let before = *faults;
    *faults = if on { before + 1 } else { before - 1 };
    (before == 0) != (*faults == 0)
}
