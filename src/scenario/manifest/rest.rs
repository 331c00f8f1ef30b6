//! Fields of real objects that are known by name only: kept as they are, so that the object prints
//! back whole.

use crate::scenario::flat::Take;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::MapAccess;
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// The fields of one kind of object that are known by name only.
pub trait Known: 'static {
    /// Name of the object.
    const OBJECT: &'static str;
    /// All of them: those of `REFUSED`, and those without effect.
    const KEYS: &'static [&'static str];
    /// Those that would change what happens, each with what to do instead, empty if nothing.
    const REFUSED: &'static [(&'static str, &'static str)];
}

/// Values of fields that are known by name only.
#[derive(Debug)]
pub struct Rest<K> {
    values: BTreeMap<String, Value>,
    of: PhantomData<K>,
}

impl<K: Known> Rest<K> {
    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Those that are refused, with what to do instead.
    pub fn refused(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        K::REFUSED.iter().copied().filter(|(key, _)| self.values.contains_key(*key))
    }

    /// Those without effect.
    pub fn without_effect(&self) -> impl Iterator<Item = &str> {
        let refused = |key: &str| K::REFUSED.iter().any(|(name, _)| *name == key);
        self.values.keys().map(String::as_str).filter(move |key| !refused(key))
    }
}

impl<K> Default for Rest<K> {
    fn default() -> Rest<K> {
        Rest { values: BTreeMap::new(), of: PhantomData }
    }
}

impl<K> Clone for Rest<K> {
    fn clone(&self) -> Rest<K> {
        Rest { values: self.values.clone(), of: PhantomData }
    }
}

impl<K> PartialEq for Rest<K> {
    fn eq(&self, other: &Rest<K>) -> bool {
        self.values == other.values
    }
}

impl<K> Serialize for Rest<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.values.serialize(serializer)
    }
}

impl<K: Known> Take for Rest<K> {
    const KEYS: &'static [&'static str] = K::KEYS;

    fn take<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
        let value: Value = map.next_value()?;
        if !value.is_null() {
            self.values.insert(key.to_owned(), value);
        }
        Ok(())
    }
}

impl<K: Known> JsonSchema for Rest<K> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Rest", K::OBJECT).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let refused = |key: &&&str| K::REFUSED.iter().any(|(name, _)| name == *key);
        let properties: serde_json::Map<String, Value> = K::KEYS
            .iter()
            .filter(|key| !refused(key))
            .map(|key| {
                let text = "Known to Kubernetes; without effect in a simulation.";
                ((*key).to_owned(), serde_json::json!({ "description": text }))
            })
            .collect();
        schemars::json_schema!({ "type": "object", "properties": properties })
    }
}

/// Reads an object whose struct `$read` holds the fields with effect and whose other fields are
/// in the `rest` of `$name`.
macro_rules! with_rest {
    (
        $(#[$doc:meta])*
        pub struct $name:ident reads $read:ident, knows $keys:ident {
            $($(#[$field_doc:meta])* pub $field:ident: $type:ty,)*
        }
        refused: [$(($refused:literal, $instead:literal)),* $(,)?]
        without_effect: [$($free:literal),* $(,)?]
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, schemars::JsonSchema)]
        #[serde(rename_all = "camelCase")]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// Fields that are known by name only.
            #[serde(flatten)]
            pub rest: $crate::scenario::manifest::Rest<$keys>,
        }

        /// The names of fields that are known by name only.
        #[derive(Debug)]
        pub struct $keys;

        impl $crate::scenario::manifest::Known for $keys {
            const OBJECT: &'static str = stringify!($name);
            const KEYS: &'static [&'static str] = &[$($refused,)* $($free,)*];
            const REFUSED: &'static [(&'static str, &'static str)] = &[$(($refused, $instead)),*];
        }

        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct $read {
            $($(#[$field_doc])* $field: $type,)*
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(de: D) -> Result<$name, D::Error> {
                let (rest, read): (_, $read) = $crate::scenario::flat::split(de)?;
                Ok($name { $($field: read.$field,)* rest })
            }
        }
    };
}
pub(super) use with_rest;
