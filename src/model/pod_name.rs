//! The names of pods.

use crate::ground::{Key, Name, Names};
use serde::{Deserialize, Serialize};

/// The name of a pod, computed where it can be: a stem and perhaps a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PodName {
    stem: Name,
    number: u32,
    digits: u8,
}

impl PodName {
    /// A name that is all stem.
    pub const fn plain(stem: Name) -> PodName {
        PodName { stem, number: 0, digits: 0 }
    }

    /// A stem followed by a number of at least one digit.
    pub const fn numbered(stem: Name, number: u32) -> PodName {
        PodName { stem, number, digits: 1 }
    }

    /// Splits a text such as `openb-pod-0007` into stem and number.
    pub fn parse(text: &str, names: &mut Names) -> PodName {
        let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let digits = digits.min(9);
        let (stem, number) = text.split_at(text.len() - digits);
        match number.parse() {
            Ok(number) => PodName { stem: names.intern(stem), number, digits: digits as u8 },
            Err(_) => PodName::plain(names.intern(text)),
        }
    }

    /// Stem, number, and least number of digits of the number; zero digits if it is all stem.
    pub const fn parts(self) -> (Name, u32, u8) {
        (self.stem, self.number, self.digits)
    }

    /// The name with these parts.
    pub const fn from_parts((stem, number, digits): (Name, u32, u8)) -> PodName {
        PodName { stem, number, digits }
    }

    /// The key of random draws made for the pod of this name.
    pub fn key(self, names: &Names) -> Key {
        let number = u64::from(self.number) << 8 | u64::from(self.digits);
        Key::of(names.text(self.stem)).nth(number)
    }

    /// The whole name.
    pub fn text(&self, names: &Names) -> String {
        let stem = names.text(self.stem);
        if self.digits == 0 {
            return stem.to_owned();
        }
        format!("{stem}{number:0width$}", number = self.number, width = usize::from(self.digits))
    }

    /// The key of the text of the name, found without making the text where it is short.
    pub fn text_key(&self, names: &Names) -> Key {
        const ROOM: usize = 96;
        let stem = names.text(self.stem);
        if self.digits == 0 {
            return Key::of(stem);
        }
        let digits = self.number.checked_ilog10().unwrap_or(0) as usize + 1;
        let length = stem.len() + digits.max(usize::from(self.digits));
        let mut whole = [b'0'; ROOM];
        if length > ROOM {
            return Key::of(&self.text(names));
        }
        whole[..stem.len()].copy_from_slice(stem.as_bytes());
        let mut rest = self.number;
        for digit in whole[length - digits..length].iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        let text = std::str::from_utf8(&whole[..length]).expect("a text and digits are a text");
        Key::of(text)
    }

    /// The name within its namespace, which the whole name of a pod may begin with.
    pub fn own_text(&self, names: &Names) -> String {
        let text = self.text(names);
        text.rsplit_once('/').map_or(text.as_str(), |(_, own)| own).to_owned()
    }

    /// The name of the claim that is made for a volume of the pod.
    pub fn claim_text(&self, volume: Name, names: &Names) -> String {
        format!("{}-{}", self.own_text(names), names.text(volume))
    }

    /// The name of the claim that a replica of a StatefulSet has from a template of this name
    /// (`getPersistentVolumeClaimName`, Kubernetes 1.34).
    pub fn replica_claim_text(&self, template: Name, names: &Names) -> String {
        format!("{}-{}", names.text(template), self.own_text(names))
    }

    /// The ordinal that the pod has if it is one of the StatefulSet of this name.
    pub fn ordinal_in(&self, set: &str, names: &Names) -> Option<u32> {
        let stem = names.text(self.stem).strip_suffix('-')?;
        let digits = self.number.checked_ilog10().unwrap_or(0) + 1;
        (stem == set && (self.digits == 1 || u32::from(self.digits) == digits))
            .then_some(self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_and_joined() {
        let mut names = Names::new();
        for text in ["openb-pod-0007", "web", "a1b22", "x-0000000000123456", "7"] {
            let name = PodName::parse(text, &mut names);
            assert_eq!((name.text(&names).as_str(), name.text_key(&names)), (text, Key::of(text)));
        }
        let long = format!("{}{}", "x".repeat(90), 1_234_567);
        assert_eq!(PodName::parse(&long, &mut names).text_key(&names), Key::of(&long));
        let numbered = PodName::numbered(names.intern("p-"), u32::MAX);
        assert_eq!(numbered.text_key(&names), Key::of(&numbered.text(&names)));
        assert_eq!(PodName::numbered(Name(0), 0).text_key(&names), Key::of("openb-pod-0"));
    }
}
