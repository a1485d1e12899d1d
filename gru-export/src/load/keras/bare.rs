//! `.weights.h5` files: weights without their layers' arguments.
//!
//! The groups name the classes, and each class's layers in order. What a GRU's bias does not tell is taken as Keras' default and noted;
//! whatever else leaves a choice is an error.

use crate::error::{Error, Result, listed, quoted};
use crate::ir::{Cell, Dense, Embedding, Input, Layer, Model, Reset};

use super::weights::Weights;
use super::{SAVE_KERAS, cell};

/// Layers that do nothing at inference.
const IDENTITIES: &[&str] = &[
    "activity_regularization",
    "alpha_dropout",
    "dropout",
    "gaussian_dropout",
    "gaussian_noise",
    "identity",
    "input_layer",
    "spatial_dropout1d",
];

/// Builds the only model that the groups allow.
pub(super) fn load(mut weights: Weights) -> Result<Model> {
    let (mut embeddings, mut grus, mut heads) = (Vec::new(), Vec::new(), Vec::new());
    for (class, group) in classes(&weights)? {
        let path = format!("layers/{group}");
        match &*class {
            "embedding" => embeddings.push(embedding(group.clone(), &path, &mut weights)?),
            "gru" => grus.push(gru(group.clone(), &format!("{path}/cell"), &mut weights)?),
            "dense" => heads.push(dense(group.clone(), &path, &mut weights)?),
            class if IDENTITIES.contains(&class) => {}
            _ => {
                return Err(Error::new(format!(
                    "group {}: a file of weights does not tell all that this layer does, nor where it stands",
                    quoted(&path)
                ))
                .help(SAVE_KERAS));
            }
        }
    }
    if grus.is_empty() {
        return Err(Error::new("expected at least one GRU layer, found none").help(SAVE_KERAS));
    }
    let (embedding, head) = (at_most_one(embeddings, "Embedding")?, at_most_one(heads, "Dense")?);
    only_order(embedding.as_ref(), &grus, head.as_ref())?;

    let mut note = format!(
        "a .weights.h5 file does not record activations, masks or direction; taken as Keras' defaults: {} with tanh and sigmoid",
        listed(grus.iter().map(|gru| quoted(gru.name()))),
    );
    if let Some(head) = &head {
        note += &format!(", no activation after {}", quoted(head.name()));
    }
    let layers = embedding.into_iter().chain(grus).chain(head).collect();
    Ok(Model::new(layers, None)?.with_note(note))
}

/// Class and group of each layer, those of a class in the model's order.
fn classes(weights: &Weights) -> Result<Vec<(String, String)>> {
    let root = weights.groups("/")?;
    if !root.iter().any(|group| group == "layers") {
        let found = listed(root.iter().map(|group| quoted(group)));
        return Err(Error::new(format!(
            "expected the group `layers` of a Sequential or Functional model, found {found}"
        ))
        .help(format!("from a model of one of the two, {SAVE_KERAS}")));
    }
    let mut layers: Vec<(String, usize, String)> = weights
        .groups("layers")?
        .into_iter()
        .map(|group| {
            let numbered = group.rsplit_once('_').and_then(|(class, at)| Some((class.to_owned(), at.parse().ok()?)));
            let (class, at) = numbered.unwrap_or_else(|| (group.clone(), 0));
            (class, at, group)
        })
        .collect();
    layers.sort();
    Ok(layers.into_iter().map(|(class, _, group)| (class, group)).collect())
}

fn embedding(name: String, path: &str, weights: &mut Weights) -> Result<Layer> {
    Ok(Layer::Embedding(Embedding { name, weight: weights.variable(path, 0)?.matrix()? }))
}

/// A GRU whose bias tells where its reset gate acts.
fn gru(name: String, path: &str, weights: &mut Weights) -> Result<Layer> {
    if weights.variables(path)? != 3 {
        return Err(Error::new(format!(
            "group {}: without a bias nothing tells where the reset gate acts",
            quoted(path)
        ))
        .help(format!("both reset_after=True and reset_after=False fit; {SAVE_KERAS}")));
    }
    let [kernel, recurrent, bias] =
        [weights.variable(path, 0)?, weights.variable(path, 1)?, weights.variable(path, 2)?];
    let reset = if bias.shape().len() == 2 { Reset::After } else { Reset::Before };
    let (units, _) = recurrent.sides()?;
    let cell = Cell { reset, ..Cell::default() };
    Ok(Layer::Gru(cell::assemble(name, cell, units, [kernel, recurrent], Some(bias))?))
}

fn dense(name: String, path: &str, weights: &mut Weights) -> Result<Layer> {
    let kernel = weights.variable(path, 0)?;
    let weight = kernel.transposed(0, 1)?;
    let bias = match weights.variables(path)? {
        1 => vec![0.0; weight.rows()],
        _ => weights.variable(path, 1)?.expect(&[weight.rows()])?.values(),
    };
    Ok(Layer::Dense(Dense { name, weight, bias }))
}

/// Two of these would have something between them that the file does not record.
fn at_most_one(mut layers: Vec<Layer>, class: &str) -> Result<Option<Layer>> {
    let last = layers.pop();
    match last {
        Some(last) if !layers.is_empty() => {
            let names = listed(layers.iter().chain([&last]).map(|layer| quoted(layer.name())));
            Err(Error::new(format!("{class} layers {names}: a file of weights does not tell what stands between them"))
                .help(SAVE_KERAS))
        }
        last => Ok(last),
    }
}

/// Fails unless the head can only come last.
fn only_order(embedding: Option<&Layer>, grus: &[Layer], head: Option<&Layer>) -> Result<()> {
    let with_head = |at: usize| {
        let (before, after) = grus.split_at(at);
        embedding.into_iter().chain(before).chain(head).chain(after).collect::<Vec<_>>()
    };
    let fits =
        |order: &Vec<&Layer>| order.windows(2).all(|pair| pair[1].input() == Input::Vector(pair[0].output_size()));
    let first = if head.is_some() { 0 } else { grus.len() };
    let orders: Vec<_> = (first..=grus.len()).map(with_head).filter(fits).collect();
    let described = orders.iter().map(|order| order.iter().map(|layer| layer.name()).collect::<Vec<_>>().join(" → "));
    match &orders[..] {
        [only] if head.is_none_or(|head| only.last().is_some_and(|last| last.name() == head.name())) => Ok(()),
        [] => Err(Error::new("the layers fit in no order: each must take as many values as the one before it gives")
            .help(SAVE_KERAS)),
        _ => Err(Error::new(format!(
            "the order {} is possible, but a file of weights does not tell what activation follows the Dense layer",
            described.collect::<Vec<_>>().join(", or ")
        ))
        .help(SAVE_KERAS)),
    }
}
