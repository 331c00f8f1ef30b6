//! Which lanes of each block belong to which class, as masks.

use super::layout::{LANES, Layout};

/// The classes of each block with their lanes.
#[derive(Debug, Default)]
pub(super) struct ClassMasks {
    generation: u64,
    changes: u64,
    /// Where the rows of each block begin, and where the last end.
    starts: Vec<u32>,
    rows: Vec<(u32, u64)>,
}

impl ClassMasks {
    /// Makes the masks anew if classes changed.
    pub(super) fn learn(&mut self, layout: &Layout) {
        if (self.generation, self.changes) == (layout.generation, layout.class_changes) {
            return;
        }
        (self.generation, self.changes) = (layout.generation, layout.class_changes);
        self.starts.clear();
        self.rows.clear();
        for (block, classes) in layout.class_of.chunks_exact(LANES).enumerate() {
            let first = self.rows.len();
            self.starts.push(first as u32);
            let mut left = layout.lanes_of(block);
            while left != 0 {
                let class = classes[left.trailing_zeros() as usize];
                let same = |mask, at: usize| mask | u64::from(classes[at] == class) << at;
                let mask = (0..LANES).fold(0, same) & left;
                self.rows.push((class, mask));
                left &= !mask;
            }
        }
        self.starts.push(self.rows.len() as u32);
    }

    /// The classes of a block with their lanes.
    pub(super) fn of(&self, block: usize) -> &[(u32, u64)] {
        &self.rows[self.starts[block] as usize..self.starts[block + 1] as usize]
    }
}
