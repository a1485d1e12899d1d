//! `config.json` to a chain of layers: models in models flattened, functional graphs walked from their output back.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Result, quoted};

use super::SAVE_KERAS;

/// Models within models.
const MAX_DEPTH: usize = 8;

/// A layer as `config.json` tells it.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Its Keras class.
    pub(super) class: Cow<'a, str>,
    /// Its arguments, as JSON.
    pub(super) config: &'a RawValue,
    /// The group of its weights.
    pub(super) path: String,
    /// Whether a mask is given to it by hand.
    pub(super) masked: bool,
}

/// A serialized Keras object.
#[derive(Deserialize)]
pub(super) struct Object<'a> {
    #[serde(borrow)]
    pub(super) class_name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) config: &'a RawValue,
    #[serde(borrow, default)]
    inbound_nodes: Option<&'a RawValue>,
}

/// One call of a layer.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    args: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    kwargs: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// Layer, call and output that a tensor comes from.
type History<'a> = (Cow<'a, str>, usize, usize);

impl<'a> Entry<'a> {
    /// The entry's arguments.
    pub(super) fn parse<T: Deserialize<'a>>(&self) -> Result<T> {
        serde_json::from_str(self.config.get())
            .map_err(|error| self.error(format!("config.json: {error}")).help(SAVE_KERAS))
    }

    /// The layer's own name.
    pub(super) fn name(&self) -> String {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        serde_json::from_str(self.config.get()).map_or_else(|_| self.path.clone(), |Named { name }| name)
    }

    /// An error that names layer and class.
    pub(super) fn error(&self, problem: impl std::fmt::Display) -> Error {
        Error::new(format!("layer {} ({}): {problem}", quoted(&self.name()), self.class.escape_debug()))
    }

    /// An object within this one, whose weights are in the group `group` of it.
    pub(super) fn inner(&self, object: Object<'a>, group: &str) -> Self {
        let path = if self.path.is_empty() { group.to_owned() } else { format!("{}/{group}", self.path) };
        Entry { class: object.class_name, config: object.config, path, masked: false }
    }
}

/// The model's layers, first to last.
pub(super) fn parse(config: &str) -> Result<Vec<Entry<'_>>> {
    let model: Object<'_> =
        serde_json::from_str(config).map_err(|error| Error::new(format!("config.json: {error}")).help(SAVE_KERAS))?;
    let root = Entry { class: model.class_name, config: model.config, path: String::new(), masked: false };
    let mut chain = Vec::new();
    match &*root.class {
        "Sequential" | "Functional" => flatten(root, 0, &mut chain)?,
        _ => {
            return Err(root
                .error("expected a Sequential or Functional model, found a class of its own, whose code is not in the file")
                .help("build the same layers as keras.Sequential, copy the weights with set_weights, and save that"));
        }
    }
    Ok(chain)
}

/// Appends a layer, or the layers of a model.
fn flatten<'a>(entry: Entry<'a>, depth: usize, chain: &mut Vec<Entry<'a>>) -> Result<()> {
    let within = match &*entry.class {
        "Sequential" => sequential(&entry)?,
        "Functional" => functional(&entry)?,
        _ => {
            chain.push(entry);
            return Ok(());
        }
    };
    if depth == MAX_DEPTH {
        return Err(entry.error(format!("more than {MAX_DEPTH} models within models")));
    }
    within.into_iter().try_for_each(|layer| flatten(layer, depth + 1, chain))
}

fn sequential<'a>(model: &Entry<'a>) -> Result<Vec<Entry<'a>>> {
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        layers: Vec<Object<'a>>,
    }
    let Config { layers } = model.parse()?;
    Ok(located(model, layers).into_iter().map(|(entry, _)| entry).collect())
}

/// Each layer with the group of its weights: its class in snake case, numbered where there are several.
fn located<'a>(model: &Entry<'a>, layers: Vec<Object<'a>>) -> Vec<(Entry<'a>, Option<&'a RawValue>)> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut locate = |object: Object<'a>| {
        let class = snake_case(&object.class_name);
        let count = counts.entry(class.clone()).or_default();
        let group = if *count == 0 { format!("layers/{class}") } else { format!("layers/{class}_{count}") };
        *count += 1;
        let calls = object.inbound_nodes;
        (model.inner(object, &group), calls)
    };
    layers.into_iter().map(&mut locate).collect()
}

