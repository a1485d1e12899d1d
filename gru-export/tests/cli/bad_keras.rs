//! Keras files that must be refused: those of `tests/golden/keras`, and sound ones of it, changed.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::program::{Bench, Transcript};

#[path = "../allocation/hdf5.rs"]
mod hdf5;

const CONFIG: &str = "config.json";
const METADATA: &str = "metadata.json";
const WEIGHTS: &str = "model.weights.h5";

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras").join(name)).unwrap()
}

/// The members of an archive.
fn members(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut member = |at: usize| {
        let mut file = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (file.name().unwrap().into_owned(), bytes)
    };
    (0..3).map(&mut member).collect()
}

fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// `file` with one member changed.
fn changed_in(file: &str, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut members = members(&golden(file));
    change(&mut members.iter_mut().find(|(found, _)| found == name).unwrap().1);
    archive(&members)
}

/// A sound file with one member changed.
fn changed(name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    changed_in("hard_sigmoid.keras", name, change)
}

/// Replaces the first of these bytes.
fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
}

/// `file` with text replaced in its config, which has it.
pub fn config(file: &str, from: &str, to: &str) -> Vec<u8> {
    changed_in(file, CONFIG, |text| {
        let changed = str::from_utf8(text).unwrap().replace(from, to);
        assert!(text != changed.as_bytes(), "{file} has no {from}");
        *text = changed.into_bytes();
    })
}

/// A sound file with the first of these bytes replaced in its weights.
fn weights(from: &[u8], to: &[u8]) -> Vec<u8> {
    changed(WEIGHTS, |bytes| replace(bytes, from, to))
}

fn transcript(cases: impl IntoIterator<Item = (&'static str, &'static str, Vec<u8>)>) -> String {
    let mut transcript = Transcript::default();
    for (case, name, bytes) in cases {
        let bench = Bench::new();
        bench.put(name, &bytes);
        transcript.add(case, &bench.refusal(&format!("export {name} --precision f32 -o out.rs")));
    }
    transcript.text().to_owned()
}

