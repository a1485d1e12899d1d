//! Arguments that must be refused.

use crate::files::{Tensor, model, npy_f32};
use crate::program::{Bench, Transcript};

#[test]
fn bad_arguments() {
    let bench = Bench::with_model();
    bench.put("lsb.npy", &npy_f32(&[3], &[1.0; 3]));
    let tokens = vec![Tensor::new("tokens.weight", &[5, 2])];
    bench.put("symbols.safetensors", &model(&[tokens, Tensor::gru_and_head(2, 3, 5)].concat()));
    let buffers = vec![Tensor::of("input_mean", &[0.0; 2]), Tensor::of("input_std", &[1.0; 2])];
    bench.put("standardized.safetensors", &model(&[buffers, Tensor::gru_and_head(2, 3, 4)].concat()));
    std::fs::create_dir(bench.path("directory")).unwrap();

    let mut transcript = Transcript::default();
    for arguments in [
        "explode",
        "inspect",
        "inspect model.safetensors --shiny",
        "inspect model.safetensors --color sometimes",
        "export model.safetensors --precision f32",
        "export model.safetensors -o out.rs",
        "export model.safetensors --precision f64 -o out.rs",
        "export model.safetensors --precision int8 -o out.rs",
        "export model.safetensors --precision f32 --calibrate missing.npy -o out.rs",
        "export model.safetensors --precision f32 --spec missing.toml -o out.rs",
        "export model.safetensors --precision f32 --labels a,b,c -o out.rs",
        "export model.safetensors --precision f32 --input-mean 0,0 -o out.rs",
        "export model.safetensors --precision f32 --input-mean 0,0,0 --input-std 1,1 -o out.rs",
        "export model.safetensors --precision f32 --input-mean 0,1,2,3,4,5,6,7,8,9 --input-std 1,1 -o out.rs",
        "export model.safetensors --precision f32 --input-mean 0,0 --input-std 1,-1 -o out.rs",
        "export model.safetensors --precision f32 --input-mean nan,0 --input-std 1,1 -o out.rs",
        "export model.safetensors --precision f32 --input-mean missing.csv --input-std 1,1 -o out.rs",
        "export model.safetensors --precision f32 --input-mean lsb.npy --input-std lsb.npy -o out.rs",
        "export symbols.safetensors --precision f32 --input-mean 0,0 --input-std 1,1 -o out.rs",
        "export standardized.safetensors --precision f32 --input-mean 0,0 --input-std 1,1 -o out.rs",
        "export model.safetensors --precision f32 -o missing/out.rs",
        "export model.safetensors --precision f32 -o model.safetensors/out.rs",
        "export model.safetensors --precision f32 -o directory",
        "completions klingon",
    ] {
        transcript.add(arguments, &bench.refusal(arguments));
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn errors_as_json() {
    let bench = Bench::with_model();
    let run = bench.run("--json inspect missing.safetensors");
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let error: serde_json::Value = serde_json::from_str(&run.stderr).unwrap();
    assert_eq!(error["file"], "missing.safetensors");
    assert_eq!(error["error"], "cannot read: No such file or directory");
}