fn functional<'a>(model: &Entry<'a>) -> Result<Vec<Entry<'a>>> {
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        layers: Vec<Object<'a>>,
        #[serde(borrow)]
        output_layers: &'a RawValue,
    }
    let Config { layers, output_layers } = model.parse()?;
    let mut layers: HashMap<String, _> =
        located(model, layers).into_iter().map(|(entry, calls)| (entry.name(), (entry, calls))).collect();
    let mut history = single(output_layers)
        .ok_or_else(|| model.error("expected one output").help("export a model of the output that the device needs"))?;
    let mut chain = Vec::new();
    loop {
        let (name, call, output) = history;
        // A layer is taken out when it is met: a second meeting is a loop or a layer that is called twice.
        let Some((mut entry, calls)) = layers.remove(&*name) else {
            return Err(model.error(format!("its graph has no layer {}, or passes it twice", quoted(&name))));
        };
        if output != 0 {
            let problem = format!("its output number {output} is used; only the sequence of outputs is supported");
            return Err(entry.error(problem));
        }
        if entry.class == "InputLayer" {
            chain.push(entry);
            break;
        }
        let calls: Vec<Call<'a>> = calls
            .map(|calls| serde_json::from_str(calls.get()))
            .transpose()
            .map_err(|error| entry.error(format!("config.json: {error}")).help(SAVE_KERAS))?
            .unwrap_or_default();
        let Some(Call { args, kwargs }) = calls.into_iter().nth(call) else {
            return Err(entry.error(format!("config.json has no call number {call} of it")));
        };
        entry.masked = kwargs.get("mask").is_some_and(|mask| tensor(mask).is_some());
        let given = kwargs.iter().find(|(name, value)| *name != "mask" && tensor(value).is_some());
        if let Some((name, _)) = given {
            return Err(entry.error(format!("its argument {} is a tensor, which is not supported", quoted(name))));
        }
        let mut inputs = args.iter().filter_map(|arg| tensor(arg));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(entry
                .error("expected one input, found several or none")
                .help("only chains are understood: each layer takes what the one before it gives"));
        };
        history = input;
        chain.push(entry);
    }
    chain.reverse();
    Ok(chain)
}

/// `["name", 0, 0]`, also as the only item of a list.
fn single(outputs: &RawValue) -> Option<History<'_>> {
    let one = serde_json::from_str(outputs.get());
    one.or_else(|_| serde_json::from_str(outputs.get()).map(|[one]: [History<'_>; 1]| one)).ok()
}

/// Where a call's argument comes from, if it is a tensor.
fn tensor(argument: &RawValue) -> Option<History<'_>> {
    #[derive(Deserialize)]
    struct Tensor<'a> {
        #[serde(borrow)]
        config: Config<'a>,
    }
    #[derive(Deserialize)]
    struct Config<'a> {
        #[serde(borrow)]
        keras_history: History<'a>,
    }
    serde_json::from_str(argument.get()).ok().map(|Tensor { config }| config.keras_history)
}

/// As Keras names groups: `LayerNormalization` is `layer_normalization`, `GRU` is `gru`.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && letters[at - 1].is_lowercase();
        let before_lower = at > 0 && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_lower || before_lower) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

/// A sentence on the masks of a chain, if it has any.
pub(super) fn mask_note(chain: &[Entry<'_>]) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(default)]
        mask_zero: bool,
    }
    let reason = chain.iter().find_map(|entry| match &*entry.class {
        "Masking" => Some(format!("those that {} masks", quoted(&entry.name()))),
        "Embedding" if entry.parse().is_ok_and(|Config { mask_zero }| mask_zero) => {
            Some(format!("symbol 0, by mask_zero of {}", quoted(&entry.name())))
        }
        _ if entry.masked => Some(format!("by the mask that {} is called with", quoted(&entry.name()))),
        _ => None,
    })?;
    Some(format!("Keras skips padding steps ({reason}); nothing is skipped here: leave them out of the input"))
}
