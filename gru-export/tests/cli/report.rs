//! `report`: that it writes a page, and what it refuses.

use std::fs;

use crate::files::npy_f32;
use crate::program::{Bench, Transcript};

const STEPS: usize = 20;

fn bench() -> Bench {
    let bench = Bench::with_model();
    let values: Vec<f32> = (0..4 * STEPS).map(|i| libm::sinf(i as f32 * 0.7)).collect();
    bench.put("x.npy", &npy_f32(&[2, STEPS, 2], &values));
    bench.put("labels.npy", &npy_f32(&[2], &[0.0, 3.0]));
    bench
}

const SOUND: &str = "report model.safetensors --calibrate x.npy --test x.npy";

#[test]
fn writes_a_page() {
    let bench = bench();
    let run = bench.run(&format!("{SOUND} --labels labels.npy --names a,b,c,d -o page.html"));
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", "wrote page.html\n"));
    let page = fs::read_to_string(bench.path("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));

    let run = bench.run(&format!("--json {SOUND} -o again.html"));
    let output: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(output["output"], "again.html");
}

#[test]
fn refused() {
    let bench = bench();
    bench.put("ranges.toml", b"input = [-1, 1]\n[layer]\nhead = [-5, 5]\n");
    bench.put("three.npy", &npy_f32(&[3], &[0.0; 3]));
    bench.put("fraction.npy", &npy_f32(&[2], &[0.0, 0.5]));
    bench.put("beyond.npy", &npy_f32(&[2], &[0.0, 4.0]));
    bench.put("narrow.npy", &npy_f32(&[STEPS, 1], &[0.0; STEPS]));
    let mut transcript = Transcript::default();
    for arguments in [
        "report model.safetensors --test x.npy -o page.html",
        "report model.safetensors --calibrate x.npy -o page.html",
        "report model.safetensors --ranges ranges.toml --test x.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy",
        "report missing.safetensors --calibrate x.npy --test x.npy -o page.html",
        "report model.safetensors --calibrate missing.npy --test x.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test missing.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test narrow.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --counts -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --labels missing.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --labels three.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --labels fraction.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --labels beyond.npy -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --names a,b -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --precision f32 -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy --precision auto -o page.html",
        "report model.safetensors --calibrate x.npy --test x.npy -o missing/page.html",
    ] {
        transcript.add(arguments, &bench.refusal(arguments));
    }
    insta::assert_snapshot!(transcript.text());
}
