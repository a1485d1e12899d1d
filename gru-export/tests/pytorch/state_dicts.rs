//! Models as PyTorch users save them, in every float type.

use gru_export::dataset::{Array, Dataset};
use gru_export::reference::play;
use gru_export::spec::Spec;
use gru_export::{Export, InputUnit, Precision, Source, load};

use crate::{F32_BOUND, golden};

const SOUND: [&str; 9] =
    ["gru_f16", "gru_bf16", "gru_f64", "grucell", "embedding", "wrapped", "bidirectional", "normalized", "activated"];

/// Of a model that needs a spec.
fn export(name: &str) -> Export {
    let export = Export::new(golden(&format!("{name}.safetensors")));
    let spec = golden(&format!("{name}.toml"));
    if spec.exists() { export.spec(spec) } else { export }
}

#[test]
fn f32_kernels_equal_pytorch() {
    for name in SOUND {
        let [input, outputs] = ["x", "y"].map(|kind| golden(&format!("{name}_{kind}.npy")));
        let verification = export(name).verify(&input, InputUnit::Raw, Some(&outputs), &()).unwrap();
        let given = verification.given.unwrap();
        assert_eq!((given.steps, given.argmax_agrees), (50, 50), "{name}");
        assert!(verification.holds(F32_BOUND), "{name}\n{verification}");
    }
}

#[test]
fn the_reference_equals_pytorch_in_f64() {
    for name in ["gru_f16", "gru_bf16", "gru_f64"] {
        let model = load(&Source::read(golden(&format!("{name}.safetensors"))).unwrap(), None).unwrap();
        let data = Dataset::read(golden(&format!("{name}_x.npy")), model.input()).unwrap();
        let expected = Array::read(golden(&format!("{name}_y.npy"))).unwrap();
        let sequences: Vec<_> = data.sequences().collect();
        let samples: Vec<_> = sequences.iter().flat_map(|sequence| sequence.samples(model.input())).collect();
        let trace = play(&model, &samples);
        for (found, expected) in trace.outputs().iter().flatten().zip(&*expected.values()) {
            assert!((found - expected).abs() < 1e-14, "{name}: {found} for {expected}");
        }
    }
}

#[test]
fn int8_keeps_what_pytorch_decides() {
    for name in ["bidirectional", "normalized", "activated"] {
        let [input, outputs] = ["x", "y"].map(|kind| golden(&format!("{name}_{kind}.npy")));
        let export = export(name).precision(Precision::Int8).calibrate(&input);
        let verification = export.verify(&input, InputUnit::Raw, Some(&outputs), &()).unwrap();
        let given = verification.given.unwrap();
        assert!(given.errors.rms <= 0.01 * given.errors.peak.max(1.0), "{name}\n{verification}");
        assert!(given.argmax_agrees >= 48, "{name}\n{verification}");
    }
}

#[test]
fn other_architectures_are_refused() {
    let source = Source::read(golden("lstm.safetensors")).unwrap();
    let error = load(&source, None).unwrap_err();
    assert!(error.to_string().contains("LSTM"), "{error}");
}

#[test]
fn a_spec_says_what_was_inferred() {
    let gru = |layer: &str| {
        let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        names.map(|kind| format!("{kind} = \"{}\"\n", layer.replace('*', kind))).concat()
    };
    let batch_norm = |name: &str| {
        format!(
            "[[layer]]\ntype = \"batch_norm\"\nmean = \"{name}.running_mean\"\nvariance = \"{name}.running_var\"\n\
             weight = \"{name}.weight\"\nbias = \"{name}.bias\"\n"
        )
    };
    let spec = [
        batch_norm("input_norm"),
        format!("[[layer]]\ntype = \"gru\"\n{}", gru("first.*_l0")),
        "[[layer]]\ntype = \"layer_norm\"\nweight = \"norm.weight\"\nbias = \"norm.bias\"\n".to_owned(),
        format!(
            "[[layer]]\ntype = \"bidirectional\"\n[layer.forward]\n{}[layer.backward]\n{}",
            gru("second.*_l0"),
            gru("second.*_l0_reverse")
        ),
        batch_norm("head_norm"),
        "[[layer]]\ntype = \"dense\"\nweight = \"head.weight\"\nbias = \"head.bias\"\n".to_owned(),
    ];
    let spec = Spec::parse(&Source::from_bytes("spec.toml", spec.concat().into_bytes())).unwrap();
    let source = Source::read(golden("normalized.safetensors")).unwrap();
    let (said, inferred) = (load(&source, Some(&spec)).unwrap(), load(&source, None).unwrap());
    assert_eq!(said.layers(), inferred.layers());
    assert!(inferred.notes().iter().any(|note| note.contains("epsilon")), "{:?}", inferred.notes());
}
