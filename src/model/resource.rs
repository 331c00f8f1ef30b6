//! Resources: what pods request and nodes offer.

use crate::ground::{Bytes, MilliCpu, Name};
use serde::{Deserialize, Serialize};

/// One kind of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Resource {
    /// Thousandths of a core.
    Cpu,
    /// Bytes of memory.
    Memory,
    /// Bytes of node-local storage.
    EphemeralStorage,
    /// Pod slots of a node.
    Pods,
    /// Thousandths of a device (GPU), over all devices of the node.
    Device,
    /// A resource by name, in whole units.
    Extended(Name),
}

/// Amounts of named resources, in ascending order of name identifier, none of them zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extended(Vec<(Name, u64)>);

impl Extended {
    /// The amount of one resource, zero if it is not there.
    pub fn get(&self, name: Name) -> u64 {
        self.0.binary_search_by_key(&name, |(n, _)| *n).map_or(0, |at| self.0[at].1)
    }

    /// Sets an amount; zero removes it.
    pub fn set(&mut self, name: Name, amount: u64) {
        match (self.0.binary_search_by_key(&name, |(n, _)| *n), amount) {
            (Ok(at), 0) => {
                self.0.remove(at);
            }
            (Ok(at), amount) => self.0[at].1 = amount,
            (Err(_), 0) => {}
            (Err(at), amount) => self.0.insert(at, (name, amount)),
        }
    }

    /// Adds every amount of `other`.
    pub fn add(&mut self, other: &Extended) {
        for (name, amount) in &other.0 {
            self.set(*name, self.get(*name).saturating_add(*amount));
        }
    }

    /// Takes every amount of `other` away.
    ///
    /// # Panics
    /// If less is there than is taken: the books of a node are wrong.
    pub fn subtract(&mut self, other: &Extended) {
        for (name, amount) in &other.0 {
            let left = self.get(*name).checked_sub(*amount);
            self.set(*name, left.expect("no more of a resource is released than was taken"));
        }
    }

    /// Keeps, of each resource, the larger amount.
    pub fn maximize(&mut self, other: &Extended) {
        for (name, amount) in &other.0 {
            self.set(*name, self.get(*name).max(*amount));
        }
    }

    /// The same amounts with every name replaced.
    pub(super) fn renamed(&self, rename: &mut impl FnMut(Name) -> Name) -> Extended {
        let mut renamed = Extended::default();
        for (name, amount) in self.iter() {
            renamed.set(rename(name), amount);
        }
        renamed
    }

    /// All amounts, in order of name identifier.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Name, u64)> + '_ {
        self.0.iter().copied()
    }

    /// True without any amount.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Amounts of every resource that has one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Amounts {
    /// CPU.
    pub cpu: MilliCpu,
    /// Memory.
    pub memory: Bytes,
    /// Node-local storage.
    pub ephemeral_storage: Bytes,
    /// Everything else, huge pages included.
    pub extended: Extended,
}

impl Amounts {
    /// Adds every amount of `other`; saturates.
    pub fn add(&mut self, other: &Amounts) {
        self.cpu = MilliCpu(self.cpu.0.saturating_add(other.cpu.0));
        self.memory = Bytes(self.memory.0.saturating_add(other.memory.0));
        self.ephemeral_storage =
            Bytes(self.ephemeral_storage.0.saturating_add(other.ephemeral_storage.0));
        self.extended.add(&other.extended);
    }

    /// Keeps, of each resource, the larger amount.
    pub fn maximize(&mut self, other: &Amounts) {
        self.cpu = self.cpu.max(other.cpu);
        self.memory = self.memory.max(other.memory);
        self.ephemeral_storage = self.ephemeral_storage.max(other.ephemeral_storage);
        self.extended.maximize(&other.extended);
    }

    /// True if nothing is requested.
    pub fn is_zero(&self) -> bool {
        self.cpu.0 == 0
            && self.memory.0 == 0
            && self.ephemeral_storage.0 == 0
            && self.extended.is_empty()
    }
}
