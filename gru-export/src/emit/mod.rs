//! The generated Rust module: the same text for the same input, and nothing of the machine that made it.
//!
//! Weights stand in canonical row-major order, one row a line, as numbers or, where a matrix has thousands, as their bytes; `gru-core` packs them
//! for the target at compile time.
//! Paths are written out, so that the text can be `include!`d beside any imports.

mod array;
mod float;
mod int8;

use gru_core::layout::{Gates, GruShape, Placement};

use crate::float::FloatModel;
use crate::int8::{Int8Layer, Int8Model};
use crate::ir::{Input, Merge, Model};
use crate::source::Source;

/// What a generated module says besides the weights.
#[derive(Debug, Clone, Copy)]
pub struct Module<'a> {
    /// What to call the model.
    pub name: &'a str,
    /// One per output, or none.
    pub labels: &'a [String],
    /// Where the model came from.
    pub source: &'a Source,
    /// Its shapes.
    pub model: &'a Model,
    /// Further provenance: (key, value).
    pub provenance: &'a [(&'static str, String)],
}

/// One layer as source text.
struct Item {
    /// Its type.
    kind: String,
    /// A constant expression of that type.
    value: String,
    /// The statics that the expression borrows.
    weights: String,
    /// What follows a place of its type to get each part of its bytes.
    bytes: Vec<String>,
    /// Whether it takes whole windows alone.
    window: bool,
}

/// The text of an f32 module.
pub fn emit_float(module: &Module<'_>, model: &FloatModel) -> String {
    let weights = module.model.weights();
    let items: Vec<Item> =
        model.layers.iter().enumerate().map(|(index, layer)| float::item(layer, index, weights)).collect();
    module.text(items, "")
}

/// The text of a module some or all of whose layers are in integers.
pub fn emit_int8(module: &Module<'_>, model: &Int8Model) -> String {
    let input = model.input.iter().map(int8::input);
    let layers = model.layers.iter().enumerate().map(|(index, layer)| int8::item(layer, index, module.model.weights()));
    let mut constants = String::new();
    if let Some(input) = &model.input {
        let lsb: Vec<f32> = input.lsb.iter().map(|&lsb| lsb as f32).collect();
        constants += &format!(
            "/// Raw units per count of an input.\n#[rustfmt::skip]\npub const INPUT_LSB: [f32; INPUT_SIZE] = {lsb:?};\n"
        );
    }
    if let Some(frac_bits) = model.layers.last().and_then(Int8Layer::frac_bits) {
        constants += &format!("/// Fraction bits of an output.\npub const OUTPUT_FRAC_BITS: u8 = {frac_bits};\n");
    }
    module.text(input.chain(layers).collect(), &constants)
}

/// A call of `pack` on arrays, and what comes `last`.
fn packed(kind: &str, arrays: &[String], last: &str) -> String {
    let arrays: String = arrays.iter().map(|array| format!("    &{array},\n")).collect();
    format!("gru_core::{kind}::pack(\n{arrays}{last})")
}

/// The lanes of a GRU layer, by a function of `gru_core::layout`, which counts those of three gates.
fn lanes(function: &str, shape: &GruShape) -> String {
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let all = format!("gru_core::layout::{function}({input_size}, {hidden_size})");
    match gates.count() {
        3 => all,
        1 => format!("{all} / 3"),
        gates => format!("{all} / 3 * {gates}"),
    }
}

/// The type that chooses the gates of a cell.
fn gating(gates: Gates) -> String {
    let reset = match gates.reset {
        Some(Placement::After) => "gru_core::ResetAfter",
        Some(Placement::Before) => "gru_core::ResetBefore",
        None => "gru_core::NoReset",
    };
    if gates.update { reset.to_owned() } else { format!("gru_core::NoUpdate<{reset}>") }
}

/// Two layers as one over a window.
fn bidirectional(directions: [Item; 2], output_size: usize, merge: Merge, ends: bool) -> Item {
    let [forward, backward] = directions;
    let merge = match merge {
        Merge::Concat => "",
        Merge::Sum => ", gru_core::Sum",
        Merge::Mul => ", gru_core::Product",
        Merge::Ave => ", gru_core::Mean",
    };
    let both = Item {
        kind: format!("gru_core::Bidirectional<{}, {}, {output_size}{merge}>", forward.kind, backward.kind),
        value: format!("gru_core::Bidirectional::new({}, {})", forward.value, backward.value),
        weights: forward.weights + &backward.weights,
        bytes: [at(".directions().0", &forward.bytes), at(".directions().1", &backward.bytes)].concat(),
        window: true,
    };
    if ends { both.wrapped("Ends") } else { both }
}

/// The layers as members of one window: those between bidirectional ones together.
fn windows(items: Vec<Item>) -> Vec<Item> {
    let mut members: Vec<Item> = Vec::new();
    let mut steps: Vec<Item> = Vec::new();
    for item in items {
        if item.window {
            members.extend(Item::tuple(std::mem::take(&mut steps)).map(|steps| steps.wrapped("Steps")));
            members.push(item);
        } else {
            steps.push(item);
        }
    }
    members.extend(Item::tuple(steps).map(|steps| steps.wrapped("Steps")));
    members
}

/// So many parts of a layer's own.
fn parts(count: usize) -> Vec<String> {
    (0..count).map(|part| format!(".bytes()[{part}]")).collect()
}

