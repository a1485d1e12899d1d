//! Against what each framework itself computed: `tests/golden/FRAMEWORK.py` made the files.
//!
//! A case is a model file and two arrays beside it: `CASE_x.npy`, the input, and `CASE_y.npy`, the framework's outputs of every step.

use std::path::{Path, PathBuf};

use gru_export::verify::Verification;
use gru_export::{Export, InputUnit, Precision, Result};

/// Largest absolute error of f32 against a framework, at every step.
const F32_BOUND: f64 = 2e-6;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The kernels of a precision on `FILE`, whose stem is the case's name, with a spec where `spec` names one. Integers are calibrated on the same input.
fn verified(file: &str, spec: Option<&str>, precision: Precision) -> Result<Verification> {
    let path = golden(file);
    let array = |which: &str| path.with_file_name(format!("{}_{which}.npy", path.file_stem().unwrap().display()));
    let mut export = Export::new(&path);
    if let Some(spec) = spec {
        export = export.spec(golden(spec));
    }
    if precision != Precision::F32 {
        export = export.precision(precision).calibrate(array("x"));
    }
    export.verify(&array("x"), InputUnit::Raw, Some(&array("y")), &())
}

/// Runs a case and compares it with the framework.
fn agrees(file: &str, spec: Option<&str>) {
    let given = verified(file, spec, Precision::F32).unwrap().given.unwrap();
    assert!(given.errors.max <= F32_BOUND, "{file}: {:?}", given.errors);
}

/// What of a framework a model shows.
pub struct Case {
    feature: &'static str,
    file: &'static str,
    spec: Option<&'static str>,
}

/// A line a case: what of the framework it shows, and the file.
macro_rules! cases {
    ($($name:ident: $feature:literal, $file:literal $(, spec $spec:literal)?;)+) => {$(
        #[test]
        fn $name() {
            let spec: &[&str] = &[$($spec)?];
            crate::agrees($file, spec.first().copied());
        }
    )+

    /// In the order of the table.
    pub const CASES: &[crate::Case] = &[$(crate::Case {
        feature: $feature,
        file: $file,
        spec: { let spec: &[&str] = &[$($spec)?]; if spec.is_empty() { None } else { Some(spec[0]) } },
    }),+];
    };
}

mod flax;
mod keras;
mod numpy;
mod onnx;
mod pytorch;
mod table;
