//! The generated modules compile, and compute bit for bit what the exporter's own run of the kernels computes.

#[path = "cli/files.rs"]
#[allow(dead_code, reason = "shared with the tests of the program, which make more kinds of files")]
mod files;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gru_export::Precision::{self, F32, Int8, W8a16};
use gru_export::calibrate::{Aim, Calibration, Fit, Method, Statistics};
use gru_export::dataset::{Dataset, Sample};
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::int8::Int8Runner;
use gru_export::ir::{Input, Model};
use gru_export::quantise::mixed;
use gru_export::spec::Spec;
use gru_export::verify::Shipped;
use gru_export::{Export, Source, Weights, load};

use files::Tensor;

const STEPS: usize = 40;
/// Raw units per count, exact in binary.
const LSB: f64 = 1.0 / 4096.0;

struct Case {
    name: &'static str,
    tensors: Vec<Tensor>,
    /// Where the architecture is not inferred.
    spec: Option<String>,
    wide_input: bool,
    /// Each of all layers.
    alike: &'static [Precision],
    /// Of each layer, besides.
    mixed: Option<Vec<Precision>>,
    /// Whether those with layers in f32 are tried with f16 weights too.
    halves: bool,
}

/// A GRU layer called `gru` with further keys.
fn gru_spec(keys: &str) -> String {
    let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|kind| format!("{kind} = \"gru.{kind}_l0\"\n"));
    format!("[[layer]]\ntype = \"gru\"\n{}{keys}\n", names.concat())
}

/// Both directions of a layer.
fn both_spec(layer: usize, keys: &str) -> String {
    let direction = |way: &str, suffix: &str| {
        let names = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        let names = names.map(|kind| format!("{kind} = \"gru.{kind}_l{layer}{suffix}\"\n"));
        format!("[layer.{way}]\n{}", names.concat())
    };
    format!(
        "[[layer]]\ntype = \"bidirectional\"\n{keys}\n{}{}",
        direction("forward", ""),
        direction("backward", "_reverse")
    )
}

fn dense_spec(name: &str) -> String {
    format!("[[layer]]\ntype = \"dense\"\nweight = \"{name}.weight\"\nbias = \"{name}.bias\"\n")
}

fn activation_spec(activation: &str) -> String {
    format!("[[layer]]\ntype = \"activation\"\nactivation = {activation}\n")
}

fn norm_spec(name: &str) -> String {
    format!("[[layer]]\ntype = \"layer_norm\"\nweight = \"{name}.weight\"\nbias = \"{name}.bias\"\n")
}

const HARD_SIGMOID: &str = "{ hard_sigmoid = { slope = 0.2, offset = 0.5 } }";

