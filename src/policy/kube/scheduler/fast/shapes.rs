//! The shapes that are kept, by pod specification. Those not used for long are dropped when they
//! take too much memory.

use super::layout::Layout;
use super::shape::Shape;
use crate::ground::Id;
use crate::policy::kube::scheduler::framework::Cycle;

/// Memory that shapes may take.
const MOST_BYTES: usize = 64 << 20;

/// What is kept for a specification.
enum Kept {
    Nothing,
    /// Its pods go the plain path on layouts of this generation.
    Plain(u64),
    Shape(Box<Shape>),
}

/// The shapes that are kept.
#[derive(Default)]
pub(super) struct Shapes {
    by_spec: Vec<Kept>,
    bytes: usize,
    attempts: u64,
}

impl std::fmt::Debug for Shapes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shapes").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Shapes {
    /// The shape of the pod; `None` if its pods go the plain path.
    pub(super) fn get(&mut self, cycle: &Cycle<'_>, layout: &Layout) -> Option<&mut Shape> {
        let at = cycle.spec_id.index();
        if self.by_spec.len() <= at {
            self.by_spec.resize_with(at + 1, || Kept::Nothing);
        }
        self.attempts += 1;
        let known = match &self.by_spec[at] {
            Kept::Nothing => false,
            Kept::Plain(generation) => *generation == layout.generation,
            Kept::Shape(shape) => shape.generation == layout.generation,
        };
        if !known {
            self.forget(at);
            self.by_spec[at] = match Shape::new(cycle, layout) {
                None => Kept::Plain(layout.generation),
                Some(shape) => {
                    self.make_room();
                    self.bytes += shape.bytes();
                    Kept::Shape(Box::new(shape))
                }
            };
        }
        match &mut self.by_spec[at] {
            Kept::Shape(shape) => {
                shape.used = self.attempts;
                Some(shape)
            }
            Kept::Nothing | Kept::Plain(_) => None,
        }
    }

    fn forget(&mut self, at: usize) {
        let before = std::mem::replace(&mut self.by_spec[at], Kept::Nothing);
        if let Kept::Shape(shape) = before {
            // It may have grown since it was counted.
            self.bytes = self.bytes.saturating_sub(shape.bytes());
        }
    }

    /// Drops the half of the shapes that was not used for longest, if there are too many.
    fn make_room(&mut self) {
        if self.bytes < MOST_BYTES {
            return;
        }
        let shape = |kept: &Kept| match kept {
            Kept::Shape(shape) => Some((shape.used, shape.bytes())),
            Kept::Nothing | Kept::Plain(_) => None,
        };
        let mut used: Vec<u64> =
            self.by_spec.iter().filter_map(shape).map(|(used, _)| used).collect();
        used.sort_unstable();
        let oldest = used.get(used.len() / 2).copied().unwrap_or(0);
        for kept in &mut self.by_spec {
            if shape(kept).is_some_and(|(used, _)| used <= oldest) {
                *kept = Kept::Nothing;
            }
        }
        self.bytes = self.by_spec.iter().filter_map(shape).map(|(_, bytes)| bytes).sum();
    }
}
