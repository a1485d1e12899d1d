//! Modules by the names that equations give their matrices, in code written from scratch: `W_xz`, `U_r`, `b_h`.
//!
//! The names of one book, "Dive into Deep Learning", are taken to mean its equations, and Keras' `kernel` and `recurrent_kernel` theirs.
//! Others say which matrix is which, but neither where the reset gate acts nor what the update gate keeps.

use std::collections::BTreeMap;

use crate::error::{Error, Result, quoted};
use crate::ir::{Input, Reset};
use crate::spec::{Concatenation, GateOrder, Gates, GruSpec, LayerSpec, Layout, Open, PerGate, Update, Weights};

use super::super::gru;
use super::super::tensors::Tensors;
use super::{DECIDE, Module, split_name};

/// What r, z and n are called at the end of a name.
const GATES: [&[&str]; 3] = [&["r"], &["z", "u"], &["h", "n", "c", "g"]];

/// Prefixes of two matrices per gate.
const SEPARATE: [[&str; 2]; 3] = [["wx", "wh"], ["wi", "wh"], ["w", "u"]];

/// Two matrices of all gates.
const STACKED: [[&str; 2]; 4] = [["wih", "whh"], ["wx", "wh"], ["w", "u"], ["kernel", "recurrentkernel"]];

/// A matrix behind the last state, and its bias.
const OUTPUTS: [[&str; 2]; 5] = [["whq", "bq"], ["why", "by"], ["wy", "by"], ["wout", "bout"], ["who", "bo"]];

/// Each module in each of its readings.
pub(super) fn modules(tensors: &Tensors<'_>) -> Result<Vec<Vec<Module>>> {
    let mut groups: BTreeMap<(&str, &str), Group> = BTreeMap::new();
    for (name, _) in tensors.shapes() {
        let (path, leaf) = split_name(name);
        let word = leaf.trim_end_matches(|c: char| c.is_ascii_digit());
        let group = groups.entry((path, &leaf[word.len()..])).or_default();
        group.0.insert(word.replace('_', "").to_lowercase(), name.to_owned());
    }
    let mut modules = Vec::new();
    for ((path, number), group) in &groups {
        let label = match format!("{path}{number}") {
            name if name.is_empty() => "GRU".to_owned(),
            name => format!("GRU {}", quoted(name.trim_end_matches(['.', '/']))),
        };
        modules.extend(group.recurrent(label, tensors)?.map(|module| vec![module]));
        modules.extend(OUTPUTS.iter().find_map(|names| group.output(names, tensors)));
    }
    Ok(modules)
}

/// The tensors of a module, by their names in lower case and without underscores.
#[derive(Default)]
struct Group(BTreeMap<String, String>);

impl Group {
    fn get(&self, word: &str) -> Option<String> {
        self.0.get(word).cloned()
    }

    /// The tensors of r, z, n, called `prefix` and the gate, if that of n is there.
    fn gates(&self, prefix: &str) -> Option<PerGate> {
        let named = GATES.map(|letters| letters.iter().find_map(|letter| self.get(&format!("{prefix}{letter}"))));
        named[2].is_some().then(|| PerGate::from(named))
    }

    fn recurrent(&self, label: String, tensors: &Tensors<'_>) -> Result<Option<Module>> {
        for [x, h] in SEPARATE {
            // `W_ih` and `W_hh` are stacked: in this pair a candidate is called n.
            let stacked = x == "wi" && self.get("win").is_none();
            if let (Some(ih), Some(hh), false) = (self.gates(x), self.gates(h), stacked) {
                return self.separate(label, x, ih, hh, tensors).map(Some);
            }
        }
        if let Some(weight) = self.gates("w").filter(|gates| gates.r.is_some() || gates.z.is_some()) {
            return self.concatenated(label, weight, tensors).map(Some);
        }
        for [x, h] in STACKED {
            if let (Some(ih), Some(hh)) = (self.get(x), self.get(h)) {
                return self.stacked(label, x, ih, hh, tensors).map(Some);
            }
        }
        Ok(None)
    }

