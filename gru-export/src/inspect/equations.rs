//! What a layer computes, in the symbols of the papers.

use crate::ir::{Activation, Bidirectional, Cell, Gru, Layer, Merge, Reset};

/// What the layer is in a word or two, and its equations.
pub(super) fn of(layer: &Layer) -> (String, Vec<String>) {
    match layer {
        Layer::Embedding(_) => ("a row for each symbol".to_owned(), vec!["y = row x of W".to_owned()]),
        Layer::Gru(gru) => (gates(gru), recurrent(gru.cell)),
        Layer::Bidirectional(layer) => bidirectional(layer),
        Layer::Dense(_) => ("a matrix and a bias".to_owned(), vec!["y = W x + b".to_owned()]),
        Layer::Activation(layer) => match layer.activation {
            Activation::Softmax => ("of the whole vector".to_owned(), vec!["y = exp(x) / Σ exp(x)".to_owned()]),
            Activation::Linear => ("value by value".to_owned(), vec!["y = x".to_owned()]),
            kind => {
                let mut equations = vec![format!("y = {}", applied(kind, "x"))];
                equations.extend(definition(kind));
                ("value by value".to_owned(), equations)
            }
        },
        Layer::LayerNorm(layer) => (
            "normalization over the vector".to_owned(),
            vec![format!("y = w ⊙ (x − mean(x)) / √(var(x) + {:?}) + b", layer.epsilon)],
        ),
        Layer::Affine(_) => unreachable!("Model::new folds it"),
    }
}

/// `gates r, z, n; reset after`.
fn gates(gru: &Gru) -> String {
    let present = ["r", "z", "n"].into_iter().zip(gru.cell.gates()).filter(|(_, there)| *there).map(|(name, _)| name);
    let reset = match gru.cell.reset {
        Reset::After => "reset after",
        Reset::Before => "reset before",
        Reset::None => "no reset gate",
    };
    let update = if gru.cell.update { "" } else { ", no update gate" };
    format!("gates {}; {reset}{update}", present.collect::<Vec<_>>().join(", "))
}

fn recurrent(cell: Cell) -> Vec<String> {
    let Cell { reset, update, activation, recurrent_activation, clip } = cell;
    let of = |kind: Activation, sum: &str| match clip {
        Some(_) => applied(kind, &format!("clip({sum})")),
        None => applied(kind, sum),
    };
    let gate =
        |name: &str| format!("{name} = {}", of(recurrent_activation, &format!("W_{name} x + U_{name} h + b_{name}")));
    let candidate = match reset {
        Reset::After => "W_n x + b_n + r ⊙ (U_n h + c_n)",
        Reset::Before => "W_n x + b_n + U_n (r ⊙ h)",
        Reset::None => "W_n x + U_n h + b_n",
    };
    let mut equations = Vec::new();
    equations.extend((reset != Reset::None).then(|| gate("r")));
    equations.extend(update.then(|| gate("z")));
    equations.push(format!("n = {}", of(activation, candidate)));
    equations.push(if update { "h' = (1 − z) ⊙ n + z ⊙ h" } else { "h' = n" }.to_owned());
    let gated = update || reset != Reset::None;
    equations.extend(gated.then(|| definition(recurrent_activation)).flatten());
    equations.extend(definition(activation).filter(|_| !gated || activation != recurrent_activation));
    equations.extend(clip.map(|clip| format!("clip(a) = max(−{clip}, min(a, {clip}))")));
    equations
}

fn bidirectional(layer: &Bidirectional) -> (String, Vec<String>) {
    let Bidirectional { forward, backward, merge, ends, .. } = layer;
    let (merged, words) = match merge {
        Merge::Concat => ("y = [h→, h←]", "concatenated"),
        Merge::Sum => ("y = h→ + h←", "added"),
        Merge::Mul => ("y = h→ ⊙ h←", "multiplied"),
        Merge::Ave => ("y = (h→ + h←) / 2", "averaged"),
    };
    let mut equations = recurrent(forward.cell);
    if forward.cell != backward.cell {
        equations.insert(0, "from the first step on, h→:".to_owned());
        equations.push(format!("from the last step on, h←: {}", gates(backward)));
        equations.extend(recurrent(backward.cell));
    }
    let of_ends = if *ends { ", what each gives last, at every step" } else { "" };
    equations
        .push(format!("{merged}: from the first step on and from the last, each with weights of its own{of_ends}"));
    let (words, of_ends) = (words, if *ends { ", at their ends" } else { "" });
    (format!("{}; both directions, {words}{of_ends}", gates(forward)), equations)
}

/// The function of an argument.
fn applied(kind: Activation, argument: &str) -> String {
    match kind {
        Activation::Sigmoid => format!("σ({argument})"),
        Activation::HardSigmoid { .. } => format!("hard({argument})"),
        Activation::Linear => argument.to_owned(),
        kind => format!("{kind}({argument})"),
    }
}

/// Of a function whose name does not say it all.
fn definition(kind: Activation) -> Option<String> {
    match kind {
        Activation::HardSigmoid { slope, offset } => {
            Some(format!("hard(a) = max(0, min({} a + {}, 1))", short(slope), short(offset)))
        }
        _ => None,
    }
}

/// With four digits where it has more.
fn short(value: f64) -> String {
    let rounded = format!("{value:.4}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_reads_as_its_equations() {
        let hard = Activation::HardSigmoid { slope: 1.0 / 6.0, offset: 0.5 };
        let cell =
            Cell { recurrent_activation: hard, activation: Activation::Linear, clip: Some(3.0), ..Cell::default() };
        assert_eq!(
            recurrent(cell),
            [
                "r = hard(clip(W_r x + U_r h + b_r))",
                "z = hard(clip(W_z x + U_z h + b_z))",
                "n = clip(W_n x + b_n + r ⊙ (U_n h + c_n))",
                "h' = (1 − z) ⊙ n + z ⊙ h",
                "hard(a) = max(0, min(0.1667 a + 0.5, 1))",
                "clip(a) = max(−3, min(a, 3))",
            ]
        );
        let plain = Cell { reset: Reset::None, update: false, ..Cell::default() };
        assert_eq!(recurrent(plain), ["n = tanh(W_n x + U_n h + b_n)", "h' = n"]);
    }
}
