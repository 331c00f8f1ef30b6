//! Trees to typed values: a serde deserializer that knows places and paths.
//!
//! A plain scalar is what the target asks for: `8`, `yes` and `0644` stay text where text is
//! wanted, only `true` and `false` are booleans. A key without a value is a key left out. An enum
//! is a map with one key, or a word.

use super::de_error::found;
use super::scalar::{Core, core_type, is_number, parse_integer};
use super::{DeError, Key, Kind, Node, Place};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};

/// A typed value from a tree; the first error ends it.
pub fn from_node<T: DeserializeOwned>(node: &Node) -> Result<T, DeError> {
    T::deserialize(ValueDe::new(node))
}

/// Stands for the value that a bare word does not have.
static NOTHING: Node = Node {
    place: Place { source: 0, line: 0, column: 0, end_line: 0, end_column: 0 },
    kind: Kind::Map(Vec::new()),
};

#[derive(Clone, Copy)]
struct ValueDe<'de> {
    node: &'de Node,
    place: Place,
}

impl<'de> ValueDe<'de> {
    fn new(node: &'de Node) -> ValueDe<'de> {
        ValueDe { node, place: node.place }
    }

    fn wrong(self, expected: &dyn de::Expected) -> DeError {
        DeError::expected(&expected.to_string(), self.node).at(self.place)
    }

    /// The text of a plain scalar that should be a number.
    fn number(self, expected: &str) -> Result<&'de str, DeError> {
        match &self.node.kind {
            Kind::Scalar { text, quoted: true } if is_number(text) => {
                let message = format!("`\"{text}\"` is text, a number is expected");
                Err(DeError::new(message).hint(format!("write {text} without quotes")))
            }
            Kind::Scalar { text, quoted: false } if !self.node.is_null() => Ok(text.as_str()),
            _ => Err(DeError::expected(expected, self.node)),
        }
        .map_err(|error| error.at(self.place))
    }

    fn integer(self, min: i128, max: i128) -> Result<i128, DeError> {
        let text = self.number("a whole number")?;
        let error =
            match parse_integer(text) {
                Some(number) if number < min && min == 0 => {
                    DeError::new(format!("`{text}` is negative")).hint("write a positive number")
                }
                Some(number) if number < min => DeError::new(format!("`{text}` is too small"))
                    .hint(format!("write {min} or more")),
                Some(number) if number > max => DeError::new(format!("`{text}` is too large"))
                    .hint(format!("write at most {max}")),
                Some(number) => return Ok(number),
                None => DeError::expected("a whole number", self.node),
            };
        Err(error.at(self.place))
    }

