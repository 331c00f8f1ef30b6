//! Invariants of the world, checked after every event in tests and with `--check`.

use super::machine::Stage;
use super::world::World;
use crate::ground::Time;
use crate::model::{MILLI_PER_DEVICE, NodeId, NodeUse, PodPhase};

impl World {
    /// Checks that the books of the store agree with its pods, that no node is oversubscribed by
    /// requests, and that the machines agree with the store as far as they must.
    ///
    /// # Panics
    /// If an invariant is broken; the message names it.
    pub(super) fn check_invariants(&self, now: Time) {
        let truth = &self.store.truth;
        for node in truth.nodes().ids() {
            self.check_node(node, now);
        }
        self.check_volumes(now);
        for (pod, view) in truth.pods() {
            let program = self.fleet.program(pod);
            let program = program.unwrap_or_else(|| panic!("at {now}: {pod:?} has no program"));
            assert_eq!(program.uid, view.uid, "at {now}: {pod:?} runs another pod's program");
            assert!(view.created <= now, "at {now}: {pod:?} was created in the future");
            let running = !matches!(program.stage, Stage::Absent | Stage::Over);
            if running {
                let node = view.node.unwrap_or_else(|| panic!("at {now}: {pod:?} runs nowhere"));
                let powered = self.fleet.machines[node].powered;
                assert!(powered, "at {now}: {pod:?} runs on {node:?}, which has no power");
            }
            assert!(
                !(view.phase.is_terminal() && program.runs()),
                "at {now}: {pod:?} has ended in the store, and containers of it run"
            );
            if let Some(node) = view.node
                && !view.phase.is_terminal()
            {
                let held = truth.holds(node).pods.iter().filter(|held| **held == pod).count();
                assert_eq!(held, 1, "at {now}: {pod:?} is counted {held} times on {node:?}");
            }
            assert!(
                view.node.is_some() || view.phase == PodPhase::Pending,
                "at {now}: {pod:?} is {:?} without a node",
                view.phase
            );
        }
    }

    fn check_node(&self, node: NodeId, now: Time) {
        let truth = &self.store.truth;
        let spec = truth.node_spec(node, &self.catalog);
        let mut books = NodeUse::default();
        let mut devices = vec![MILLI_PER_DEVICE; spec.devices.map_or(0, |g| usize::from(g.count))];
        for pod in &truth.holds(node).pods {
            let view = truth.pod(*pod).unwrap_or_else(|| panic!("at {now}: {pod:?} is gone"));
            assert_eq!(view.node, Some(node), "at {now}: {pod:?} is in two places");
            let requests = self.catalog.pod_spec(view.spec);
            books.cpu += requests.requests.cpu.0;
            books.memory += requests.requests.memory.0;
            books.ephemeral_storage += requests.requests.ephemeral_storage.0;
            books.scoring_cpu += requests.scoring_cpu.0;
            books.scoring_memory += requests.scoring_memory.0;
            books.device_milli += requests.device_milli();
            books.pods += 1;
            for device in view.devices.iter() {
                let each = requests.devices.as_ref().map_or(0, |request| request.milli_each);
                let left = devices[device].checked_sub(each);
                devices[device] =
                    left.unwrap_or_else(|| panic!("at {now}: a device of {node:?} is oversold"));
            }
        }
        assert_eq!(&books, truth.usage(node), "at {now}: the books of {node:?} are wrong");
        assert_eq!(devices, truth.holds(node).device_left, "at {now}: devices of {node:?}");
        let room = &spec.allocatable;
        let fits = books.cpu <= room.cpu.0
            && books.memory <= room.memory.0
            && books.ephemeral_storage <= room.ephemeral_storage.0
            && books.pods <= spec.pods;
        assert!(fits, "at {now}: {node:?} is oversubscribed: {books:?} of {room:?}");
        for (name, amount) in truth.holds(node).extended.iter() {
            assert!(amount <= room.extended.get(name), "at {now}: {node:?} is oversubscribed");
        }
    }
}
