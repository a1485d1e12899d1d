//! Spec files that must be refused.

use crate::program::{Bench, Transcript};

const GRU: &str = "[[layer]]\ntype = \"gru\"\nweight_ih = \"gru.weight_ih_l0\"\nweight_hh = \"gru.weight_hh_l0\"\n";
const BIASES: &str = "bias_ih = \"gru.bias_ih_l0\"\nbias_hh = \"gru.bias_hh_l0\"\n";
const HEAD: &str = "[[layer]]\ntype = \"dense\"\nweight = \"head.weight\"\nbias = \"head.bias\"\n";

#[test]
fn bad_specs() {
    let mut transcript = Transcript::default();
    for (case, spec) in [
        ("not TOML", b"[[layer\n".to_vec()),
        ("not UTF-8", b"# \xFF\n".to_vec()),
        ("no layers", b"".to_vec()),
        ("an empty list of layers", b"layer = []".to_vec()),
        ("unknown key", b"gates = 3\n".to_vec()),
        ("unknown key in a layer", format!("{GRU}weight_hr = \"x\"\n").into()),
        ("unknown type", b"[[layer]]\ntype = \"lstm\"\n".to_vec()),
        ("missing key", b"[[layer]]\ntype = \"gru\"\n".to_vec()),
        ("unknown gate order", format!("{GRU}gate_order = \"rzz\"\n").into()),
        ("a tensor that the file lacks", GRU.replace("weight_hh_l0", "weight_hh_l7").into()),
        ("a tensor used twice", format!("{GRU}{BIASES}{HEAD}{HEAD}").into()),
        ("a tensor left over", format!("{GRU}{HEAD}").into()),
        ("layers in the wrong order", format!("{HEAD}{GRU}{BIASES}").into()),
        (
            "a symbol layer that is not the first",
            format!("{GRU}{BIASES}[[layer]]\ntype = \"embedding\"\nweight = \"head.weight\"\n").into(),
        ),
    ] {
        let bench = Bench::with_model();
        bench.put("spec.toml", &spec);
        transcript.add(case, &bench.refusal("export model.safetensors --spec spec.toml --precision f32 -o out.rs"));
    }
    insta::assert_snapshot!(transcript.text());
}
