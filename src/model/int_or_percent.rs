//! A number of pods, or a share of the pods wanted, as Kubernetes lets users write it.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A number of pods, or a share of the pods wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum IntOrPercent {
    /// So many.
    Int(u32),
    /// So many of a hundred.
    Percent(u32),
}

impl IntOrPercent {
    /// How many that is of `total`; a share that is not whole is rounded up
    /// (`GetScaledValueFromIntOrPercent` of `k8s.io/apimachinery/pkg/util/intstr`, Kubernetes
    /// 1.34).
    pub fn rounded_up(self, total: u32) -> u32 {
        match self {
            IntOrPercent::Int(number) => number,
            IntOrPercent::Percent(percent) => whole(product(percent, total).div_ceil(100)),
        }
    }

    /// How many that is of `total`; a share that is not whole is rounded down.
    pub fn rounded_down(self, total: u32) -> u32 {
        match self {
            IntOrPercent::Int(number) => number,
            IntOrPercent::Percent(percent) => whole(product(percent, total) / 100),
        }
    }
}

fn product(percent: u32, total: u32) -> u64 {
    u64::from(percent) * u64::from(total)
}

fn whole(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// The text is neither a whole number nor a whole number of percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a whole number such as `1` nor a share such as `25%`")]
pub struct NeitherIntNorPercent;

impl FromStr for IntOrPercent {
    type Err = NeitherIntNorPercent;

    fn from_str(text: &str) -> Result<IntOrPercent, NeitherIntNorPercent> {
        let number = |digits: &str| digits.parse().map_err(|_| NeitherIntNorPercent);
        match text.strip_suffix('%') {
            Some(percent) => Ok(IntOrPercent::Percent(number(percent)?)),
            None => Ok(IntOrPercent::Int(number(text)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_as_asked() {
        for (text, total, up, down) in [
            ("25%", 10, 3, 2),
            ("25%", 4, 1, 1),
            ("100%", 7, 7, 7),
            ("0%", 9, 0, 0),
            ("3", 1, 3, 3),
        ] {
            let share: IntOrPercent = text.parse().unwrap();
            assert_eq!((share.rounded_up(total), share.rounded_down(total)), (up, down), "{text}");
        }
        for wrong in ["", "%", "-1", "2.5", "10 %"] {
            assert_eq!(wrong.parse::<IntOrPercent>(), Err(NeitherIntNorPercent), "{wrong}");
        }
    }
}
