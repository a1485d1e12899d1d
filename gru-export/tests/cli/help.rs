//! Help texts, reports and completions.

use crate::program::{Bench, Transcript};

#[test]
fn help() {
    let bench = Bench::new();
    let mut transcript = Transcript::default();
    for arguments in ["--help", "inspect --help", "export --help", "verify --help", "completions --help"] {
        let run = bench.run(arguments);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments}");
        transcript.add(arguments, &run.stdout);
    }
    insta::assert_snapshot!(transcript.text());
}

#[test]
fn no_arguments_at_all_shows_the_help() {
    let run = Bench::new().run("");
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("Usage: gru-export"), "{}", run.stderr);
}

#[test]
fn inspect() {
    let bench = Bench::with_model();
    let run = bench.run("inspect model.safetensors");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn inspect_as_json() {
    let run = Bench::with_model().run("inspect --json model.safetensors");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let report: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(report["parameters"], 73);
    assert_eq!(report["layers"][0]["reset"], "after");
    assert_eq!(report["layers"][1]["f32"]["flash"], 64);
}

#[test]
fn colours_only_where_asked() {
    let bench = Bench::new();
    assert!(!bench.run("inspect missing").stderr.contains('\u{1b}'));
    assert!(bench.run("--color always inspect missing").stderr.contains('\u{1b}'));
}

#[test]
fn completions() {
    for (shell, word) in [("bash", "complete -F"), ("zsh", "#compdef gru-export"), ("fish", "complete -c gru-export")] {
        let run = Bench::new().run(&format!("completions {shell}"));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        assert!(run.stdout.contains(word), "{shell}");
    }
}
