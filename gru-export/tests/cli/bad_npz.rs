//! Weights from scratch that must be refused, and the specs that are proposed for them.

use crate::files::{npy, npy_f32, npz};
use crate::program::{Bench, Transcript};

/// Names and shapes of f32 arrays.
type Shapes = Vec<(&'static str, Vec<usize>)>;

/// Kernels of a Flax cell of two inputs and three units.
macro_rules! flax {
    ($($gate:literal),+) => {
        vec![$((concat!("params/GRUCell_0/", $gate, "/kernel"), vec![if $gate.starts_with('i') { 2 } else { 3 }, 3])),+]
    };
}

fn array(shape: &[usize]) -> Vec<u8> {
    let len: usize = shape.iter().product();
    npy_f32(shape, &(0..len).map(|i| i as f32 / len as f32 - 0.4).collect::<Vec<_>>())
}

fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn arrays(shapes: &Shapes) -> Vec<u8> {
    npz(&shapes.iter().map(|(name, shape)| (*name, array(shape))).collect::<Vec<_>>())
}

/// The names of "Dive into Deep Learning": 2 inputs, 3 units, 4 outputs.
fn book() -> Shapes {
    let gates = [("W_xz", "W_hz", "b_z"), ("W_xr", "W_hr", "b_r"), ("W_xh", "W_hh", "b_h")];
    let gates = gates.into_iter().flat_map(|(x, h, b)| [(x, vec![2, 3]), (h, vec![3, 3]), (b, vec![3])]);
    gates.chain([("W_hq", vec![3, 4]), ("b_q", vec![4])]).collect()
}

fn concatenated() -> Shapes {
    vec![
        ("W_z", vec![3, 5]),
        ("W_r", vec![3, 5]),
        ("W_h", vec![3, 5]),
        ("b_z", vec![3]),
        ("b_r", vec![3]),
        ("b_h", vec![3]),
    ]
}

fn separate() -> Shapes {
    ["W_z", "W_r", "W_h", "U_z", "U_r", "U_h"].into_iter().map(|name| (name, vec![3, 3])).collect()
}

fn changed(mut shapes: Shapes, name: &str, shape: &[usize]) -> Vec<u8> {
    shapes.iter_mut().find(|(found, _)| *found == name).unwrap().1 = shape.to_vec();
    arrays(&shapes)
}

fn without(shapes: Shapes, name: &str) -> Vec<u8> {
    arrays(&shapes.into_iter().filter(|(found, _)| *found != name).collect())
}

fn transcript(cases: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let mut transcript = Transcript::default();
    for (case, bytes) in cases {
        let bench = Bench::new();
        bench.put("model.npz", &bytes);
        transcript.add(case, &bench.refusal("inspect model.npz"));
    }
    transcript.text().to_owned()
}

#[test]
fn ambiguous_weights() {
    let stacked = vec![("W", vec![9, 2]), ("U", vec![9, 3]), ("b", vec![9])];
    let keras = vec![("kernel", vec![2, 9]), ("recurrent_kernel", vec![3, 9])];
    let rows = book().into_iter().map(|(name, shape)| (name, if shape == [2, 3] { vec![3, 2] } else { shape }));
    let square = vec![("Wxh", vec![3, 3]), ("Whh", vec![3, 3])];
    let head = vec![("Wxh", vec![3, 2]), ("Whh", vec![3, 3]), ("Why", vec![3, 3])];
    let text = transcript([
        ("concatenated", arrays(&concatenated())),
        ("a square matrix per gate and input", arrays(&separate())),
        ("all gates in one matrix", arrays(&stacked)),
        ("Keras' names without biases", arrays(&keras)),
        ("the book's names, transposed", arrays(&rows.collect())),
        ("a plain RNN as wide as its input", arrays(&square)),
        ("a square output matrix", arrays(&head)),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_weights() {
    let extended = |name: &'static str, shape: &[usize]| {
        let mut shapes = book();
        shapes.push((name, shape.to_vec()));
        arrays(&shapes)
    };
    let text = transcript([
        ("unknown names", arrays(&vec![("arr_0", vec![2, 9]), ("arr_1", vec![3, 9])])),
        ("a matrix of the reset gate missing", without(book(), "W_hr")),
        ("a matrix of another size", changed(book(), "W_xz", &[4, 3])),
        ("a state matrix that is not square", changed(book(), "W_hh", &[3, 4])),
        ("a bias of another size", changed(book(), "b_r", &[4])),
        ("an output matrix of another size", changed(book(), "W_hq", &[5, 4])),
        ("a concatenated matrix that is square", changed(concatenated(), "W_h", &[3, 3])),
        ("a concatenated matrix of another size", changed(concatenated(), "W_r", &[3, 6])),
        ("a tensor that no layer takes", extended("h0", &[3])),
        ("an LSTM's gates", extended("W_xf", &[2, 3])),
        ("a Flax cell without hr", arrays(&flax!["ir", "iz", "in", "hz", "hn"])),
        ("a Flax MGUCell", arrays(&flax!["if", "in", "hf", "hn"])),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn bad_archives() {
    let sound = arrays(&book());
    let with = |bytes: Vec<u8>| npz(&[("W_xh", array(&[2, 3])), ("W_hh", array(&[3, 3])), ("b_h", bytes)]);
    let text = transcript([
        ("a single array", array(&[2, 3])),
        ("empty", vec![]),
        ("cut", sound[..sound.len() / 2].to_vec()),
        ("no arrays", npz(&[])),
        ("a text among the arrays", { archive(&[("W_xh.npy", array(&[2, 3])), ("README", b"weights".to_vec())]) }),
        ("8193 arrays", b"PK\x01\x02".repeat(8193)),
        ("a damaged header of an array", {
            let mut bytes = archive(&[("W_xh.npy", array(&[2, 3]))]);
            bytes[3] = 5;
            bytes
        }),
        ("a name in two encodings", {
            let mut bytes = archive(&[("é.npy", array(&[2, 3])), ("e.npy", array(&[3, 3]))]);
            // é in code page 437, in the member's own header and in the directory.
            while let Some(at) = bytes.windows(5).position(|window| window == b"e.npy") {
                bytes[at] = 0x82;
            }
            bytes
        }),
        ("integers", with(npy("<i4", "False", "(3,)", &[0; 12]))),
        ("pickled objects", with(npy("|O", "False", "()", b"\x80\x04}."))),
        ("NaN", with(npy_f32(&[3], &[0.0, f32::NAN, 0.0]))),
        ("a shape that its bytes do not fill", with(npy("<f4", "False", "(3,)", &[0; 8]))),
        ("a shape that is less than its bytes", with(npy("<f4", "False", "(3,)", &[0; 16]))),
        ("a shape beyond memory", with(npy("<f4", "False", "(4294967296, 4294967296)", &[0; 12]))),
        ("a shape far beyond the file", with(npy("<f4", "False", "(3000000,)", &[0; 12]))),
        ("a member that is no array", with(b"text".to_vec())),
    ]);
    insta::assert_snapshot!(text);
}

/// 64 MiB of zeros deflate to 64 KiB.
#[test]
fn an_array_that_unpacks_to_much_more_than_the_file() {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("W_xh.npy", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(&npy("<f4", "False", "(4096, 4096)", &vec![0; 1 << 26])).unwrap();
    let bench = Bench::new();
    bench.put("model.npz", &archive.finish().unwrap().into_inner());
    let refusal = bench.refusal("inspect model.npz");
    assert!(refusal.contains("not numpy.savez_compressed"), "{refusal}");
}

#[test]
fn spec_templates() {
    let bench = Bench::with_model();
    bench.put("concatenated.npz", &arrays(&concatenated()));
    bench.put("unknown.npz", &arrays(&vec![("arr_0", vec![2, 9]), ("a\"b\n", vec![3])]));
    bench.put("book.npz", &arrays(&book()));
    bench.put("extended.npz", &arrays(&[book(), vec![("h0", vec![3])]].concat()));
    let mut transcript = Transcript::default();
    for file in ["concatenated.npz", "unknown.npz", "extended.npz", "book.npz", "model.safetensors"] {
        let run = bench.run(&format!("inspect --spec-template {file}"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{file}");
        bench.put("spec.toml", run.stdout.as_bytes());
        let with_spec = bench.run(&format!("inspect {file} --spec spec.toml"));
        let is_whole = !["unknown.npz", "extended.npz"].contains(&file);
        assert_eq!(with_spec.code == 0, is_whole, "{}", with_spec.stderr);
        transcript.add(file, &run.stdout);
    }
    bench.put("model.onnx", b"");
    transcript.add("an ONNX file", &bench.refusal("inspect --spec-template model.onnx"));
    transcript.add("an ONNX file with a spec", &bench.refusal("inspect model.onnx --spec spec.toml"));
    transcript.add("a spec beside", &bench.refusal("inspect --spec-template model.npz --spec spec.toml"));
    insta::assert_snapshot!(transcript.text());
}