    fn separate(&self, label: String, x: &str, ih: PerGate, hh: PerGate, tensors: &Tensors<'_>) -> Result<Module> {
        let present = ih.each().map(|name| name.is_some());
        if present != hh.each().map(|name| name.is_some()) {
            let found = |gates: &PerGate| gates.each().into_iter().flatten().map(quoted).collect::<Vec<_>>().join(", ");
            let problem = format!("expected matrices of the same gates, found {} and {}", found(&ih), found(&hh));
            return Err(Error::new(problem).help(DECIDE));
        }
        let (rows, cols) = tensors.matrix_shape(ih.n.as_deref().expect("a candidate"))?;
        let (_, h) = tensors.matrix_shape(hh.n.as_deref().expect("a candidate"))?;
        let book = x == "wx" && cols == h && is_of_the_book(&ih, "W_x") && is_of_the_book(&hh, "W_h");
        let (bias_ih, bias_hh) = match (self.gates(&x.replace('w', "b")), self.gates("bh")) {
            (Some(ih), Some(hh)) if x != "w" => (Some(ih), Some(hh)),
            _ => (self.gates("b"), None),
        };
        let layouts = if rows == h {
            [Layout::OutputMajor, Layout::InputMajor]
        } else {
            [Layout::InputMajor, Layout::OutputMajor]
        };
        let weights = Weights::Separate { ih: Gates::PerGate(ih), hh: Gates::PerGate(hh) };
        let spec = GruSpec {
            bias_ih: bias_ih.map(Gates::PerGate),
            bias_hh: bias_hh.map(Gates::PerGate),
            layout: if book { Layout::InputMajor } else { layouts[0] },
            ..of_gates(present, weights)
        };
        let mut open = if book { Vec::new() } else { equations(&spec) };
        if rows == cols && rows == h && !book {
            open.push(Open::new("layout", &layouts));
        }
        let note = if book { "its names are those of Dive into Deep Learning, and so are its equations" } else { "" };
        finish(label, spec, open, note, tensors)
    }

    fn concatenated(&self, label: String, weight: PerGate, tensors: &Tensors<'_>) -> Result<Module> {
        let present = weight.each().map(|name| name.is_some());
        let (rows, cols) = tensors.matrix_shape(weight.n.as_deref().expect("a candidate"))?;
        let order = Concatenation::InputFirst;
        let spec = GruSpec {
            bias_ih: self.gates("b").map(Gates::PerGate),
            layout: if rows < cols { Layout::OutputMajor } else { Layout::InputMajor },
            ..of_gates(present, Weights::Concatenated { weight: Gates::PerGate(weight), order })
        };
        let mut open = vec![Open::new("concatenated", &[Concatenation::InputFirst, Concatenation::StateFirst])];
        // One product of r ⊙ h and x leaves no place for a reset after it.
        open.extend(equations(&spec).into_iter().filter(|open| open.key != "reset"));
        finish(label, spec, open, "", tensors)
    }

    fn stacked(&self, label: String, x: &str, ih: String, hh: String, tensors: &Tensors<'_>) -> Result<Module> {
        let keras = x == "kernel";
        let (rows, cols) = tensors.matrix_shape(&hh)?;
        let (ih_rows, _) = tensors.matrix_shape(&ih)?;
        let present = if rows == cols { [false, false, true] } else { [true; 3] };
        let bias_ih = ["bias", "bih", "bx", "b"].iter().find_map(|word| self.get(word));
        let bias_hh = ["bhh", "bh"].iter().find_map(|word| self.get(word)).filter(|_| bias_ih.is_some());
        let both =
            bias_ih.as_ref().map(|bias| tensors.shape(bias).is_ok_and(|shape| shape.len() == 2 && shape[0] == 2));
        let output_major = rows > cols || rows == cols && ih_rows == rows;
        let spec = GruSpec {
            bias_ih: bias_ih.map(Gates::Stacked),
            bias_hh: bias_hh.map(Gates::Stacked),
            layout: if output_major { Layout::OutputMajor } else { Layout::InputMajor },
            ..of_gates(present, Weights::Separate { ih: Gates::Stacked(ih), hh: Gates::Stacked(hh) })
        };
        if !keras || present != [true; 3] {
            let orders = ["rzn", "zrn", "rnz", "znr", "nrz", "nzr"];
            let order = (present == [true; 3]).then(|| Open::new("gate_order", &orders));
            let open = equations(&spec).into_iter().chain(order).collect();
            return finish(label, spec, open, "", tensors);
        }
        let spec = GruSpec { gate_order: GateOrder::ZRN, ..spec };
        let note =
            "its names are Keras', and so are its equations: two biases for a reset after, one for a reset before";
        match both {
            Some(both) => {
                let reset = if both { Reset::After } else { Reset::Before };
                finish(label, GruSpec { reset, ..spec }, Vec::new(), note, tensors)
            }
            None => {
                let open = Open::new("reset", &[Reset::After, Reset::Before]);
                finish(label, GruSpec { reset: Reset::After, ..spec }, vec![open], note, tensors)
            }
        }
    }

