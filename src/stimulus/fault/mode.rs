//! How many of those that a fault could strike it does strike.

use crate::ground::Stream;
use crate::stimulus::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many are struck; which ones is drawn for each strike.
///
/// Source: `pkg/selector/generic/generic.go` (`FilterPodsByMode`), Chaos Mesh 2.7. Shares are
/// rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultMode {
    /// All.
    #[default]
    All,
    /// One.
    One,
    /// So many.
    Fixed(u32),
    /// This share.
    FixedPercent(Ratio),
    /// A share of so many whole percent, from 0 to this, each alike.
    RandomMaxPercent(Ratio),
}

impl FaultMode {
    /// How many of `count` are struck.
    fn size(self, count: usize, stream: &mut Stream) -> usize {
        let percent = |ratio: Ratio| (ratio.value() * 100.0).round() as u64;
        let share = |percent: u64| (count as u64 * percent / 100) as usize;
        match self {
            FaultMode::All => count,
            FaultMode::One => 1,
            FaultMode::Fixed(size) => size as usize,
            FaultMode::FixedPercent(ratio) => share(percent(ratio)),
            FaultMode::RandomMaxPercent(ratio) => share(stream.below(percent(ratio) + 1)),
        }
        .min(count)
    }

    /// The positions of those that are struck, in order.
    pub(super) fn choose(self, count: usize, stream: &mut Stream) -> Vec<u32> {
        let size = self.size(count, stream);
        let mut all: Vec<u32> = (0..count as u32).collect();
        if size == count {
            return all;
        }
        for place in 0..size {
            let from = place as u64 + stream.below((count - place) as u64);
            all.swap(place, from as usize);
        }
        all.truncate(size);
        all.sort_unstable();
        all
    }
}
