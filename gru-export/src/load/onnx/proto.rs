//! The messages of `onnx.proto`, as far as a GRU model needs them; prost reads the wire format.
//!
//! Every list is bounded, because two bytes of a file can stand for a message of hundreds: what does not fit is skipped and reported
//! by [`Model::parse`]. Nothing nests: the subgraphs of control flow are skipped. So a message takes at most four times the file's length and 16 MiB.

use prost::bytes::{Buf, BufMut, Bytes};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};

use crate::error::{Error, Result};

/// What a field of a message can be.
trait Field {
    fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError>;

    /// The list in it that was too long.
    fn excess(&self) -> Option<&'static str> {
        None
    }
}

/// A repeated field of at most `MOST` elements.
#[derive(Debug)]
pub struct List<T, const MOST: usize> {
    items: Vec<T>,
    skipped: bool,
}

impl<T, const MOST: usize> Default for List<T, MOST> {
    fn default() -> Self {
        Self { items: Vec::new(), skipped: false }
    }
}

impl<T, const MOST: usize> std::ops::Deref for List<T, MOST> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T, const MOST: usize> List<T, MOST> {
    fn push(&mut self, item: T) {
        if self.items.len() < MOST {
            self.items.push(item);
        } else {
            self.skipped = true;
        }
    }
}

impl<T: Field + Default, const MOST: usize> Field for List<T, MOST> {
    fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        let mut item = T::default();
        item.read(wire, buf, context)?;
        self.push(item);
        Ok(())
    }

    fn excess(&self) -> Option<&'static str> {
        if self.skipped { Some("") } else { self.items.iter().find_map(Field::excess) }
    }
}

/// A repeated integer of at most `MOST` elements, packed or not.
#[derive(Debug, Default)]
pub struct Ints<const MOST: usize>(List<i64, MOST>);

impl<const MOST: usize> std::ops::Deref for Ints<MOST> {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        &self.0
    }
}

impl<const MOST: usize> Field for Ints<MOST> {
    fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        if wire != WireType::LengthDelimited {
            let mut item = 0;
            encoding::int64::merge(wire, &mut item, buf, context)?;
            self.0.push(item);
            return Ok(());
        }
        let mut packed = Bytes::new();
        packed.read(wire, buf, context)?;
        while packed.has_remaining() {
            self.0.push(encoding::decode_varint(&mut packed)?.cast_signed());
        }
        Ok(())
    }

    fn excess(&self) -> Option<&'static str> {
        self.0.skipped.then_some("")
    }
}

impl<T: Field + Default> Field for Option<Box<T>> {
    fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
        self.get_or_insert_default().read(wire, buf, context)
    }

    fn excess(&self) -> Option<&'static str> {
        self.as_ref()?.excess()
    }
}

macro_rules! fields {
    ($($type:ty: $merge:path,)+) => {$(
        impl Field for $type {
            fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
                $merge(wire, self, buf, context)
            }
        }
    )+};
}

fields! {
    i32: encoding::int32::merge,
    i64: encoding::int64::merge,
    f32: encoding::float::merge,
    String: encoding::string::merge,
    Bytes: encoding::bytes::merge,
    Vec<f32>: encoding::float::merge_repeated,
    Vec<f64>: encoding::double::merge_repeated,
}

/// Messages by their fields' numbers, names and types; other fields are skipped.
macro_rules! messages {
    ($($(#[$doc:meta])* $name:ident { $($number:literal => $field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            $(pub $field: $type,)+
        }

        impl Message for $name {
            fn merge_field(
                &mut self,
                number: u32,
                wire: WireType,
                buf: &mut impl Buf,
                context: DecodeContext,
            ) -> Result<(), DecodeError> {
                match number {
                    $($number => self.$field.read(wire, buf, context).map_err(|mut error| {
                        error.push(stringify!($name), stringify!($field));
                        error
                    }),)+
                    _ => encoding::skip_field(wire, number, buf, context),
                }
            }

            fn encode_raw(&self, _: &mut impl BufMut) {
                unreachable!("only read")
            }

            fn encoded_len(&self) -> usize {
                unreachable!("only read")
            }

            fn clear(&mut self) {
                *self = Self::default();
            }
        }

        impl Field for $name {
            fn read(&mut self, wire: WireType, buf: &mut impl Buf, context: DecodeContext) -> Result<(), DecodeError> {
                encoding::message::merge(wire, self, buf, context)
            }

            fn excess(&self) -> Option<&'static str> {
                $(if let Some(inner) = self.$field.excess() {
                    return Some(if inner.is_empty() { concat!(stringify!($name), ".", stringify!($field)) } else { inner });
                })+
                None
            }
        }
    )+};
}

messages! {
    /// The file.
    Model {
        2 => producer_name: String,
        7 => graph: Option<Box<Graph>>,
        8 => opset_import: List<OperatorSet, 16>,
    }
    /// Operators of a version.
    OperatorSet {
        1 => domain: String,
        2 => version: i64,
    }
    /// Nodes in an order in which they can be computed, and constants.
    Graph {
        1 => node: List<Node, 1024>,
        5 => initializer: List<Tensor, 1024>,
        11 => input: List<ValueInfo, 64>,
        12 => output: List<ValueInfo, 64>,
    }
    /// One operation.
    Node {
        1 => input: List<String, 16>,
        2 => output: List<String, 16>,
        3 => name: String,
        4 => op_type: String,
        5 => attribute: List<Attribute, 12>,
        7 => domain: String,
    }
    /// What a node does not take as an input.
    Attribute {
        1 => name: String,
        2 => f: f32,
        3 => i: i64,
        4 => s: Bytes,
        5 => t: Option<Box<Tensor>>,
        7 => floats: Vec<f32>,
        8 => ints: Ints<16>,
        9 => strings: List<Bytes, 4>,
    }
    /// Numbers in a shape.
    Tensor {
        1 => dims: Ints<8>,
        2 => data_type: i32,
        4 => float_data: Vec<f32>,
        7 => int64_data: Ints<16>,
        8 => name: String,
        9 => raw_data: Bytes,
        10 => double_data: Vec<f64>,
        13 => external_data: List<Entry, 4>,
        14 => data_location: i32,
    }
    /// A key and its value.
    Entry {
        1 => key: String,
        2 => value: String,
    }
    /// An input or output of the graph.
    ValueInfo {
        1 => name: String,
        2 => r#type: Type,
    }
    /// Its type, where that is a tensor.
    Type {
        1 => tensor: Option<Box<TensorType>>,
    }
    /// Element type and shape.
    TensorType {
        1 => elem_type: i32,
        2 => shape: Shape,
    }
    /// The sizes of a tensor's axes.
    Shape {
        1 => dim: List<Dimension, 8>,
    }
    /// A number, or a name for a size that may vary.
    Dimension {
        1 => value: i64,
        2 => name: String,
    }
}

impl Model {
    /// Reads a whole file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        const EXPORT: &str = "copy the file again, or export the model again";
        let model = Self::decode(Bytes::copy_from_slice(bytes)).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.strip_prefix("failed to decode Protobuf message: ").unwrap_or(&reason);
            Error::new(format!("not a valid ONNX file: {reason}")).help(EXPORT)
        })?;
        match model.excess() {
            Some(list) => Err(Error::new(format!("`{list}` has more elements than any GRU model needs"))),
            None => Ok(model),
        }
    }
}