#[test]
fn bad_archives() {
    let sound = golden("default.keras");
    let without = |name: &str| {
        let mut members = members(&sound);
        members.retain(|(found, _)| found != name);
        archive(&members)
    };
    let many: Vec<_> = (0..300).map(|at| (format!("member {at}"), vec![])).collect();
    let mut damaged = changed(METADATA, |_| ());
    let at = damaged.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    // The checksum of the first member, which the directory holds.
    damaged[at + 16] ^= 1;
    let text = transcript(
        [
            ("empty", vec![]),
            ("cut", sound[..sound.len() - 100].to_vec()),
            ("a damaged member", damaged),
            ("a damaged header of a member", {
                let mut bytes = sound.clone();
                replace(&mut bytes, b"PK\x03\x04", b"PK\x03\x05");
                bytes
            }),
            ("another archive", archive(&[("data.pkl".to_owned(), vec![])])),
            ("300 members", archive(&many)),
            ("no config", without(CONFIG)),
            ("no metadata", without(METADATA)),
            ("no weights", without(WEIGHTS)),
            ("metadata not JSON", changed(METADATA, |text| text.truncate(20))),
            ("config not JSON", changed(CONFIG, |text| text.truncate(100))),
            ("config not UTF-8", changed(CONFIG, |text| text.push(0xFF))),
            ("config of 1 MB", changed(CONFIG, |text| text.resize(1_000_000, b' '))),
            ("weights that unpack to 100 MB", changed(WEIGHTS, |bytes| bytes.resize(100_000_000, 0))),
            ("Keras 2", changed(METADATA, |text| *text = br#"{"keras_version": "2.15.0"}"#.to_vec())),
        ]
        .map(|(case, bytes)| (case, "model.keras", bytes)),
    );
    insta::assert_snapshot!(text);
}

/// Of the backward layer alone.
const ONE_WAY: &str = r#""return_sequences": false, "return_state": false, "go_backwards": true"#;

/// The arguments of a call that gives a layer its initial state.
const STATE: &str = r#""kwargs": {"initial_state": {"config": {"keras_history": ["input_layer_21", 0, 0]}}}"#;

#[test]
fn bad_configs() {
    let default = |from, to| config("default.keras", from, to);
    let functional = |from, to: &str| config("functional.keras", from, to);
    let after_gru = r#"0, 0]}}], "kwargs": {"training": false}}"#;
    let time_distributed = br#"{"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "TimeDistributed", "config": {"name": "t", "layer": {"class_name": "GRU", "config": {"name": "g"}}}}
    ]}}"#;
    let nested = || {
        let open = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": ["#;
        let (open, close) = (open.repeat(20), "]}}".repeat(20));
        changed(CONFIG, |text| *text = (open + &close).into_bytes())
    };
    let text = transcript(
        [
            ("a class of its own", default(r#""class_name": "Sequential""#, r#""class_name": "Mine""#)),
            ("an unknown layer", default(r#""class_name": "GRU""#, r#""class_name": "Conv1D""#)),
            ("LSTM", golden("lstm.keras")),
            ("two inputs", golden("two_inputs.keras")),
            ("go_backwards", golden("go_backwards.keras")),
            (
                "Bidirectional of last outputs one way",
                config("ends_sum.keras", ONE_WAY, &ONE_WAY.replacen("false", "true", 1)),
            ),
            (
                "a backward layer that goes forwards",
                config(
                    "ends_sum.keras",
                    ONE_WAY,
                    &ONE_WAY.replace(r#""go_backwards": true"#, r#""go_backwards": false"#),
                ),
            ),
            ("swish", golden("swish.keras")),
            ("softmax in the cell", default(r#""activation": "tanh""#, r#""activation": "softmax""#)),
            ("elu after Dense", default(r#""activation": "softmax""#, r#""activation": "elu""#)),
            ("an activation that is a layer", default(r#""softmax""#, r#"{"class_name": "LeakyReLU", "config": {}}"#)),
            ("no units", default(r#""units""#, r#""unit""#)),
            ("other units", default(r#""units": 6"#, r#""units": 7"#)),
            ("units beyond any", default(r#""units": 6"#, r#""units": 18446744073709551615"#)),
            ("reset_after that the bias contradicts", default(r#""reset_after": true"#, r#""reset_after": false"#)),
            ("a bias that is not there", config("no_bias.keras", r#""use_bias": false"#, r#""use_bias": true"#)),
            ("merge_mode None", config("bidirectional_sum.keras", r#""merge_mode": "sum""#, r#""merge_mode": null"#)),
            (
                "Bidirectional of LSTM",
                config("bidirectional_sum.keras", r#""class_name": "GRU""#, r#""class_name": "LSTM""#),
            ),
            ("go_backwards of RNN", config("cells.keras", r#""go_backwards": false"#, r#""go_backwards": true"#)),
            ("RNN of LSTMCell", config("cells.keras", r#""class_name": "GRUCell""#, r#""class_name": "LSTMCell""#)),
            ("normalization along time", config("normalized.keras", r#""axis": -1"#, r#""axis": 1"#)),
            ("rms_scaling", config("normalized.keras", r#""rms_scaling": false"#, r#""rms_scaling": true"#)),
            ("ReLU of 6", config("dense_activations.keras", r#""max_value": null"#, r#""max_value": 6"#)),
            ("TimeDistributed GRU", changed(CONFIG, |text| *text = time_distributed.to_vec())),
            ("a layer missing from the graph", functional(r#"["dropout"#, r#"["lost"#)),
            ("two outputs", functional(r#""output_layers": ["#, r#""output_layers": [["a", 0, 0], "#)),
            ("the final state", functional(after_gru, &after_gru.replacen("0, 0", "0, 1", 1))),
            ("a state that is given", functional(r#""kwargs": {"training": false, "mask": null}"#, STATE)),
            ("a mean that is a word", functional(r#""mean": null"#, r#""mean": "low""#)),
            ("two means of three channels", functional(r#""mean": null"#, r#""mean": [1.0, 2.0]"#)),
            ("normalization of an unknown size", config("normalized.keras", r#""InputLayer""#, r#""Identity""#)),
            ("a second call", functional(after_gru, &after_gru.replacen("0, 0", "7, 0", 1))),
            ("models nested 20 deep", nested()),
            (
                "a name that would move the cursor",
                default(r#""GRU", "config": {"name": "gru"#, r#""LSTM", "config": {"name": "\u001b[2Jevil"#),
            ),
        ]
        .map(|(case, bytes)| (case, "model.keras", bytes)),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn bad_weights() {
    let f32_type = b"\x11\x20\x1F\x00\x04\x00\x00\x00\x00\x00\x20\x00\x17\x08\x00\x17";
    let mut bfloat = *f32_type;
    (bfloat[4], bfloat[13]) = (2, 8);
    let text = transcript(
        [
            ("not HDF5", changed(WEIGHTS, |bytes| bytes[0] = 0)),
            ("cut", changed(WEIGHTS, |bytes| bytes.truncate(4000))),
            ("a group renamed", weights(b"dense\0", b"dance\0")),
            ("integers", weights(f32_type, b"\x10\x08")),
            ("bfloat16", weights(f32_type, &bfloat)),
            ("a variance below zero", {
                let variance = 0.794_426_56_f32;
                changed_in("normalized.keras", WEIGHTS, |bytes| {
                    replace(bytes, &variance.to_le_bytes(), &(-variance).to_le_bytes());
                })
            }),
            ("sides beyond the file", weights(&[18, 0, 0, 0, 0, 0, 0, 0], &[0xFF; 8])),
            ("sides whose product overflows", weights(&[18, 0, 0, 0, 0, 0, 0, 0], &[0, 0, 0, 0, 0, 0, 0, 0x80])),
        ]
        .map(|(case, bytes)| (case, "model.keras", bytes)),
    );
    insta::assert_snapshot!(text);
}

/// Object headers that begin every 24 bytes, each 4 KiB long, and groups whose children share a long name.
#[test]
fn more_structure_than_file() {
    let header = hdf5::header(500, 4080, &[0, 0, 16, 0, 0, 0, 0, 0]);
    let file = hdf5::File { headers: vec![header; 400], stride: 24, ..Default::default() }.bytes();
    let named =
        hdf5::File { headers: vec![hdf5::header(1, 8, &[0; 8]); 1000], stride: 24, shared_name_len: 1 << 17 }.bytes();
    let cases = [
        ("four hundred headers within each other", file),
        ("a thousand times a long name", named),
        ("groups of the newest format", golden("dense_groups.weights.h5")),
    ];
    insta::assert_snapshot!(transcript(cases.map(|(case, bytes)| (case, "model.weights.h5", bytes))));
}

#[test]
fn bare_weights() {
    let with = |file: &str, from: &[u8], to: &[u8]| {
        let mut bytes = golden(file);
        replace(&mut bytes, from, to);
        bytes
    };
    let sides = |rows: u64, cols: u64| [rows, cols].map(u64::to_le_bytes).concat();
    // Where a dataset is, its version and class before it: contiguous at byte 10992, and chunks of 3 × 12 f32 nowhere.
    let contiguous = [&[3, 1][..], &10_992u64.to_le_bytes()].concat();
    let chunks = [&[3, 2, 3][..], &[0xFF; 8], &3u32.to_le_bytes(), &12u32.to_le_bytes(), &4u32.to_le_bytes()].concat();
    let mut nan = golden("bare.weights.h5");
    nan[10_992 + 4..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let text = transcript(
        [
            ("before Keras 3", golden("legacy.h5")),
            ("cut", golden("bare.weights.h5")[..10_000].to_vec()),
            ("a bias missing", golden("no_bias.weights.h5")),
            ("two Dense layers", golden("two_heads.weights.h5")),
            ("Dense before or after", golden("square_head.weights.h5")),
            ("BatchNormalization", golden("norm.weights.h5")),
            ("variables renamed", {
                let mut bytes = golden("bare.weights.h5");
                while let Some(at) = bytes.windows(5).position(|window| window == b"vars\0") {
                    bytes[at] = b'b';
                }
                bytes
            }),
            ("an embedding of nothing", with("bare_text.weights.h5", &sides(7, 4), &sides(0, 4))),
            ("an embedding of another size", with("bare_text.weights.h5", &sides(7, 4), &sides(4, 7))),
            ("chunks", with("bare.weights.h5", &contiguous, &chunks)),
            ("NaN", nan),
            ("a subclassed model", with("bare.weights.h5", b"layers\0", b"blocks\0")),
            ("no GRU", with("square_head.weights.h5", b"gru\0", b"dropout\0")),
        ]
        .map(|(case, bytes)| (case, "model.weights.h5", bytes)),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_spec_beside_it() {
    let bench = Bench::new();
    bench.put("model.keras", &golden("default.keras"));
    bench.put("spec.toml", b"[[layer]]\ntype = \"gru\"\nweight_ih = \"a\"\nweight_hh = \"b\"\n");
    insta::assert_snapshot!(bench.refusal("export model.keras --spec spec.toml --precision f32 -o out.rs"));
}