fn cases() -> Vec<Case> {
    let gru = |layer, i, h| Tensor::recurrent("gru", layer, 3, i, h);
    let case = |name, tensors: Vec<Vec<Tensor>>| Case {
        name,
        tensors: tensors.concat(),
        spec: None,
        wide_input: false,
        alike: &[F32, Int8],
        mixed: None,
        halves: ["plain", "embedding", "large", "one_hot", "both_directions", "other_functions", "mixed"]
            .contains(&name),
    };
    let with_spec = |name, tensors: Vec<Vec<Tensor>>, spec| Case { spec: Some(spec), ..case(name, tensors) };
    let norm = |name: &str, n| ["weight", "bias"].map(|part| Tensor::new(&format!("{name}.{part}"), &[n])).to_vec();
    let reverse = |layer: &[Tensor]| -> Vec<Tensor> {
        layer.iter().map(|tensor| Tensor { name: format!("{}_reverse", tensor.name), ..tensor.clone() }).collect()
    };
    let both = |layer, i, h| [gru(layer, i, h), reverse(&gru(layer, i, h))].concat();
    vec![
        case("plain", vec![Tensor::gru_and_head(2, 3, 4)]),
        case("gru_alone", vec![gru(0, 2, 5)]),
        case("embedding", vec![vec![Tensor::new("tokens.weight", &[7, 2])], Tensor::gru_and_head(2, 3, 7)]),
        case("ten_layers", (0..10).map(|layer| gru(layer, if layer == 0 { 3 } else { 6 }, 6)).collect()),
        // Each matrix so large that its weights are bytes.
        Case {
            alike: &[F32, Int8, W8a16],
            ..case(
                "large",
                vec![vec![Tensor::new("tokens.weight", &[100, 42])], gru(0, 42, 100), Tensor::linear("head", 100, 43)],
            )
        },
        Case { wide_input: true, ..case("wide_input", vec![Tensor::gru_and_head(3, 5, 2)]) },
        with_spec("one_hot", vec![gru(0, 5, 4)], gru_spec("one_hot = true")),
        with_spec("reset_before", vec![gru(0, 2, 9)], gru_spec("reset = \"before\"")),
        case("both_directions", vec![both(0, 2, 3), both(1, 6, 4), Tensor::linear("head", 8, 3)]),
        Case {
            alike: &[F32, Int8, W8a16],
            ..with_spec(
                "merged_directions",
                vec![both(0, 2, 3), both(1, 3, 4), both(2, 4, 5), Tensor::linear("head", 5, 3)],
                [
                    both_spec(0, "merge = \"mul\""),
                    both_spec(1, "merge = \"ave\""),
                    both_spec(2, "merge = \"sum\"\nends = true"),
                    dense_spec("head"),
                ]
                .concat(),
            )
        },
        with_spec(
            "activations",
            vec![
                gru(0, 2, 5),
                Tensor::linear("a", 5, 7),
                Tensor::linear("b", 7, 4),
                Tensor::linear("c", 4, 4),
                Tensor::linear("d", 4, 3),
            ],
            [
                gru_spec(""),
                activation_spec("\"relu\""),
                dense_spec("a"),
                activation_spec("\"tanh\""),
                dense_spec("b"),
                activation_spec("\"sigmoid\""),
                dense_spec("c"),
                activation_spec(HARD_SIGMOID),
                dense_spec("d"),
                activation_spec("\"softmax\""),
            ]
            .concat(),
        ),
        with_spec(
            "layer_norms",
            vec![gru(0, 2, 5), norm("first", 5), Tensor::linear("head", 5, 20), norm("second", 20)],
            [gru_spec(""), norm_spec("first"), dense_spec("head"), norm_spec("second")].concat(),
        ),
        Case {
            alike: &[F32],
            ..with_spec(
                "other_functions",
                vec![gru(0, 2, 6)],
                gru_spec(&format!("activation = \"relu\"\nrecurrent_activation = {HARD_SIGMOID}\nclip = 0.75")),
            )
        },
        Case {
            alike: &[],
            mixed: Some(vec![W8a16, Int8, W8a16, W8a16, W8a16, F32, F32, W8a16]),
            ..with_spec(
                "mixed",
                vec![
                    gru(0, 2, 5),
                    gru(1, 5, 6),
                    norm("norm", 6),
                    Tensor::linear("a", 6, 7),
                    Tensor::linear("b", 7, 4),
                    Tensor::linear("c", 4, 3),
                ],
                [
                    gru_spec(""),
                    gru_spec("").replace("_l0", "_l1"),
                    norm_spec("norm"),
                    dense_spec("a"),
                    activation_spec("\"tanh\""),
                    dense_spec("b"),
                    activation_spec("\"relu\""),
                    dense_spec("c"),
                ]
                .concat(),
            )
        },
        with_spec("keras_gates", vec![gru(0, 2, 3)], gru_spec("gate_order = \"zrn\"\nupdate = \"replace\"")),
    ]
}

/// A model file with its spec and its input, on disk.
struct Prepared {
    export: Export,
    model: Model,
    data: Dataset,
    wide_input: bool,
}

fn prepare(case: &Case, directory: &Path) -> Prepared {
    let path = |extension: &str| directory.join(format!("{}.{extension}", case.name));
    let (file, input) = (path("safetensors"), path("npy"));
    fs::write(&file, files::model(&case.tensors)).unwrap();
    let mut export = Export::new(&file).wide_input(case.wide_input);
    let spec = case.spec.as_ref().map(|text| {
        fs::write(path("toml"), text).unwrap();
        Spec::parse(&Source::read(path("toml")).unwrap()).unwrap()
    });
    if spec.is_some() {
        export = export.spec(path("toml"));
    }
    let model = load(&Source::read(&file).unwrap(), spec.as_ref()).unwrap();
    let values = |width: usize, value: &dyn Fn(usize) -> f32| -> Vec<f32> { (0..STEPS * width).map(value).collect() };
    let array = match model.input() {
        Input::Vector(size) => {
            let count = |i: usize| (libm::sin(i as f64 * 0.7) * 3.0 / LSB).round() * LSB;
            export = export.input_lsb(vec![LSB; size]);
            files::npy_f32(&[STEPS, size], &values(size, &|i| count(i) as f32))
        }
        Input::Symbol(count) => files::npy_f32(&[STEPS], &values(1, &|i| (i * i % count) as f32)),
    };
    fs::write(&input, array).unwrap();
    let data = Dataset::read(&input, model.input()).unwrap();
    Prepared { export: export.calibrate(&input), model, data, wide_input: case.wide_input }
}

