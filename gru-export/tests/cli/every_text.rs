//! Every text that the program can print is in a snapshot: whoever writes an error shows the input that leads to it.
//!
//! A text is a string literal of several words in the sources. It is shown where a line of a snapshot has its words in their order; what stands in
//! its placeholders is not looked at.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

/// What writes modules, specs and pages, which other tests read.
const WRITERS: [&str; 8] = [
    "emit",
    "function.rs",
    "report/advice.rs",
    "report/page",
    "report/svg.rs",
    "report/tensor.rs",
    "report/text.rs",
    "spec/print.rs",
];

/// What is written to files, looked for in what other crates say, or said to them alone.
const NOT_PRINTED: [&str; 4] = [
    "{{'descr': '<f4', 'fortran_order': False, 'shape': ({dims}), }}",
    " (os error",
    "failed to decode Protobuf message: ",
    "a map from tensor names to descriptions",
];

/// What is handed to these no user reads: mistakes of the code itself, and what a progress bar is called.
const SILENT: [&str; 7] = ["assert", "assert_eq", "begin", "expect", "panic", "unreachable", "with_template"];

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let within = directories.iter().flat_map(|directory| self::files(directory, extension));
    within.chain(files.into_iter().filter(|path| path.extension().is_some_and(|found| found == extension))).collect()
}

/// The texts of a source without its tests.
fn texts(source: &str) -> Vec<String> {
    fn add(tokens: TokenStream, texts: &mut Vec<String>) {
        let mut before = [String::new(), String::new()];
        for tree in tokens {
            let [second, last] = &before;
            match &tree {
                // Attributes, documentation among them.
                TokenTree::Group(_) if last == "#" || second == "#" && last == "!" => {}
                TokenTree::Group(_)
                    if SILENT.iter().any(|silent| last == silent || second == silent && last == "!") => {}
                TokenTree::Group(group) => add(group.stream(), texts),
                TokenTree::Literal(literal) => {
                    texts.extend(syn::parse_str(&literal.to_string()).map(|text: LitStr| text.value()));
                }
                _ => {}
            }
            before = [std::mem::take(&mut before[1]), tree.to_string()];
        }
    }
    let mut texts = Vec::new();
    add(source.split("#[cfg(test)]\nmod tests").next().unwrap().parse().unwrap(), &mut texts);
    texts.retain(|text| text.trim().contains(' ') && words(text).concat().contains(char::is_alphabetic));
    texts
}

/// What stands around the placeholders of a text.
fn words(text: &str) -> Vec<String> {
    let (open, close) = ("\u{1}", "\u{2}");
    let text = text.replace("{{", open).replace("}}", close);
    let pieces = text.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, words)| words));
    pieces.map(|words| words.replace(open, "{").replace(close, "}")).collect()
}

/// Whether some line has the words of each line of a text in their order.
fn is_shown(text: &str, lines: &[&str]) -> bool {
    let has = |line: &str, words: &[String]| {
        words.iter().try_fold(line, |rest, words| rest.split_once(words).map(|(_, rest)| rest)).is_some()
    };
    text.lines().map(words).all(|words| lines.iter().any(|line| has(line, &words)))
}

#[test]
fn every_text_is_in_a_snapshot() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let snapshots: Vec<String> =
        files(&root.join("tests"), "snap").iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    // What a case is called is no message.
    let lines: Vec<&str> =
        snapshots.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with("── ")).collect();
    let (mut found, mut missing) = (0, String::new());
    for path in files(&root.join("src"), "rs") {
        let name = path.strip_prefix(root.join("src")).unwrap();
        if WRITERS.iter().any(|writer| name.starts_with(writer)) {
            continue;
        }
        for text in texts(&fs::read_to_string(&path).unwrap()) {
            found += 1;
            if !NOT_PRINTED.contains(&&text[..]) && !is_shown(&text, &lines) {
                missing += &format!("{}: {text:?}\n", name.display());
            }
        }
    }
    assert!(missing.is_empty(), "no snapshot has these texts: add the input that leads to them to a test\n{missing}");
    assert!(found > 300, "{found} texts were found");
}

#[test]
fn a_text_without_a_snapshot_is_found() {
    let source = r#"
        /// A word to the reader.
        fn made() -> Error { Error::new(format!("expected {what}, found {}", 3)).help("a hint") }
        fn sure() -> u8 { first().expect("a fact") }
    "#;
    assert_eq!(texts(source), ["expected {what}, found {}", "a hint"]);
    let lines = ["error: expected 2, found 3", "help: a hit"];
    assert!(is_shown("expected {what}, found {}", &lines) && !is_shown("a hint", &lines));
    assert!(!is_shown("found {}, expected {what}", &lines));
}
