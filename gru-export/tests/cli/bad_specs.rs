//! Spec files that must be refused.

use crate::program::{Bench, Transcript};

const GRU: &str = "[[layer]]\ntype = \"gru\"\nweight_ih = \"gru.weight_ih_l0\"\nweight_hh = \"gru.weight_hh_l0\"\n";
const BIASES: &str = "bias_ih = \"gru.bias_ih_l0\"\nbias_hh = \"gru.bias_hh_l0\"\n";
const HEAD: &str = "[[layer]]\ntype = \"dense\"\nweight = \"head.weight\"\nbias = \"head.bias\"\n";

fn per_gate(keys: &str) -> Vec<u8> {
    let tables = "weight_ih = { r = \"a\", z = \"b\", n = \"c\" }\nweight_hh = { r = \"d\", z = \"e\", n = \"f\" }\n";
    format!("[[layer]]\ntype = \"gru\"\n{tables}{keys}").into()
}

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
        ("an unknown key in the second layer", format!("{GRU}{HEAD}width = 3\n").into()),
        ("a matrix for both inputs without their order", b"[[layer]]\ntype = \"gru\"\nweight = \"w\"\n".to_vec()),
        ("matrices of one and of two inputs", format!("{GRU}weight = \"w\"\n").into()),
        ("an unknown order of inputs", format!("{GRU}concatenated = \"x\"\n").into()),
        ("an unknown layout", format!("{GRU}layout = \"major\"\n").into()),
        ("a gate order with a gate that is not there", format!("{GRU}reset = \"none\"\ngate_order = \"rzn\"\n").into()),
        ("matrices of a gate that is not there", per_gate("update = \"none\"\n")),
        ("matrices of too few gates", String::from_utf8(per_gate("")).unwrap().replace("r = \"a\", ", "").into()),
        ("a bias of a gate that is not there", format!("{GRU}reset = \"none\"\nbias_ih = {{ r = \"b\" }}\n").into()),
        ("an unknown gate", format!("{GRU}bias_ih = {{ q = \"b\" }}\n").into()),
        ("a number for a tensor", format!("{GRU}bias_ih = 3\n").into()),
        ("softmax in a cell", format!("{GRU}activation = \"softmax\"\n").into()),
        ("relu gates that replace", format!("{GRU}update = \"replace\"\nrecurrent_activation = \"relu\"\n").into()),
        ("an activation without a layer", b"[[layer]]\ntype = \"activation\"\nactivation = \"relu\"\n".to_vec()),
        ("the other layout", format!("{GRU}{BIASES}layout = \"input-major\"\n{HEAD}").into()),
        ("gates that the shapes do not have", format!("{GRU}{BIASES}reset = \"none\"\n{HEAD}").into()),
        ("two inputs in a matrix of one", {
            let weight = "weight = \"gru.weight_ih_l0\"\nconcatenated = \"x,h\"\n";
            format!("[[layer]]\ntype = \"gru\"\n{weight}{BIASES}{HEAD}").into()
        }),
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
