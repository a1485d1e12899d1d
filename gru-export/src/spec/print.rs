//! A spec as TOML, with every choice written out.

use std::fmt::{self, Display, Write};

use crate::ir::{Activation, Merge, Reset};

use super::{Concatenation, Gates, GruSpec, LayerSpec, Layout, Spec, Update, Weights};

/// A choice that names and shapes leave; the spec holds the first option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Open {
    /// Of the layer.
    pub key: &'static str,
    /// As they are written in TOML.
    pub options: Vec<String>,
}

impl Open {
    pub(crate) fn new<T: Display>(key: &'static str, options: &[T]) -> Self {
        Self { key, options: options.iter().map(|option| format!("\"{option}\"")).collect() }
    }
}

impl Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.options.join(" or "))
    }
}

impl Spec {
    /// The TOML form; `open` are the choices of each layer that are still to be made.
    pub(crate) fn to_toml(&self, open: &[Vec<Open>]) -> String {
        let mut text = Toml::default();
        text.optional("input_mean", self.input_mean.as_ref());
        text.optional("input_std", self.input_std.as_ref());
        if self.layers.is_empty() {
            text.pair("layer", "[]");
        }
        for (at, layer) in self.layers.iter().enumerate() {
            text.open = open.get(at).cloned().unwrap_or_default();
            text.line("\n[[layer]]");
            text.layer(layer);
        }
        text.text
    }
}

/// Lines, and the choices to mark in them.
#[derive(Default)]
struct Toml {
    text: String,
    open: Vec<Open>,
}

impl Toml {
    fn line(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("a String takes everything");
    }

    /// A value as it is, with what else it could be.
    fn pair(&mut self, key: &str, value: impl Display) {
        match self.open.iter().find(|open| open.key == key) {
            Some(open) => self.line(&format!("{key} = {value}  # TO DECIDE: {}", open.options.join(" or "))),
            None => self.line(&format!("{key} = {value}")),
        }
    }

    fn choice(&mut self, key: &str, value: impl Display) {
        self.pair(key, format!("\"{value}\""));
    }

    fn name(&mut self, key: &str, name: &str) {
        self.pair(key, string(name));
    }

    fn optional(&mut self, key: &str, name: Option<&String>) {
        if let Some(name) = name {
            self.name(key, name);
        }
    }

    fn gates(&mut self, key: &str, gates: &Gates) {
        match gates {
            Gates::Stacked(name) => self.name(key, name),
            Gates::PerGate(gates) => {
                let each = ["r", "z", "n"].into_iter().zip(gates.each());
                let named: Vec<_> =
                    each.filter_map(|(gate, name)| Some(format!("{gate} = {}", string(name?)))).collect();
                self.pair(key, format!("{{ {} }}", named.join(", ")));
            }
        }
    }

    fn layer(&mut self, layer: &LayerSpec) {
        match layer {
            LayerSpec::Embedding { weight } => {
                self.choice("type", "embedding");
                self.name("weight", weight);
            }
            LayerSpec::Gru(gru) => {
                self.choice("type", "gru");
                self.gru(gru);
            }
            LayerSpec::Bidirectional { forward, backward, merge, ends } => {
                self.choice("type", "bidirectional");
                self.choice("merge", merge);
                self.pair("ends", ends);
                for (direction, gru) in [("forward", forward), ("backward", backward)] {
                    self.line(&format!("[layer.{direction}]"));
                    self.gru(gru);
                }
            }
            LayerSpec::Dense { weight, bias, layout } => {
                self.choice("type", "dense");
                self.name("weight", weight);
                self.optional("bias", bias.as_ref());
                self.choice("layout", layout);
            }
            LayerSpec::Activation { activation } => {
                self.choice("type", "activation");
                self.pair("activation", Function(*activation));
            }
            LayerSpec::LayerNorm { weight, bias, epsilon } => {
                self.choice("type", "layer_norm");
                self.name("weight", weight);
                self.optional("bias", bias.as_ref());
                self.pair("epsilon", format!("{epsilon:?}"));
            }
            LayerSpec::BatchNorm { mean, variance, weight, bias, epsilon } => {
                self.choice("type", "batch_norm");
                self.name("mean", mean);
                self.name("variance", variance);
                self.optional("weight", weight.as_ref());
                self.optional("bias", bias.as_ref());
                self.pair("epsilon", format!("{epsilon:?}"));
            }
        }
    }

    fn gru(&mut self, gru: &GruSpec) {
        match &gru.weights {
            Weights::Separate { ih, hh } => {
                self.gates("weight_ih", ih);
                self.gates("weight_hh", hh);
            }
            Weights::Concatenated { weight, order } => {
                self.gates("weight", weight);
                self.choice("concatenated", order);
            }
        }
        for (key, bias) in [("bias_ih", &gru.bias_ih), ("bias_hh", &gru.bias_hh)] {
            if let Some(bias) = bias {
                self.gates(key, bias);
            }
        }
        self.choice("layout", gru.layout);
        self.choice("gate_order", gru.gate_order);
        self.choice("reset", gru.reset);
        self.choice("update", gru.update);
        self.pair("activation", Function(gru.activation));
        self.pair("recurrent_activation", Function(gru.recurrent_activation));
        if let Some(clip) = gru.clip {
            self.pair("clip", format!("{clip:?}"));
        }
        self.pair("one_hot", gru.one_hot);
    }
}

/// A TOML basic string.
pub(crate) fn string(text: &str) -> String {
    let escaped = text.chars().flat_map(|c| match c {
        '"' | '\\' => vec!['\\', c],
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)).chars().collect(),
        c => vec![c],
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// An activation as TOML.
struct Function(Activation);

impl Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Activation::HardSigmoid { slope, offset } => {
                write!(f, "{{ hard_sigmoid = {{ slope = {slope:?}, offset = {offset:?} }} }}")
            }
            activation => write!(f, "\"{activation}\""),
        }
    }
}

/// Each value's word in TOML.
macro_rules! words {
    ($($type:ident { $($value:ident: $word:literal),+ })+) => {$(
        impl Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$value => $word),+ })
            }
        }
    )+};
}

words! {
    Layout { OutputMajor: "output-major", InputMajor: "input-major" }
    Concatenation { InputFirst: "x,h", StateFirst: "h,x" }
    Update { Keep: "keep", Replace: "replace", None: "none" }
    Reset { After: "after", Before: "before", None: "none" }
    Merge { Concat: "concat", Sum: "sum", Mul: "mul", Ave: "ave" }
}
