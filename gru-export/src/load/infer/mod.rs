//! The architecture from the tensors' names and shapes, where they leave no choice.

mod flax;
mod scratch;
mod torch;

use crate::error::{Error, Result, listed, quoted};
use crate::ir::Input;
use crate::spec::{LayerSpec, Open, Spec};

use super::tensors::Tensors;

/// More modules than this need a spec: the search over their orders is factorial.
const MAX_MODULES: usize = 7;

const WRITE_SPEC: &str = "list the layers and their activations in order in a TOML file and give it as --spec";

const DECIDE: &str = "write `gru-export inspect --spec-template MODEL` to a file, decide in it, and give it as --spec";

/// What a group of tensors is: one or more layers, with what they take and give.
#[derive(Clone)]
struct Module {
    label: String,
    input: Input,
    output_size: usize,
    layers: Vec<LayerSpec>,
    /// The choices of its only layer that names and shapes leave.
    open: Vec<Open>,
    /// What was taken for granted.
    notes: Vec<String>,
    /// Whether nothing comes after it, by its name.
    last: bool,
}

impl Module {
    fn of(label: String, input: Input, output_size: usize, layers: Vec<LayerSpec>) -> Self {
        Self { label, input, output_size, layers, open: Vec::new(), notes: Vec::new(), last: false }
    }

    fn new(label: String, input: Input, output_size: usize, layer: LayerSpec) -> Self {
        Self::of(label, input, output_size, vec![layer])
    }
}

/// What the names and shapes say.
pub(super) struct Reading {
    /// Its choices and its order are the first of those possible.
    pub(super) spec: Spec,
    pub(super) notes: Vec<String>,
    /// The choices of each layer.
    pub(super) open: Vec<Vec<Open>>,
    /// Why it is not the only reading.
    pub(super) doubt: Option<Error>,
}

/// The layers that the tensors' names are known for.
pub(super) fn infer(tensors: &Tensors<'_>) -> Result<Reading> {
    let [input_mean, input_std] = [buffer("input_mean", tensors)?, buffer("input_std", tensors)?];
    let modules = [torch::modules(tensors)?, flax::modules(tensors)?, scratch::modules(tensors)?].concat();
    let recurrent = |layer: &LayerSpec| matches!(layer, LayerSpec::Gru(_) | LayerSpec::Bidirectional { .. });
    if !modules.iter().flatten().flat_map(|module| &module.layers).any(recurrent) {
        return Err(Error::new(
            "expected the tensors of an nn.GRU (`….weight_ih_l0`), nn.GRUCell (`….weight_ih`), Flax's GRUCell (`…/hn/kernel`) or a GRU \
             from scratch (`W_xz`, `W_z`, …), found none",
        )
        .help(format!("if the GRU's tensors have other names, {DECIDE}")));
    }
    if modules.len() > MAX_MODULES {
        return Err(Error::new(format!(
            "more than {MAX_MODULES} modules have too many possible orders to choose from"
        ))
        .help(WRITE_SPEC));
    }
    let mut orders = Vec::new();
    arrange(&mut modules.iter().map(Vec::as_slice).collect(), &mut Vec::new(), &mut orders);
    let doubt = doubt(&orders, &modules);
    let firsts = || modules.iter().filter_map(|readings| readings.first()).collect();
    let order: Vec<&Module> = orders.into_iter().next().unwrap_or_else(firsts);
    Ok(Reading {
        open: order.iter().flat_map(|module| module.layers.iter().map(|_| module.open.clone())).collect(),
        notes: order.iter().flat_map(|module| module.notes.clone()).collect(),
        spec: Spec { input_mean, input_std, layers: order.iter().flat_map(|module| module.layers.clone()).collect() },
        doubt,
    })
}

/// The only tensor of this name, in whatever module.
fn buffer(leaf: &str, tensors: &Tensors<'_>) -> Result<Option<String>> {
    let mut found = tensors.shapes().map(|(name, _)| name).filter(|name| name.rsplit(['.', '/']).next() == Some(leaf));
    match (found.next(), found.next()) {
        (Some(one), Some(other)) => {
            let problem = format!("two tensors could be the {leaf}: {} and {}", quoted(one), quoted(other));
            Err(Error::new(problem).help(WRITE_SPEC))
        }
        (one, _) => Ok(one.map(str::to_owned)),
    }
}

/// Every order of the modules left, each in one of its readings, that continues `chain`.
fn arrange<'a>(left: &mut Vec<&'a [Module]>, chain: &mut Vec<&'a Module>, orders: &mut Vec<Vec<&'a Module>>) {
    if left.is_empty() {
        orders.push(chain.clone());
    }
    for index in 0..left.len() {
        let readings = left.remove(index);
        for module in readings {
            let fits = chain.last().is_none_or(|last| module.input == Input::Vector(last.output_size));
            if fits && (left.is_empty() || !module.last) {
                chain.push(module);
                arrange(left, chain, orders);
                chain.pop();
            }
        }
        left.insert(index, readings);
    }
}

/// Why the first of the orders is not the only reading of names and shapes.
fn doubt(orders: &[Vec<&Module>], modules: &[Vec<Module>]) -> Option<Error> {
    let [order] = orders else {
        return Some(match orders.len() {
            0 => Error::new(format!("no order in which these fit: {}", listed(modules.iter().flatten()))).help(
                "each must take as many values as the one before it gives; save the whole model, or give a --spec",
            ),
            _ => Error::new(format!(
                "several orders are possible: {}",
                listed(orders.iter().map(|order| describe(order)))
            ))
            .help(WRITE_SPEC),
        });
    };
    let linear = |module: &&Module| matches!(module.layers[..], [LayerSpec::Dense { .. }]);
    if let Some(first) = order.iter().position(linear).filter(|first| first + 1 < order.len()) {
        return Some(
            Error::new(format!(
                "{} is followed by {}, and names do not tell what activation stands between them",
                order[first].label,
                order[first + 1].label
            ))
            .help(WRITE_SPEC),
        );
    }
    let open: Vec<_> = order.iter().filter(|module| !module.open.is_empty()).collect();
    let choices = open.iter().flat_map(|module| &module.open);
    (!open.is_empty()).then(|| {
        Error::new(format!(
            "the names and shapes of {} leave open: {}",
            listed(open.iter().map(|module| &module.label)),
            choices.map(Open::to_string).collect::<Vec<_>>().join("; ")
        ))
        .help(DECIDE)
    })
}

/// The path of a tensor with its last separator, and the rest.
fn split_name(name: &str) -> (&str, &str) {
    name.split_at(name.rfind(['.', '/']).map_or(0, |at| at + 1))
}

fn label(class: &str, prefix: &str) -> String {
    match prefix {
        "" => class.to_owned(),
        prefix => format!("{class} {}", quoted(prefix)),
    }
}

fn describe(order: &[&Module]) -> String {
    let labels: Vec<&str> = order.iter().map(|module| module.label.as_str()).collect();
    labels.join(" → ")
}

impl std::fmt::Display for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} → {})", self.label, self.input, self.output_size)
    }
}
