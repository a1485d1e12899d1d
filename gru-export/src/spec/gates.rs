//! Which tensors, or which part of one, the gates r, z and n are.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Serialize};

/// The gates' letters in their canonical order.
pub(crate) const LETTERS: [char; 3] = ['r', 'z', 'n'];

/// The tensor or tensors of a layer's gates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gates {
    /// All in one, in the layer's [`GateOrder`].
    Stacked(String),
    /// One each.
    PerGate(PerGate),
}

/// A tensor per gate; a gate's is absent where there is no such gate, or no bias for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PerGate {
    /// Of the reset gate.
    pub r: Option<String>,
    /// Of the update gate.
    pub z: Option<String>,
    /// Of the candidate.
    pub n: Option<String>,
}

impl PerGate {
    /// r, z, n.
    pub(crate) fn each(&self) -> [Option<&str>; 3] {
        [&self.r, &self.z, &self.n].map(Option::as_deref)
    }
}

impl From<[Option<String>; 3]> for PerGate {
    fn from([r, z, n]: [Option<String>; 3]) -> Self {
        Self { r, z, n }
    }
}

impl Gates {
    /// Every tensor's name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let (stacked, each) = match self {
            Self::Stacked(name) => (Some(name.as_str()), [None; 3]),
            Self::PerGate(gates) => (None, gates.each()),
        };
        stacked.into_iter().chain(each.into_iter().flatten())
    }
}

impl<'de> Deserialize<'de> for Gates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;
        impl<'de> Visitor<'de> for NameOrTable {
            type Value = Gates;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tensor's name, or a table of names { r = …, z = …, n = … }")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Gates, E> {
                Ok(Gates::Stacked(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Gates, A::Error> {
                PerGate::deserialize(MapAccessDeserializer::new(map)).map(Gates::PerGate)
            }
        }
        deserializer.deserialize_any(NameOrTable)
    }
}

/// The order in which a stacked tensor holds the gates that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GateOrder {
    /// Where r, z and n stand.
    places: [Option<usize>; 3],
}

impl GateOrder {
    /// r, z, n: PyTorch, Flax.
    pub const RZN: Self = Self { places: [Some(0), Some(1), Some(2)] };
    /// z, r, n: Keras and ONNX.
    pub const ZRN: Self = Self { places: [Some(1), Some(0), Some(2)] };

    /// r, z, n without the gates that are not there.
    pub(crate) fn of(present: [bool; 3]) -> Self {
        let mut next = 0;
        Self { places: present.map(|present| present.then(|| (next, next += 1).0)) }
    }

    pub(crate) fn present(self) -> [bool; 3] {
        self.places.map(|place| place.is_some())
    }

    pub(crate) fn count(self) -> usize {
        self.places.iter().flatten().count()
    }

    /// Where r, z and n stand.
    pub(crate) fn places(self) -> [Option<usize>; 3] {
        self.places
    }
}

impl fmt::Display for GateOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |place| LETTERS.into_iter().zip(self.places).find(|&(_, at)| at == Some(place));
        (0..3).filter_map(letter).try_for_each(|(letter, _)| write!(f, "{letter}"))
    }
}

impl<'de> Deserialize<'de> for GateOrder {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let places = LETTERS.map(|letter| text.chars().position(|found| found == letter));
        let order = Self { places };
        if places[2].is_some() && order.count() == text.chars().count() {
            return Ok(order);
        }
        Err(de::Error::custom(format!("expected a gate_order such as \"rzn\" or \"zn\", found {text:?}")))
    }
}