/// What the exporter's run of the kernels gives, f32 as their bits, and the inputs as the generated model takes them.
fn expected(prepared: &Prepared, precisions: &[Precision], weights: Weights) -> (String, String) {
    let Prepared { model, data, wide_input, .. } = prepared;
    let model = &model.clone().with_weights(weights);
    let lsb = matches!(model.input(), Input::Vector(_)).then(|| vec![LSB; 16]);
    let sequences: Vec<_> = data.sequences().collect();
    let samples: Vec<_> = sequences.iter().flat_map(|sequence| sequence.samples(model.input())).collect();
    let input = |sample: &Sample<'_>| match sample {
        Sample::Symbol(symbol) => format!("{symbol}, "),
        Sample::Vector(raw) if precisions[0] == F32 => format!("{raw:?}, "),
        Sample::Vector(raw) => format!("{:?}, ", raw.iter().map(|x| (x / LSB) as i16).collect::<Vec<_>>()),
    };
    let outputs = if precisions.iter().all(|&precision| precision == F32) {
        let played = FloatRunner::new(&FloatModel::new(model).unwrap()).play(&samples).pop().unwrap();
        let bits = |y: &Vec<f64>| y.iter().map(|&y| (y as f32).to_bits().cast_signed()).collect();
        lines(&played.iter().map(bits).collect::<Vec<Vec<i32>>>())
    } else {
        let statistics = Statistics::measure(model, data, &());
        let integers = |ranges: &Calibration| mixed(model, precisions, ranges, lsb.as_deref(), *wide_input);
        let fit = Fit::new((model, data), statistics, None, Aim::Rms(Method::Auto), &integers, &());
        let (_, quantised) = fit.unwrap();
        lines(&Int8Runner::new(&quantised).raw_outputs(&samples))
    };
    (outputs, samples.iter().map(input).collect())
}

fn lines<T: std::fmt::Debug>(outputs: &[Vec<T>]) -> String {
    outputs.iter().map(|y| format!("{y:?}\n")).collect()
}

/// Holds `Flash` of a module against its statics, which may have padding up to their alignment and four bytes beyond what is in it, tables none, and
/// against how many parts are of layers by value.
const COVERAGE: &str = r#"
fn check_coverage<I: gru_core::Image>([model, statics]: [&[[usize; 3]]; 2], by_value: usize, crc: bool) {
    let inside = |start, size| {
        I::PARTS.iter().filter(move |part| (start..start + size).contains(&(part.as_ptr() as usize)))
    };
    for &[start, size, padding] in statics {
        let covered: usize = inside(start, size).map(|part| part.len()).sum();
        assert!(covered <= size && size <= covered + padding, "{covered} of {size} bytes");
    }
    let count = |of: &[[usize; 3]]| of.iter().flat_map(|&[start, size, _]| inside(start, size)).count();
    assert_eq!((count(model), count(statics)), (by_value, I::PARTS.len() - by_value));
    assert!(!crc || gru_core::Integrity::of::<I>().check());
}
"#;

/// A call of it from within the module of this text.
fn check_coverage(text: &str, crc: bool) -> String {
    let place = |name: &str, padding| format!("[&raw const {name} as usize, size_of_val(&{name}), {padding}]");
    let statics = text.lines().filter_map(|line| line.strip_prefix("static ")?.split_once(": "));
    let statics: Vec<String> =
        statics.map(|(name, of)| place(name, if of.starts_with('[') { 0 } else { 63 + 4 })).collect();
    let parts = [("Quantize", 3), ("QuantizeReal", 2), ("Dequantize", 2)];
    let by_value = parts.map(|(layer, parts)| parts * text.matches(&format!("gru_core::{layer}::new(")).count());
    format!(
        "    pub fn check() {{\n        crate::check_coverage::<Flash>([&[{}], &[{}]], {}, {crc});\n    }}\n",
        place("MODEL", 0),
        statics.join(", "),
        by_value.iter().sum::<usize>(),
    )
}

/// The text of a module with its strings of bytes as literals of numbers.
fn in_numbers(text: &str) -> String {
    let mut parts = text.split("gru_core::from_le_bytes::<");
    let mut numbers = parts.next().unwrap().to_owned();
    for part in parts {
        let (kind, rest) = part.split_once(">(b\"").unwrap();
        let (string, rest) = rest.split_once("\")").unwrap();
        let digits = string.split("\\x").skip(1).map(|digits| u8::from_str_radix(&digits[..2], 16).unwrap());
        let bytes: Vec<u8> = digits.collect();
        let (element, sizes) = kind.trim_start_matches('[').split_once("; ").unwrap();
        let values: Vec<String> = match element {
            "i8" => bytes.iter().map(|&byte| byte.cast_signed().to_string()).collect(),
            "i16" => bytes.as_chunks().0.iter().map(|&bytes| i16::from_le_bytes(bytes).to_string()).collect(),
            "f32" => bytes.as_chunks().0.iter().map(|&bytes| format!("{:?}", f32::from_le_bytes(bytes))).collect(),
            "F16" => bytes.as_chunks().0.iter().map(|&bytes| format!("F16({})", u16::from_le_bytes(bytes))).collect(),
            other => panic!("weights of {other}"),
        };
        let sizes = sizes.trim_end_matches(']').split("]; ");
        let nested = sizes.fold(values, |values, size| {
            values.chunks_exact(size.parse().unwrap()).map(|row| format!("[{}]", row.join(", "))).collect()
        });
        numbers += &(nested.concat() + rest);
    }
    numbers
}

