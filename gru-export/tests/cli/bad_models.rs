//! Model files that must be refused.

use safetensors::Dtype;

use crate::files::{Tensor, model, raw_model};
use crate::program::{Bench, Transcript, exists};

const EXPORT: &str = "export model.safetensors --precision f32 -o out.rs";

fn transcript(cases: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let mut transcript = Transcript::default();
    for (case, bytes) in cases {
        let bench = Bench::new();
        bench.put("model.safetensors", &bytes);
        transcript.add(case, &bench.refusal(EXPORT));
    }
    transcript.text().to_owned()
}

/// A sound model's tensors, changed.
fn changed(change: impl FnOnce(&mut Vec<Tensor>)) -> Vec<u8> {
    let mut tensors = Tensor::gru_and_head(2, 3, 4);
    change(&mut tensors);
    model(&tensors)
}

fn with(more: impl IntoIterator<Item = Tensor>) -> Vec<u8> {
    changed(|tensors| tensors.extend(more))
}

fn renamed(from: &str, to: &str) -> Vec<u8> {
    changed(|tensors| tensors.iter_mut().for_each(|tensor| tensor.name = tensor.name.replace(from, to)))
}

fn joined(parts: impl IntoIterator<Item = Vec<Tensor>>) -> Vec<u8> {
    model(&parts.into_iter().flatten().collect::<Vec<_>>())
}