    fn map<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let entries = match &self.node.kind {
            Kind::Map(entries) => entries.as_slice(),
            _ if self.node.is_null() => &[],
            _ => {
                let keys = fields.iter().take(4).map(|field| format!("`{field}`"));
                let keys = keys.collect::<Vec<_>>().join(", ");
                let message = format!("expected a map, found {}", found(self.node));
                let error = DeError::new(message).at(self.place);
                return Err(if fields.is_empty() {
                    error
                } else {
                    let more = if fields.len() > 4 { ", ..." } else { "" };
                    error.hint(format!("the keys here are {keys}{more}"))
                });
            }
        };
        let access = MapDe { entries: entries.iter(), value: None, fields };
        visitor.visit_map(access).map_err(|error| error.in_map(self.node).at(self.place))
    }
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            let number = self.integer(i128::from(<$type>::MIN), i128::from(<$type>::MAX))?;
            let number = <$type>::try_from(number).expect("checked against the range");
            visitor.$visit(number).map_err(|error: DeError| error.at(self.place))
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueDe<'de> {
    type Error = DeError;

    integers! {
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let text = match &self.node.kind {
            Kind::Seq(_) => return self.deserialize_seq(visitor),
            Kind::Map(_) => return self.map(&[], visitor),
            Kind::Scalar { text, .. } => text,
        };
        let quoted = matches!(self.node.kind, Kind::Scalar { quoted: true, .. });
        let read = match core_type(text, quoted) {
            Core::Null => visitor.visit_unit(),
            Core::Bool(value) => visitor.visit_bool(value),
            Core::Unsigned(number) => visitor.visit_u64(number),
            Core::Signed(number) => visitor.visit_i64(number),
            Core::Float(number) => visitor.visit_f64(number),
            Core::Text => visitor.visit_borrowed_str(text),
        };
        read.map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            Kind::Scalar { text, quoted: false } if text == "true" => visitor.visit_bool(true),
            Kind::Scalar { text, quoted: false } if text == "false" => visitor.visit_bool(false),
            Kind::Scalar { text, quoted: false } => {
                let error = DeError::expected("`true` or `false`", self.node);
                let lower = text.to_lowercase();
                Err(match lower.as_str() {
                    "yes" | "on" | "y" | "true" => error.hint("write `true`"),
                    "no" | "off" | "n" | "false" => error.hint("write `false`"),
                    _ => error,
                })
            }
            _ => Err(DeError::expected("`true` or `false`", self.node)),
        }
        .map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let text = self.number("a number")?;
        let number = Some(text)
            .filter(|text| is_number(text))
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|number| number.is_finite())
            .ok_or_else(|| DeError::expected("a number", self.node).at(self.place))?;
        visitor.visit_f64(number).map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.kind {
            Kind::Scalar { text, .. } if !self.node.is_null() => visitor.visit_borrowed_str(text),
            _ => Err(self.wrong(&visitor)),
        }
        .map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(self.wrong(&visitor)) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self).map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let nodes = match &self.node.kind {
            Kind::Seq(nodes) => nodes.as_slice(),
            _ if self.node.is_null() => &[],
            _ => return Err(DeError::expected("a list", self.node).at(self.place)),
        };
        visitor
            .visit_seq(SeqDe { nodes: nodes.iter().enumerate() })
            .map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.map(&[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.map(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let known = |key: &Key| variants.contains(&key.text.as_str());
        let access = match &self.node.kind {
            Kind::Scalar { text, .. } if !self.node.is_null() => {
                EnumDe { word: text, place: self.place, value: None }
            }
            Kind::Map(entries) => match entries.as_slice() {
                [(key, value)] => EnumDe { word: &key.text, place: key.place, value: Some(value) },
                [(first, _), (second, _), ..] if known(first) && known(second) => {
                    let (first, key) = (&first.text, &second.text);
                    let message = format!("`{first}` and `{key}` exclude each other");
                    return Err(DeError::new(message).hint("keep one of them").at(second.place));
                }
                [_, _, ..] => {
                    let (key, _) =
                        entries.iter().find(|(key, _)| !known(key)).expect("not both are known");
                    let Some((word, _)) = entries.iter().find(|(key, _)| known(key)) else {
                        let error: DeError = de::Error::unknown_field(&key.text, variants);
                        return Err(error.at(key.place));
                    };
                    let (key, word, place) = (&key.text, &word.text, key.place);
                    let error = DeError::new(format!("`{key}` stands beside `{word}`")).at(place);
                    return Err(error.hint(format!("indent it more, to put it into `{word}:`")));
                }
                [] => return Err(no_word(variants, self.place)),
            },
            _ if self.node.is_null() => return Err(no_word(variants, self.place)),
            _ => {
                let expected = super::diagnostic::list(variants.iter().copied(), "or");
                return Err(DeError::expected(&expected, self.node).at(self.place));
            }
        };
        visitor.visit_enum(access).map_err(|error: DeError| error.at(self.place))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { char bytes byte_buf unit_struct tuple_struct }
}

fn no_word(variants: &[&str], place: Place) -> DeError {
    let known = super::diagnostic::list(variants.iter().copied(), "or");
    DeError::new(format!("expected {known}, found nothing")).at(place)
}

struct SeqDe<'de> {
    nodes: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> SeqAccess<'de> for SeqDe<'de> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DeError> {
        let Some((at, node)) = self.nodes.next() else { return Ok(None) };
        let read = seed.deserialize(ValueDe::new(node));
        read.map(Some).map_err(|error| error.at(node.place).under(at.to_string()))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

struct MapDe<'de> {
    entries: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de (Key, Node)>,
    fields: &'static [&'static str],
}

impl<'de> MapAccess<'de> for MapDe<'de> {
    type Error = DeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DeError> {
        let fields = self.fields;
        let left_out =
            |(key, node): &&(Key, Node)| node.is_null() && fields.contains(&key.text.as_str());
        let Some(entry) = self.entries.find(|entry| !left_out(entry)) else { return Ok(None) };
        self.value = Some(entry);
        let key = &entry.0;
        seed.deserialize(KeyDe { key }).map(Some).map_err(|error| error.at(key.place))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        let (key, node) = self.value.take().expect("a value is read after its key");
        let place = if node.is_null() { key.place } else { node.place };
        seed.deserialize(ValueDe { node, place })
            .map_err(|error| error.at(place).under(key.text.as_str()))
    }
}

