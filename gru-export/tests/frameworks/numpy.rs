//! Weights from scratch in NumPy, by `tests/golden/make_numpy.py`.

use gru_export::spec::Spec;
use gru_export::{Source, load, spec_template};

use crate::golden;

cases! {
    book: "`W_xz`, `W_hz`, `b_z`, `W_hq`, …", "numpy/book.npz";
    book_no_bias: "no biases", "numpy/book_no_bias.npz";
    book_no_reset: "no reset gate", "numpy/book_no_reset.npz";
    book_no_update: "no update gate", "numpy/book_no_update.npz";
    book_rnn: "plain RNN", "numpy/book_rnn.npz";
    rnn_columns: "plain RNN, `Wxh`, `Whh`, `Why`, biases of one column", "numpy/rnn_columns.npz";
    two_layers: "layers by prefix", "numpy/two_layers.npz";
    big_endian_columns: "compressed, f64, big-endian, Fortran order", "numpy/big_endian_columns.npz";
    safetensors: "safetensors", "numpy/safetensors.safetensors";
    keras_names: "Keras' `kernel`, `recurrent_kernel`, `bias`", "numpy/keras_names.npz";
    one_hot: "`one_hot`", "numpy/one_hot.npz", spec "numpy/one_hot.toml";
    input_first: "`concatenated = \"x,h\"`", "numpy/input_first.npz", spec "numpy/input_first.toml";
    state_first: "`concatenated = \"h,x\"`", "numpy/state_first.npz", spec "numpy/state_first.toml";
    transposed: "`layout = \"input-major\"`, concatenated", "numpy/transposed.npz", spec "numpy/transposed.toml";
    one_matrix: "one matrix of all gates and inputs", "numpy/one_matrix.npz", spec "numpy/one_matrix.toml";
    replace: "`update = \"replace\"`, `W_z`, `U_z`", "numpy/replace.npz", spec "numpy/replace.toml";
    relu_candidate: "`activation`, `recurrent_activation`", "numpy/relu_candidate.npz", spec "numpy/relu_candidate.toml";
    stacked: "`gate_order`, two biases", "numpy/stacked.npz", spec "numpy/stacked.toml";
    no_reset_stacked: "`gate_order` of two gates", "numpy/no_reset_stacked.npz", spec "numpy/no_reset_stacked.toml";
}

fn source(name: &str) -> Source {
    Source::read(golden(name)).unwrap()
}

/// The template of a file, parsed.
fn template(file: &str) -> (String, Spec) {
    let text = spec_template(&source(file)).unwrap();
    let spec = Spec::parse(&Source::from_bytes("template.toml", text.clone().into_bytes())).unwrap();
    (text, spec)
}

#[test]
fn a_template_of_known_names_is_the_model() {
    for file in [
        "numpy/book.npz",
        "numpy/book_no_reset.npz",
        "numpy/rnn_columns.npz",
        "numpy/two_layers.npz",
        "numpy/keras_names.npz",
        "flax/linen_layers.npz",
        "flax/nnx.npz",
        "flax/language.safetensors",
        "gru_f16.safetensors",
        "embedding.safetensors",
        "normalized.safetensors",
        "bidirectional.safetensors",
    ] {
        let (text, spec) = template(file);
        assert!(!text.contains("TO DECIDE"), "{file}\n{text}");
        let [by_names, by_spec] = [None, Some(&spec)].map(|spec| load(&source(file), spec).unwrap());
        assert_eq!(by_names.layers(), by_spec.layers(), "{file}\n{text}");
    }
}

#[test]
fn a_template_marks_what_is_open() {
    for (file, open) in [
        ("numpy/input_first.npz", &["concatenated", "update"][..]),
        ("numpy/state_first.npz", &["concatenated", "update"]),
        ("numpy/transposed.npz", &["concatenated", "update"]),
        ("numpy/replace.npz", &["reset", "update"]),
        ("numpy/stacked.npz", &["gate_order", "reset", "update"]),
    ] {
        let (text, spec) = template(file);
        for key in open {
            let marked = |line: &str| line.starts_with(key) && line.contains("# TO DECIDE");
            assert!(text.lines().any(marked), "{file}: {key}\n{text}");
        }
        load(&source(file), Some(&spec)).unwrap();
        let error = load(&source(file), None).unwrap_err().to_string();
        assert!(open.iter().all(|key| error.contains(key)), "{file}: {error}");
    }
}

#[test]
fn a_template_of_unknown_names_lists_them() {
    for file in ["numpy/one_matrix.npz", "numpy/no_reset_stacked.npz", "activated.safetensors"] {
        let (text, _) = template(file);
        assert!(text.contains("#   `"), "{file}\n{text}");
    }
}

#[test]
fn what_names_are_taken_for_is_noted() {
    let notes = load(&source("numpy/book.npz"), None).unwrap().notes().join("\n");
    assert!(notes.contains("Dive into Deep Learning"), "{notes}");
    assert!(load(&source("flax/linen.npz"), None).unwrap().notes().is_empty());
}