    /// The readings of a matrix that its name puts behind the state.
    fn output(&self, [weight, bias]: &[&str; 2], tensors: &Tensors<'_>) -> Option<Vec<Module>> {
        let (weight, bias) = (self.get(weight)?, self.get(bias));
        let (rows, cols) = tensors.matrix_shape(&weight).ok()?;
        let fits = |outputs: usize| {
            let shape = bias.as_ref().and_then(|bias| tensors.shape(bias).ok());
            shape.is_none_or(|shape| shape.iter().product::<usize>() == outputs)
        };
        let reading = |layout: Layout, inputs: usize, outputs: usize| Module {
            last: true,
            ..Module::new(
                format!("dense {} ({layout})", quoted(&weight)),
                Input::Vector(inputs),
                outputs,
                LayerSpec::Dense { weight: weight.clone(), bias: bias.clone(), layout },
            )
        };
        let mut readings = vec![reading(Layout::InputMajor, rows, cols)];
        if !weight.ends_with("W_hq") {
            readings.push(reading(Layout::OutputMajor, cols, rows));
        }
        readings.retain(|reading| fits(reading.output_size));
        Some(readings)
    }
}

/// The first of the possible equations with these gates.
fn of_gates(present: [bool; 3], weights: Weights) -> GruSpec {
    GruSpec {
        gate_order: GateOrder::of(present),
        reset: if present[0] { Reset::Before } else { Reset::None },
        update: if present[1] { Update::Keep } else { Update::None },
        ..GruSpec::new(weights)
    }
}

/// The choices of equations that the gates leave.
fn equations(spec: &GruSpec) -> Vec<Open> {
    let reset = (spec.reset != Reset::None).then(|| Open::new("reset", &[Reset::Before, Reset::After]));
    let update = (spec.update != Update::None).then(|| Open::new("update", &[Update::Keep, Update::Replace]));
    reset.into_iter().chain(update).collect()
}

/// Whether every name is `start` and z, r or h.
fn is_of_the_book(gates: &PerGate, start: &str) -> bool {
    gates
        .each()
        .into_iter()
        .zip(["r", "z", "h"])
        .all(|(name, letter)| name.is_none_or(|name| split_name(name).1.strip_prefix(start) == Some(letter)))
}

fn finish(label: String, spec: GruSpec, open: Vec<Open>, note: &str, tensors: &Tensors<'_>) -> Result<Module> {
    let (i, h) = gru::sizes(&spec, tensors).map_err(|error| match error.advice() {
        None => error.help(DECIDE),
        Some(_) => error,
    })?;
    let plain = spec.reset == Reset::None && spec.update == Update::None;
    let note = if note.is_empty() && plain { "it has no gates and is taken for a plain tanh RNN" } else { note };
    let notes = Some(format!("{label}: {note}")).filter(|_| !note.is_empty() && open.is_empty());
    Ok(Module {
        open,
        notes: notes.into_iter().collect(),
        ..Module::new(label, Input::Vector(i), h, LayerSpec::Gru(spec))
    })
}
