//! One map of the file, two structs: some keys are taken by one, the rest read by the other.
//!
//! serde's own `flatten` copies the map first, by which places and the text of scalars are lost;
//! this does not.

use serde::de::value::StringDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

use super::diagnostic::nearest;

/// A struct that takes some keys of a map and leaves the others.
pub(super) trait Take: Default {
    /// The keys that it takes.
    const KEYS: &'static [&'static str];

    /// Takes the value under one of its keys.
    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error>;
}

/// Reads a map into both structs.
pub(super) fn split<'de, D, O, T>(deserializer: D) -> Result<(O, T), D::Error>
where
    D: Deserializer<'de>,
    O: Take,
    T: Deserialize<'de>,
{
    let mut own = O::default();
    let rest = T::deserialize(SplitDe { inner: deserializer, own: &mut own, first: None })?;
    Ok((own, rest))
}

/// The entries of a map whose first key has been read already.
pub(super) fn replay<'de, A, T>(first: String, map: A) -> Result<T, A::Error>
where
    A: MapAccess<'de>,
    T: Deserialize<'de>,
{
    let inner = de::value::MapAccessDeserializer::new(map);
    T::deserialize(SplitDe { inner, own: &mut Nothing, first: Some(first) })
}

#[derive(Default)]
struct Nothing;

impl Take for Nothing {
    const KEYS: &'static [&'static str] = &[];

    fn take<'de, A: MapAccess<'de>>(&mut self, _: &str, _: &mut A) -> Result<(), A::Error> {
        Ok(())
    }
}

struct SplitDe<'o, D, O> {
    inner: D,
    own: &'o mut O,
    first: Option<String>,
}

impl<'de, D: Deserializer<'de>, O: Take> Deserializer<'de> for SplitDe<'_, D, O> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let visitor = SplitVisitor { visitor, own: self.own, first: self.first, fields: &[] };
        self.inner.deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let visitor = SplitVisitor { visitor, own: self.own, first: self.first, fields };
        self.inner.deserialize_struct(name, fields, visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct SplitVisitor<'o, V, O> {
    visitor: V,
    own: &'o mut O,
    first: Option<String>,
    fields: &'static [&'static str],
}

impl<'de, V: Visitor<'de>, O: Take> Visitor<'de> for SplitVisitor<'_, V, O> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let (own, first, fields) = (self.own, self.first, self.fields);
        self.visitor.visit_map(SplitMap { map, own, first, fields, of: PhantomData })
    }
}

struct SplitMap<'de, 'o, A, O> {
    map: A,
    own: &'o mut O,
    first: Option<String>,
    fields: &'static [&'static str],
    of: PhantomData<&'de ()>,
}

impl<'de, A: MapAccess<'de>, O: Take> MapAccess<'de> for SplitMap<'de, '_, A, O> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, A::Error> {
        loop {
            let key = match self.first.take() {
                Some(key) => key,
                None => match self.map.next_key::<String>()? {
                    Some(key) => key,
                    None => return Ok(None),
                },
            };
            if O::KEYS.contains(&key.as_str()) {
                self.own.take(&key, &mut self.map)?;
                continue;
            }
            let known = self.fields.is_empty() || self.fields.contains(&key.as_str());
            if !known && nearest(&key, O::KEYS.iter().copied()).is_some() {
                return Err(A::Error::unknown_field(&key, O::KEYS));
            }
            return seed.deserialize(StringDeserializer::new(key)).map(Some);
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}

/// The value of a key that must be there, for structs that are put together by hand.
pub(super) fn required<T, E: de::Error>(value: Option<T>, key: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(key))
}