fn rustc(directory: &Path, arguments: &[&str]) {
    let output = Command::new("rustc")
        .args(["--edition", "2024", "-C", "opt-level=1", "-D", "warnings", "-L", "."])
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn generated_modules_equal_the_exporters_run() {
    // Of a family with one backend, whose f32 are those of the specification, the modules take a sixth of the time to compile.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    gru_core::backend::force(Some("scalar")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let (mut program, mut all_expected) = (String::new(), String::new());
    let mut main = String::from("fn main() {\n    use gru_core::{Layer, Window};\n");
    for case in cases() {
        let prepared = prepare(&case, directory);
        let layers = prepared.model.layers();
        let alike = |by: &Precision| (format!("{}_{}", case.name, by.name()), vec![*by; layers.len()]);
        let mixed = case.mixed.iter().map(|precisions| (case.name.to_owned(), precisions.clone()));
        let as_they_are = case.alike.iter().map(alike).chain(mixed).map(|(name, by)| (name, by, Weights::F32));
        let mut runs: Vec<_> = as_they_are.collect();
        let with_f32 = runs.iter().filter(|(_, precisions, _)| case.halves && precisions.contains(&F32));
        let halves = with_f32.map(|(name, by, _)| (format!("{name}_weights_f16"), by.clone(), Weights::F16));
        runs.extend(halves.collect::<Vec<_>>());
        for (name, precisions, weights) in runs {
            let named = layers.iter().zip(&precisions);
            let export = named.fold(prepared.export.clone(), |export, (layer, &by)| export.layer(layer.name(), by));
            let text = export.weights(weights).generate(&()).unwrap();
            fs::write(directory.join(format!("{name}.rs")), &text).unwrap();
            let (outputs, inputs) = expected(&prepared, &precisions, weights);
            let bits = if precisions.last() == Some(&F32) { "y.to_bits().cast_signed()" } else { "i32::from(*y)" };
            write!(all_expected, "{name}\n{outputs}").unwrap();
            // The compiler takes a second for the CRC of 200 KB.
            let check = check_coverage(&text, precisions.iter().all(|&precision| precision != F32));
            write!(program, "#[allow(dead_code)]\nmod {name} {{\n    include!(\"{name}.rs\");\n{check}}}\n").unwrap();
            if case.name == "large" {
                assert!(text.matches("from_le_bytes").count() >= 4, "{name} has no bytes");
                fs::write(directory.join(format!("{name}_in_numbers.rs")), in_numbers(&text)).unwrap();
                let same = format!("{name}::Flash::PARTS == {name}_in_numbers::Flash::PARTS");
                write!(
                    program,
                    "#[allow(dead_code)]\nmod {name}_in_numbers {{\n    include!(\"{name}_in_numbers.rs\");\n}}\n"
                )
                .unwrap();
                write!(main, "    {{\n        use gru_core::Image;\n        assert!({same});\n    }}\n").unwrap();
            }
            let print = format!("println!(\"{{:?}}\", outputs.iter().map(|y| {bits}).collect::<Vec<_>>());");
            let run = if prepared.model.is_bidirectional() {
                format!("    for outputs in {name}::MODEL.window(&[{inputs}]) {{\n        {print}\n    }}\n")
            } else {
                format!(
                    "    let mut state = Default::default();\n    for x in [{inputs}] {{\n        \
                     let outputs = {name}::MODEL.step(&x, &mut state);\n        {print}\n    }}\n"
                )
            };
            write!(main, "    println!(\"{name}\");\n    {name}::check();\n{run}").unwrap();
        }
    }
    fs::write(directory.join("main.rs"), format!("{COVERAGE}{program}{main}}}\n")).unwrap();

    let core: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gru-core/src/lib.rs");
    let family = "gru_family=\"portable\"";
    rustc(directory, &["--crate-name", "gru_core", "--crate-type", "rlib", "--cfg", family, core.to_str().unwrap()]);
    rustc(directory, &["--extern", "gru_core=libgru_core.rlib", "main.rs"]);
    let run = Command::new(directory.join("main")).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let found = String::from_utf8(run.stdout).unwrap();
    for (line, (found, expected)) in found.lines().zip(all_expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {line}");
    }
    assert_eq!(found.lines().count(), all_expected.lines().count());
}