/// A key: text, or a number or word made of it.
struct KeyDe<'de> {
    key: &'de Key,
}

macro_rules! integer_keys {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            let number = self.key.text.parse::<$type>().map_err(|_| {
                DeError::new(format!("the key `{}` is not a whole number", self.key.text))
            })?;
            visitor.$visit(number)
        }
    )*};
}

impl<'de> Deserializer<'de> for KeyDe<'de> {
    type Error = DeError;

    integer_keys! {
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_borrowed_str(&self.key.text)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_enum(EnumDe { word: &self.key.text, place: self.key.place, value: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 u8 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct EnumDe<'de> {
    word: &'de str,
    place: Place,
    value: Option<&'de Node>,
}

impl<'de> EnumAccess<'de> for EnumDe<'de> {
    type Error = DeError;
    type Variant = VariantDe<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, VariantDe<'de>), DeError> {
        let word: de::value::BorrowedStrDeserializer<'_, DeError> =
            de::value::BorrowedStrDeserializer::new(self.word);
        let variant = seed.deserialize(word).map_err(|error: DeError| error.at(self.place))?;
        Ok((variant, VariantDe { access: self }))
    }
}

struct VariantDe<'de> {
    access: EnumDe<'de>,
}

impl<'de> VariantDe<'de> {
    /// The value, or nothing at all for a bare word.
    fn value(&self) -> ValueDe<'de> {
        match self.access.value {
            Some(node) if !node.is_null() => ValueDe::new(node),
            Some(node) => ValueDe { node, place: self.access.place },
            None => ValueDe { node: &NOTHING, place: self.access.place },
        }
    }

    /// Adds the segment that leads to the value, which a bare word does not have.
    fn under<T>(&self, read: Result<T, DeError>) -> Result<T, DeError> {
        let error = |error: DeError| match self.access.value {
            Some(_) => error.at(self.access.place).under(self.access.word),
            None => error.at(self.access.place),
        };
        read.map_err(error)
    }
}

impl<'de> VariantAccess<'de> for VariantDe<'de> {
    type Error = DeError;

    fn unit_variant(self) -> Result<(), DeError> {
        let value = self.value();
        if value.node.is_null() || matches!(&value.node.kind, Kind::Map(e) if e.is_empty()) {
            return Ok(());
        }
        let message = format!("`{}` takes no value", self.access.word);
        let hint = format!("write only `{}`", self.access.word);
        self.under(Err(DeError::new(message).hint(hint).at(value.place)))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, DeError> {
        self.under(seed.deserialize(self.value()))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.under(self.value().deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.under(self.value().map(fields, visitor))
    }
}

impl<'de> IntoDeserializer<'de, DeError> for ValueDe<'de> {
    type Deserializer = ValueDe<'de>;
    fn into_deserializer(self) -> ValueDe<'de> {
        self
    }
}
