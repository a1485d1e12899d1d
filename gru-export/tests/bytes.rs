//! The bytes of generated modules, which are to be the same on every machine: the digests of the bundled models' are committed.
//!
//! On another machine, or for one under emulation: `cargo test -p gru-export --no-default-features --test bytes --target TARGET`.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use gru_export::calibrate::Method;
use gru_export::dataset::Channels;
use gru_export::{Export, Precision, Source, Weights};

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example").join(path)
}

fn export(model: &str) -> Export {
    Export::new(example(&format!("models/{model}.safetensors")))
        .calibrate(example("data/calibration.npy"))
        .input_lsb(Channels::File(example("data/lsb.npy")))
}

#[test]
fn modules_have_the_same_bytes_everywhere() {
    let motion = || export("motion").labels(["standing", "running", "walking", "badminton"]);
    let int8 = || motion().precision(Precision::Int8);
    let mut digests = String::new();
    for (what, export) in [
        ("motion, f32", motion().wide_input(true)),
        ("motion, int8, wide input", int8().wide_input(true)),
        ("motion, int8, least square error", int8().range_method(Method::MeanSquare)),
        ("motion, w8a16", motion().precision(Precision::W8a16)),
        ("motion, f16 weights", motion().weights(Weights::F16)),
        ("motion-2layer, precisions for an error", export("motion-2layer").precision(Precision::Int8).max_error(0.05)),
    ] {
        let module = export.generate(&()).unwrap();
        writeln!(digests, "{}  {what}", Source::from_bytes("module.rs", module.into_bytes()).sha256()).unwrap();
    }
    insta::assert_snapshot!(digests);
}
