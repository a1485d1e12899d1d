//! The example as a program: what goes in, what comes out, what is refused.

use std::io::Write;
use std::process::{Command, Output, Stdio};

const TRACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/trace.csv");
const HEADER: &str = "ax,ay,az,gx,gy,gz";

/// Runs the example with text on standard input.
fn example(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_firmware-example"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    // A program that has already refused its arguments closes its end.
    let _ = child.stdin.take().expect("stdin is piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the example ends")
}

fn lines(output: &Output) -> Vec<&str> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::str::from_utf8(&output.stdout).expect("the output is text").lines().collect()
}

#[track_caller]
fn refused(arguments: &[&str], input: &str, message: &str) {
    let output = example(arguments, input);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(String::from_utf8_lossy(&output.stderr), format!("error: {message}\n"));
}

fn value<'a>(line: &'a str, key: &str) -> &'a str {
    let field = line.split(' ').find_map(|field| field.strip_prefix(key)?.strip_prefix('='));
    field.unwrap_or_else(|| panic!("no {key} in {line}"))
}

#[test]
fn a_file_and_standard_input_give_the_same_decisions() {
    let text = std::fs::read_to_string(TRACE).expect("the trace is there");
    let (from_file, from_stdin) = (example(&["--input", TRACE], ""), example(&["--input", "-"], &text));
    assert_eq!(lines(&from_file), lines(&from_stdin));
    let rows = text.lines().count() - 1;
    let summary = lines(&from_file).pop().expect("there is a summary");
    assert_eq!(value(summary, "samples"), rows.to_string());
    assert_eq!((value(summary, "labelled"), value(summary, "overruns")), ("0", "0"));
}

#[test]
fn both_precisions_know_the_recordings() {
    for precision in ["int8", "f32"] {
        let output = example(&["--precision", precision], "");
        let summary = lines(&output).pop().expect("there is a summary");
        assert_eq!(value(summary, "labelled"), "4000");
        let correct: u32 = value(summary, "correct").parse().expect("a number");
        assert!(correct > 3600, "{precision}: {correct} of 4000 right");
    }
}

#[test]
fn speed_sets_the_pace() {
    let start = std::time::Instant::now();
    let rows = format!("{HEADER}\n{}", "0,0,0,0,0,0\n".repeat(5));
    let output = example(&["--input", "-", "--speed", "2"], &rows);
    assert_eq!(value(lines(&output).last().expect("there is a summary"), "samples"), "5");
    // Five samples and the end, twenty times a second.
    assert!(start.elapsed().as_millis() >= 300, "{:?}", start.elapsed());
}

#[test]
fn what_is_not_a_table_of_samples_is_refused() {
    let stdin = ["--input", "-"];
    refused(&["--input", "absent.csv"], "", "absent.csv: cannot be opened: No such file or directory (os error 2)");
    refused(
        &stdin,
        "1,2,3,4,5,6\n",
        &format!("standard input, line 1: expected the header {HEADER}, found `1,2,3,4,5,6`"),
    );
    refused(&stdin, "", &format!("standard input, line 1: expected the header {HEADER}, found ``"));
    refused(&stdin, HEADER, "the table has a header and no samples");
    let refused_row = |rows: &str, message: &str| {
        refused(&stdin, &format!("{HEADER}\n{rows}\n"), &format!("standard input, {message}"));
    };
    refused_row("0,0,0,0,0,0\n0,0,0,0,0", "line 3: expected 6 columns, found 5");
    refused_row("0,0,0,0,0,0\n0,0,zero,0,0,0", "line 3, column az: expected a number, found `zero`");
    refused_row("0,0,0,0,0,NaN", "line 2, column gz: expected a number from -87.27339 to 87.27073, found NaN");
    refused_row("0,32,0,0,0,0", "line 2, column ay: expected a number from -32 to 31.999023, found 32");
}

#[test]
fn a_speed_is_a_positive_number() {
    for speed in ["0", "-1", "fast", "inf", "nan"] {
        let output = example(&["--speed", speed], "");
        assert_eq!(output.status.code(), Some(2), "{speed}");
    }
}
