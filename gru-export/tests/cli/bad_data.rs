//! Calibration data that must be refused.

use crate::files::{Tensor, model, npy, npy_f32, npz, raw_npy};
use crate::program::{Bench, Transcript};

fn transcript(bench: &Bench, file: &str, cases: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> String {
    let mut transcript = Transcript::default();
    for (case, bytes) in cases {
        bench.put(file, &bytes);
        let arguments = format!("export model.safetensors --precision f32 --calibrate {file} -o out.rs");
        transcript.add(case, &bench.refusal(&arguments));
    }
    transcript.text().to_owned()
}

#[test]
fn bad_npy() {
    let zeros = |shape: &[usize]| npy_f32(shape, &vec![0.0; shape.iter().product()]);
    let sound = zeros(&[4, 2]);
    let text = transcript(
        &Bench::with_model(),
        "x.npy",
        [
            ("another width", zeros(&[4, 3])),
            ("one dimension", zeros(&[4])),
            ("four dimensions", zeros(&[1, 1, 4, 2])),
            ("no dimension", zeros(&[])),
            ("no steps", zeros(&[0, 2])),
            ("NaN", npy_f32(&[2, 2], &[0.0, 1.0, 2.0, f32::NAN])),
            ("infinity", npy_f32(&[1, 2, 2], &[0.0, f32::INFINITY, 2.0, 3.0])),
            ("cut within the data", sound[..sound.len() - 1].to_vec()),
            ("cut within the header", sound[..20].to_vec()),
            ("only the magic", sound[..6].to_vec()),
            ("bytes after the data", [&sound[..], b"x"].concat()),
            ("shape whose product overflows", npy("<f4", "False", "(4294967296, 4294967296, 2)", &[0; 16])),
            ("truth values", npy("|b1", "False", "(4, 2)", &[0; 8])),
            ("complex numbers", npy("<c8", "False", "(1, 2)", &[0; 16])),
            ("strings", npy("<U3", "False", "(1, 2)", &[0; 24])),
            ("no type", raw_npy("{'fortran_order': False, 'shape': (1, 2)}\n", &[0; 8])),
            ("several fields", {
                raw_npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}\n", &[0; 8])
            }),
            ("no shape", npy("<f4", "False", "None", &[0; 16])),
        ],
    );
    insta::assert_snapshot!(text);
}

/// An archive of one deflated array.
fn packed(array: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("a.npy", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(array).unwrap();
    archive.finish().unwrap().into_inner()
}

#[test]
fn bad_npz() {
    let array = || npy_f32(&[1, 2], &[0.0, 1.0]);
    let sound = npz(&[("a", array())]);
    let text = transcript(
        &Bench::with_model(),
        "x.npz",
        [
            ("two arrays", npz(&[("a", array()), ("b", array())])),
            ("no arrays", npz(&[])),
            ("a damaged member", npz(&[("a", b"nonsense".to_vec())])),
            ("cut", sound[..sound.len() - 10].to_vec()),
            ("a shape that its bytes do not fill", npz(&[("a", npy("<f4", "False", "(3, 2)", &[0; 8]))])),
            ("zeros", packed(&npy("<f4", "False", "(2097152, 2)", &vec![0; 1 << 24]))),
        ],
    );
    insta::assert_snapshot!(text);
    let bench = Bench::with_model();
    bench.put("x.npz", &sound);
    let text = bench.refusal("export model.safetensors --precision f32 --calibrate x.npz:b -o out.rs");
    insta::assert_snapshot!(text);
}

#[test]
fn bad_csv() {
    let text = |text: &str| text.as_bytes().to_vec();
    let text = transcript(
        &Bench::with_model(),
        "x.csv",
        [
            ("empty", text("")),
            ("header only", text("ax,ay\n")),
            ("another width", text("1,2,3\n4,5,6\n")),
            ("rows of different width", text("1,2\n3\n")),
            ("a word", text("ax,ay\n1,2\n3,four\n")),
            ("a number too large", text("1,2\n3,1e999\n")),
            ("NaN", text("1,2\nnan,4\n")),
            ("an empty field", text("1,2\n3,\n")),
            ("too many columns", text(&["1,2\n", &"1,".repeat(1 << 17)].concat())),
            ("not text", b"\xFF\xFE\x00,1\n".to_vec()),
        ],
    );
    insta::assert_snapshot!(text);
}

#[test]
fn bad_symbols() {
    let bench = Bench::new();
    let table = vec![Tensor::new("tokens.weight", &[5, 2])];
    bench.put("model.safetensors", &model(&[table, Tensor::gru_and_head(2, 3, 5)].concat()));
    let text = transcript(
        &bench,
        "x.npy",
        [
            ("beyond the table", npy("<u2", "False", "(3,)", &[0, 0, 4, 0, 5, 0])),
            ("negative", npy("|i1", "False", "(2,)", &[0, 0xFF])),
            ("fractional", npy_f32(&[2], &[1.0, 1.5])),
            ("three dimensions", npy_f32(&[1, 1, 1], &[0.0])),
        ],
    );
    insta::assert_snapshot!(text);
}