/// Parts of what is at this place in another.
fn at(place: &str, parts: &[String]) -> Vec<String> {
    parts.iter().map(|part| format!("{place}{part}")).collect()
}

impl Item {
    /// The layer `gru_core::{layer}<{parameters}>`, which has no weights.
    fn plain(layer: &str, parameters: &str) -> Self {
        Self {
            kind: format!("gru_core::{layer}<{parameters}>"),
            value: format!("gru_core::{layer}::new()"),
            weights: String::new(),
            bytes: Vec::new(),
            window: false,
        }
    }

    /// Layers that feed each other as one: a tuple of at most eight, of tuples where there are more. One alone is no tuple; `None` of none.
    fn tuple(mut items: Vec<Self>) -> Option<Self> {
        const MOST: usize = 8;
        if items.len() > MOST {
            let size = items.len().div_ceil(MOST).max(MOST);
            let mut items = items.into_iter();
            let groups = std::iter::from_fn(|| Self::tuple(items.by_ref().take(size).collect()));
            return Self::tuple(groups.collect());
        }
        if items.len() < 2 {
            return items.pop();
        }
        let joined = |part: fn(&Self) -> &str| items.iter().map(part).collect::<Vec<_>>().join(", ");
        let places = items.iter().enumerate();
        Some(Self {
            kind: format!("({})", joined(|item| &item.kind)),
            value: format!("({})", joined(|item| &item.value)),
            weights: items.iter().map(|item| item.weights.as_str()).collect(),
            bytes: places.flat_map(|(place, item)| at(&format!(".{place}"), &item.bytes)).collect(),
            window: false,
        })
    }

    /// The layer `gru_core::{layer}<{parameters}>` over one static called `name`, the bytes of which it gives in so many `parts`.
    fn new(layer: &str, parameters: &str, name: &str, weights_type: &str, weights: &str, parts: usize) -> Self {
        Self {
            kind: format!("gru_core::{layer}<{parameters}>"),
            value: format!("gru_core::{layer}::new(&{name})"),
            weights: format!(
                "\n#[rustfmt::skip]\n#[allow(clippy::approx_constant, long_running_const_eval)]\nstatic {name}: {weights_type} = {weights};\n"
            ),
            bytes: self::parts(parts),
            window: false,
        }
    }

    /// The layer in a wrapper that changes what it takes.
    fn wrapped(self, wrapper: &str) -> Self {
        Self {
            kind: format!("gru_core::{wrapper}<{}>", self.kind),
            value: format!("gru_core::{wrapper}({})", self.value),
            bytes: at(".0", &self.bytes),
            ..self
        }
    }
}

impl Module<'_> {
    fn text(&self, items: Vec<Item>, constants: &str) -> String {
        let whole = items.iter().any(|item| item.window);
        let items = if whole { windows(items) } else { items };
        let Item { kind, value, weights, bytes, .. } = Item::tuple(items).expect("a model has layers");
        let parts: String = at("MODEL", &bytes).iter().map(|part| format!("        {part},\n")).collect();
        let (header, sizes) = (self.header(), self.sizes());
        let use_of = match whole {
            true => "Weights only; takes whole windows, by `gru_core::Window`.",
            false => "Weights only; a stream's state is its own.",
        };
        format!(
            "{header}\n{sizes}{constants}\n\
             /// The layers, first to last.\n#[rustfmt::skip]\npub type Model = {kind};\n\n\
             /// {use_of}\n#[rustfmt::skip]\npub static MODEL: Model = {value};\n\n\
             /// The bytes of `MODEL` in flash, for a check of them by `gru_core::Integrity`.\n\
             #[allow(dead_code)]\npub struct Flash;\n\n\
             #[rustfmt::skip]\n#[allow(long_running_const_eval)]\nimpl gru_core::Image for Flash {{\n    \
             const PARTS: &'static [&'static [u8]] = &[\n{parts}    ];\n    \
             const CHECKSUM: u32 = gru_core::checksum(Self::PARTS);\n}}\n\
             {weights}"
        )
    }

    fn header(&self) -> String {
        let mut lines = vec![
            ("model", self.name.escape_debug().to_string()),
            ("source", self.source.file_name().escape_debug().to_string()),
            ("sha256", self.source.sha256()),
        ];
        lines.extend_from_slice(self.provenance);
        let lines: String = lines.iter().map(|(key, value)| format!("// {key:<12} {value}\n")).collect();
        format!(
            "// @generated by gru-export {}: change the model and export again.\n//\n{lines}",
            env!("CARGO_PKG_VERSION")
        )
    }

    fn sizes(&self) -> String {
        let input = match self.model.input() {
            Input::Vector(size) => {
                format!("/// Channels of an input, in the order of training.\npub const INPUT_SIZE: usize = {size};\n")
            }
            Input::Symbol(count) => {
                format!("/// Symbols: an input is below this.\npub const INPUT_SIZE: usize = {count};\n")
            }
        };
        let outputs = self.model.output_size();
        let output = format!("/// Values of an output.\npub const OUTPUT_SIZE: usize = {outputs};\n");
        let labels = match self.labels {
            [] => String::new(),
            labels => format!(
                "/// What the outputs stand for.\n#[rustfmt::skip]\npub const LABELS: [&str; OUTPUT_SIZE] = {labels:?};\n"
            ),
        };
        input + &output + &labels
    }
}
