//! Which arrays and objects of a document are open at a place in it.

use crate::Bad;

/// Deepest nesting that is accepted; the server's own limit depends on its stack.
pub(super) const MAX_DEPTH: usize = 1_024;

/// The containers that are open, a bit each, so that depth costs neither recursion nor memory.
#[derive(Default)]
pub(super) struct Nest {
    objects: [u64; MAX_DEPTH / 64],
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    Array,
    Object,
}

impl Nest {
    pub(super) fn open(&mut self, container: Container) -> Result<(), Bad> {
        if self.depth == MAX_DEPTH {
            return Err(Bad::TooDeep);
        }
        let bit = 1 << (self.depth % 64);
        match container {
            Container::Object => self.objects[self.depth / 64] |= bit,
            Container::Array => self.objects[self.depth / 64] &= !bit,
        }
        self.depth += 1;
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.depth -= 1;
    }

    pub(super) fn innermost(&self) -> Option<Container> {
        let depth = self.depth.checked_sub(1)?;
        let is_object = self.objects[depth / 64] >> (depth % 64) & 1 == 1;
        Some(if is_object { Container::Object } else { Container::Array })
    }
}