#[test]
fn not_a_file() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("directory")).unwrap();
    let mut transcript = Transcript::default();
    for (case, path) in [("missing", "missing.safetensors"), ("a directory", "directory"), ("a device", "/dev/zero")] {
        assert!(!path.starts_with('/') || exists(path), "{path} is part of every Unix");
        transcript.add(case, &bench.refusal(&format!("export {path} --precision f32 -o out.rs")));
    }
    // A hole takes no room.
    let large = std::fs::File::create(bench.path("large.safetensors")).unwrap();
    large.set_len(gru_export::MAX_FILE_LEN + 1).unwrap();
    transcript.add("a file of a gibibyte", &bench.refusal("export large.safetensors --precision f32 -o out.rs"));
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn not_safetensors() {
    let sound = changed(|_| ());
    let cut = |len: usize| sound[..len].to_vec();
    let text = transcript([
        ("empty", vec![]),
        ("zip archive, as torch.save makes", b"PK\x03\x04rest".to_vec()),
        ("pickle, as old torch.save made", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec()),
        ("NumPy", b"\x93NUMPY\x01\x00".to_vec()),
        ("seven bytes", cut(7)),
        ("cut within the header", cut(40)),
        ("cut within the data", cut(sound.len() - 1)),
        ("bytes after the data", [&sound[..], b"x"].concat()),
        (
            "header longer than the file",
            raw_model("{}", b"").into_iter().enumerate().map(|(i, b)| if i == 0 { 200 } else { b }).collect(),
        ),
        ("header length of 2^64 − 1", vec![0xFF; 100]),
        ("header not UTF-8", [&2u64.to_le_bytes()[..], b"\xFF\xFE"].concat()),
        ("header not JSON", raw_model("{nonsense}", b"")),
        ("header nested 100,000 deep", raw_model(&"[".repeat(100_000), b"")),
        ("header of more than a mebibyte", raw_model(&format!("{{{}}}", " ".repeat(1 << 20)), b"")),
        ("no tensors", raw_model("{}", b"")),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn lying_headers() {
    let entry = |name: &str, shape: &str, start: usize, end: usize| {
        format!(r#""{name}":{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}"#)
    };
    let file = |entries: &[String]| raw_model(&format!("{{{}}}", entries.join(",")), &[0; 16]);
    let text = transcript([
        ("overlapping tensors", file(&[entry("a", "[2]", 0, 8), entry("b", "[3]", 4, 16)])),
        ("gap between tensors", file(&[entry("a", "[1]", 0, 4), entry("b", "[2]", 8, 16)])),
        ("shape larger than its bytes", file(&[entry("a", "[5]", 0, 16)])),
        ("shape whose product overflows", file(&[entry("a", "[4294967296,4294967296,4]", 0, 16)])),
        ("range that ends before it starts", file(&[entry("a", "[4]", 16, 0)])),
        ("range beyond the file", file(&[entry("a", "[8]", 0, 32)])),
        ("negative dimension", file(&[entry("a", "[-4]", 0, 16)])),
        ("the same tensor twice", file(&[entry("a", "[4]", 0, 16), entry("a", "[4]", 0, 16)])),
        ("the same name twice", file(&[entry("a", "[2]", 0, 8), entry("a", "[2]", 8, 16)])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_values() {
    let as_dtype = |dtype: Dtype, size: usize| {
        changed(|tensors| {
            tensors[0].dtype = dtype;
            tensors[0].bytes = vec![0; 18 * size];
        })
    };
    let value = |value: f32| changed(|tensors| tensors[1].bytes[20..24].copy_from_slice(&value.to_le_bytes()));
    let text = transcript([
        ("integers", as_dtype(Dtype::I32, 4)),
        ("8-bit floats", as_dtype(Dtype::F8_E4M3, 1)),
        ("NaN", value(f32::NAN)),
        ("infinity", value(f32::NEG_INFINITY)),
        (
            "beyond f32",
            changed(|tensors| {
                tensors[5].dtype = Dtype::F64;
                tensors[5].bytes = [1e300f64, 0.0, 0.0, 0.0].iter().flat_map(|value| value.to_le_bytes()).collect();
            }),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn other_architectures() {
    let text = transcript([
        ("LSTM", joined([Tensor::recurrent("lstm", 0, 4, 2, 3), Tensor::linear("head", 3, 2)])),
        ("two gates", joined([Tensor::recurrent("rnn", 0, 2, 2, 3), Tensor::linear("head", 3, 2)])),
        ("LSTM with proj_size", with([Tensor::new("gru.weight_hr_l0", &[2, 3])])),
        ("bidirectional", with([Tensor::new("gru.weight_ih_l0_reverse", &[9, 2])])),
        ("no recurrent layer", model(&Tensor::linear("head", 3, 2))),
        (
            "BatchNorm beside it",
            with(["weight", "bias", "running_mean"].map(|leaf| Tensor::new(&format!("norm.{leaf}"), &[2]))),
        ),
        ("a running mean that is a matrix", with([Tensor::new("norm.running_mean", &[2, 2])])),
        ("convolution beside it", with([Tensor::new("conv.weight", &[4, 2, 3])])),
        ("a name that would move the cursor", with([Tensor::new("\u{1b}[2Jevil\n", &[2])])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn incomplete_layers() {
    let without = |name: &'static str| changed(|tensors| tensors.retain(|tensor| tensor.name != name));
    let reshaped = |index: usize, shape: &'static [usize]| {
        changed(|tensors| tensors[index] = Tensor::new(&tensors[index].name, shape))
    };
    let text = transcript([
        ("layer 1 of 0, 1, 2 missing", with(Tensor::recurrent("gru", 2, 3, 3, 3))),
        ("layer 0 missing", renamed("_l0", "_l1")),
        ("a layer number beyond any", renamed("_l0", "_l18446744073709551615")),
        ("weight_hh missing", without("gru.weight_hh_l0")),
        ("weight_ih missing", without("gru.weight_ih_l0")),
        ("one of two biases missing", without("gru.bias_hh_l0")),
        ("rows not a multiple of three", reshaped(1, &[10, 3])),
        ("weight_ih of another hidden size", reshaped(0, &[12, 2])),
        ("bias of another hidden size", reshaped(2, &[12])),
        ("weight_hh a vector", reshaped(1, &[27])),
        ("no inputs", reshaped(0, &[9, 0])),
        ("second layer of another size", with(Tensor::recurrent("gru", 1, 3, 4, 3))),
        (
            "cell and stack under one name",
            with([Tensor::new("gru.weight_ih", &[9, 2]), Tensor::new("gru.weight_hh", &[9, 3])]),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn ambiguous_orders() {
    let text = transcript([
        ("two GRUs of one size", joined([Tensor::recurrent("a", 0, 3, 3, 3), Tensor::recurrent("b", 0, 3, 3, 3)])),
        ("a square head", joined([Tensor::recurrent("gru", 0, 3, 3, 3), Tensor::linear("head", 3, 3)])),
        (
            "a matrix that is an embedding or a head",
            joined([Tensor::recurrent("gru", 0, 3, 3, 3), vec![Tensor::new("table.weight", &[3, 3])]]),
        ),
        ("sizes that do not fit", joined([Tensor::recurrent("gru", 0, 3, 2, 3), Tensor::linear("head", 4, 7)])),
        ("two dense layers", joined([Tensor::gru_and_head(2, 3, 5), Tensor::linear("out", 5, 4)])),
        ("a dense layer before", joined([Tensor::linear("embed", 7, 2), Tensor::gru_and_head(2, 3, 5)])),
        (
            "eight dense layers",
            joined(
                (0..8).map(|i| Tensor::linear(&format!("fc{i}"), 3, 3)).chain([Tensor::recurrent("gru", 0, 3, 3, 3)]),
            ),
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_standardization() {
    let of = |mean: &[f32], std: &[f32]| with([Tensor::of("input_mean", mean), Tensor::of("input_std", std)]);
    let text = transcript([
        ("mean without std", with([Tensor::of("input_mean", &[0.0, 0.0])])),
        ("one number too many", of(&[0.0; 3], &[1.0; 3])),
        ("std shorter than mean", of(&[0.0; 2], &[1.0])),
        ("zero std", of(&[0.0; 2], &[1.0, 0.0])),
        ("negative std", of(&[0.0; 2], &[-1.0, 1.0])),
        ("mean a matrix", with([Tensor::new("input_mean", &[1, 2]), Tensor::of("input_std", &[1.0, 1.0])])),
        ("two means", with([Tensor::of("a.input_mean", &[0.0; 2]), Tensor::of("b.input_mean", &[0.0; 2])])),
    ]);
    insta::assert_snapshot!(text);
}
