//! Typed values to trees: the way back, for printing.

use super::{Key, Kind, Node, Place};
use serde::ser::{self, Serialize, Serializer};
use std::fmt;

/// The tree of a value. What prints by its `Display` is plain; other text is marked as text.
pub(super) fn to_node<T: Serialize + ?Sized>(value: &T) -> Result<Node, ToNodeError> {
    value.serialize(NodeSer)
}

/// Why a value has no tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToNodeError(String);

impl fmt::Display for ToNodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ToNodeError {}

impl ser::Error for ToNodeError {
    fn custom<T: fmt::Display>(text: T) -> ToNodeError {
        ToNodeError(text.to_string())
    }
}

type Made = Result<Node, ToNodeError>;

fn node(kind: Kind) -> Node {
    Node { place: Place::default(), kind }
}

fn plain(text: impl fmt::Display) -> Made {
    Ok(Node::plain(text.to_string(), Place::default()))
}

fn tagged(variant: &str, value: Node) -> Node {
    node(Kind::Map(vec![(key(variant), value)]))
}

fn key(text: &str) -> Key {
    Key { text: text.to_owned(), place: Place::default() }
}

struct NodeSer;

macro_rules! plainly {
    ($($method:ident $type:ty;)*) => {$(
        fn $method(self, value: $type) -> Made {
            plain(value)
        }
    )*};
}

impl Serializer for NodeSer {
    type Ok = Node;
    type Error = ToNodeError;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = List;
    type SerializeTupleVariant = List;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

    plainly! {
        serialize_bool bool;
        serialize_i8 i8;
        serialize_i16 i16;
        serialize_i32 i32;
        serialize_i64 i64;
        serialize_u8 u8;
        serialize_u16 u16;
        serialize_u32 u32;
        serialize_u64 u64;
    }

    fn serialize_f32(self, value: f32) -> Made {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Made {
        plain(format_args!("{value:?}"))
    }

    fn serialize_char(self, value: char) -> Made {
        self.serialize_str(&value.to_string())
    }

    fn serialize_str(self, value: &str) -> Made {
        Ok(node(Kind::Scalar { text: value.to_owned(), quoted: true }))
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Made {
        plain(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Made {
        Err(ToNodeError("bytes cannot be written as YAML".to_owned()))
    }

    fn serialize_none(self) -> Made {
        plain("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Made {
        plain("null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Made {
        plain("null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Made {
        plain(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Made {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Made {
        Ok(tagged(variant, to_node(value)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List, ToNodeError> {
        Ok(List::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<List, ToNodeError> {
        Ok(List::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List, ToNodeError> {
        Ok(List::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List, ToNodeError> {
        Ok(List { variant: Some(variant), ..List::default() })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, ToNodeError> {
        Ok(Entries::default())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, ToNodeError> {
        Ok(Entries::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, ToNodeError> {
        Ok(Entries { variant: Some(variant), ..Entries::default() })
    }
}

#[derive(Default)]
struct List {
    variant: Option<&'static str>,
    nodes: Vec<Node>,
}

impl List {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToNodeError> {
        self.nodes.push(to_node(value)?);
        Ok(())
    }

    fn close(self) -> Made {
        let list = node(Kind::Seq(self.nodes));
        Ok(match self.variant {
            Some(variant) => tagged(variant, list),
            None => list,
        })
    }
}

#[derive(Default)]
struct Entries {
    variant: Option<&'static str>,
    entries: Vec<(Key, Node)>,
    key: Option<Key>,
}

impl Entries {
    fn close(self) -> Made {
        let map = node(Kind::Map(self.entries));
        Ok(match self.variant {
            Some(variant) => tagged(variant, map),
            None => map,
        })
    }

    /// A field without a value is left out.
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), ToNodeError> {
        let value = to_node(value)?;
        if !value.is_null() {
            self.entries.push((key(name), value));
        }
        Ok(())
    }
}

macro_rules! lists {
    ($($trait:ident $method:ident;)*) => {$(
        impl ser::$trait for List {
            type Ok = Node;
            type Error = ToNodeError;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToNodeError> {
                self.add(value)
            }
            fn end(self) -> Made {
                self.close()
            }
        }
    )*};
}

lists! {
    SerializeSeq serialize_element;
    SerializeTuple serialize_element;
    SerializeTupleStruct serialize_field;
    SerializeTupleVariant serialize_field;
}

macro_rules! structs {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Entries {
            type Ok = Node;
            type Error = ToNodeError;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), ToNodeError> {
                self.field(name, value)
            }
            fn end(self) -> Made {
                self.close()
            }
        }
    )*};
}

structs! { SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Entries {
    type Ok = Node;
    type Error = ToNodeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToNodeError> {
        match to_node(value)?.kind {
            Kind::Scalar { text, .. } => self.key = Some(key(&text)),
            _ => return Err(ToNodeError("a key has to be a word or a number".to_owned())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ToNodeError> {
        let key = self.key.take().expect("a value follows its key");
        self.entries.push((key, to_node(value)?));
        Ok(())
    }

    fn end(self) -> Made {
        self.close()
    }
}
