//! How the integers of int8 are chosen by recordings, and by hand.

mod random;

use gru_export::Source;
use gru_export::calibrate::{
    Aim, Calibration, Choice, Fit, GivenRanges, Method, Origin, Statistics, Tensor, int8_tensors,
};
use gru_export::dataset::Dataset;
use gru_export::int8::{Int8Model, Int8Runner};
use gru_export::ir::{Activated, Activation, Bidirectional, Cell, Layer, LayerNorm, Merge, Model};
use gru_export::quantise::quantise;
use gru_export::verify::{Errors, verify};

use self::random::{Random, cells, data};

fn errors(model: &Model, quantised: &Int8Model, data: &Dataset) -> Errors {
    verify(model, &Int8Runner::new(quantised), data, None, &()).unwrap().reference.errors
}

fn fit(model: &Model, data: &Dataset, given: Option<&str>, method: Method) -> (Fit, Int8Model) {
    let given = given.map(ranges);
    Fit::new(
        (model, data),
        Statistics::measure(model, data, &()),
        given.as_ref(),
        Aim::Rms(method),
        &|ranges| quantise(model, ranges, None, false),
        &(),
    )
    .unwrap()
}

fn ranges(text: &str) -> GivenRanges {
    GivenRanges::parse(&Source::from_bytes("ranges.toml", text.as_bytes().to_vec())).unwrap()
}

/// Noise, with a spike in the first channel once in 400 steps.
fn spiky(random: &mut Random, channels: usize) -> Dataset {
    data(2000, channels, |step, channel| random.draw() * if channel == 0 && step % 400 == 7 { 40.0 } else { 1.0 })
}

#[test]
fn a_fit_is_never_worse_than_the_whole_ranges() {
    for cell in cells() {
        for (inputs, hidden) in [(3, 8), (6, 32), (12, 17)] {
            let mut random = Random(inputs as u64);
            let model = random.classifier([inputs, hidden, 3], cell);
            let recordings = spiky(&mut random, inputs);
            let whole = quantise(&model, &Calibration::measure(&model, &recordings, &()), None, false).unwrap();
            let whole = errors(&model, &whole, &recordings);
            let (fit, quantised) = fit(&model, &recordings, None, Method::Auto);
            let found = errors(&model, &quantised, &recordings);
            println!(
                "({inputs}, {hidden}) {:?}, update {}: RMS {:.2e} → {:.2e}",
                cell.reset, cell.update, whole.rms, found.rms
            );
            assert!(found.rms <= whole.rms, "({inputs}, {hidden}) {cell:?}: {whole:?} and {found:?}");
            for Choice { candidates, clipped, .. } in &fit.choices {
                let least = candidates.iter().map(|candidate| candidate.rms).fold(f64::INFINITY, f64::min);
                assert!(*clipped == 0.0 || least < candidates[0].rms, "clips without a reason: {candidates:?}");
            }
        }
    }
}

#[test]
fn corrected_biases_lower_the_error_layer_by_layer() {
    for cell in cells() {
        let mut random = Random(9);
        let model = random.classifier([6, 32, 3], cell);
        let recordings = data(1000, 6, |_, _| random.draw());
        let (fit, quantised) = fit(&model, &recordings, None, Method::MinMax);
        let mut error = errors(&model, &quantise(&model, &fit.calibration, None, false).unwrap(), &recordings).rms;
        let before = error;
        assert_eq!(fit.corrections.iter().map(|correction| correction.layer).collect::<Vec<_>>(), [0, 1]);
        for correction in &fit.corrections {
            assert_eq!(correction.before, error, "{correction:?}");
            assert_eq!(correction.rounds > 0, correction.after < correction.before, "{correction:?}");
            error = if correction.rounds > 0 { correction.after } else { error };
        }
        assert_eq!(errors(&model, &quantised, &recordings).rms, error);
        println!("{:?}, update {}: RMS {before:.2e} → {error:.2e}", cell.reset, cell.update);
        assert!(error < before, "{cell:?}");
    }
}

#[test]
fn a_correction_takes_the_mean_error_out() {
    let mut random = Random(5);
    let model = random.classifier([6, 32, 3], Cell::default());
    let recordings = data(1000, 6, |_, _| random.draw());
    let mean_error = |quantised: &Int8Model| {
        let verification = verify(&model, &Int8Runner::new(quantised), &recordings, None, &()).unwrap();
        let exact = Statistics::measure(&model, &recordings, &());
        let means = |unit: usize| {
            let found = verification.outputs.iter().skip(unit).step_by(3).map(|&y| f64::from(y)).sum::<f64>();
            let expected = exact.outputs[1][unit].values().map(|(value, count)| value * count as f64).sum::<f64>();
            (found - expected).abs() / 1000.0
        };
        (0..3).map(means).fold(0.0, f64::max)
    };
    let (fit, quantised) = fit(&model, &recordings, None, Method::MinMax);
    let before = mean_error(&quantise(&model, &fit.calibration, None, false).unwrap());
    let after = mean_error(&quantised);
    println!("mean error {before:.1e} → {after:.1e}");
    assert!(after < before / 2.0, "{before:e} and {after:e}");
}

#[test]
fn a_method_that_is_asked_for_clips_its_share() {
    let mut random = Random(3);
    let model = random.classifier([6, 16, 3], Cell::default());
    let recordings = spiky(&mut random, 6);
    for (method, from, to) in [
        (Method::MinMax, 0.0, 0.0),
        (Method::Percentile(99.0), 0.003, 0.0101),
        (Method::Percentile(90.0), 0.08, 0.101),
        (Method::MeanSquare, 0.0, 0.05),
    ] {
        let (fit, _) = fit(&model, &recordings, None, method);
        let choices = &fit.choices;
        assert_eq!(choices.len(), 7, "six channels and the state");
        for Choice { tensor, origin, clipped, candidates, .. } in choices {
            assert_eq!((*origin, candidates.len()), (Origin::Measured(method), 0));
            let in_state = matches!(tensor, Tensor::Output(_));
            assert!((from..=to).contains(clipped) || in_state && *clipped <= to, "{method}: {tensor:?} {clipped}");
        }
    }
    // The spikes of the first channel are 1 in 400.
    let (spikes, _) = fit(&model, &recordings, None, Method::Percentile(99.0));
    assert!(spikes.calibration.input[0].max_abs() <= 1.0, "{:?}", spikes.calibration.input[0]);
}

#[test]
fn ranges_by_hand_go_over_those_measured() {
    let mut random = Random(4);
    let model = random.classifier([3, 8, 2], Cell::default());
    let recordings = data(500, 3, |_, _| random.draw());
    let (fit, _) = fit(&model, &recordings, Some("input = { 1 = [-4, 4] }\n[layer]\ngru = [-0.5, 0.5]"), Method::Auto);
    let origins: Vec<_> = fit.choices.iter().map(|choice| (choice.tensor, choice.origin == Origin::Given)).collect();
    let expected =
        [(Tensor::Input(1), true), (Tensor::Output(0), true), (Tensor::Input(0), false), (Tensor::Input(2), false)];
    assert_eq!(origins, expected);
    assert_eq!((fit.calibration.input[1].min, fit.calibration.input[1].max), (-4.0, 4.0));
    assert!(fit.calibration.input[0].max < 1.0);
    assert!(fit.calibration.outputs[0].iter().all(|range| range.max_abs() == 0.5));
}

#[test]
fn ranges_by_hand_are_enough() {
    let mut random = Random(6);
    for cell in cells() {
        let model = random.classifier([4, 16, 3], cell);
        let test = data(500, 4, |_, _| random.draw());
        let quantise = |ranges: &Calibration| quantise(&model, ranges, None, false);
        let given = ranges("input = [-1, 1]\n[layer]\nhead = [[-3, 3], [-3, 3], [-3, 3]]");
        let (fit, quantised) = Fit::given(&model, &given, &quantise).unwrap();
        assert!(fit.statistics.is_none() && fit.corrections.is_empty());
        let found = errors(&model, &quantised, &test);
        let (_, measured) = self::fit(&model, &test, None, Method::MinMax);
        let measured = errors(&model, &measured, &test);
        println!("by hand {:.1e}, measured {:.1e}", found.rms, measured.rms);
        assert!(found.rms < 3.0 * measured.rms, "{cell:?}: {found:?} and {measured:?}");
    }
}

#[test]
fn a_recording_of_one_step_is_enough() {
    let mut random = Random(9);
    let (forward, backward) = (random.gru(4, 8, Cell::default()), random.gru(4, 8, Cell::default()));
    let both = Bidirectional { name: "both".to_owned(), forward, backward, merge: Merge::Concat, ends: false };
    let both = Model::new(vec![Layer::Bidirectional(Box::new(both))], None).unwrap();
    let models = cells().map(|cell| random.classifier([4, 8, 3], cell)).collect::<Vec<_>>();
    let recordings = data(1, 4, |_, channel| channel as f64 / 4.0);
    for model in models.iter().chain([&both]) {
        let (_, quantised) = fit(model, &recordings, None, Method::Auto);
        let found = errors(model, &quantised, &recordings);
        assert!(found.max < 0.01, "{found:?}");
    }
}

#[test]
fn every_kind_of_layer_is_known_by_its_inputs() {
    let mut random = Random(8);
    let (forward, backward) = (random.gru(4, 8, Cell::default()), random.gru(4, 8, Cell::default()));
    let both = Bidirectional { name: "both".to_owned(), forward, backward, merge: Merge::Concat, ends: false };
    let activated =
        |name: &str, size, activation| Layer::Activation(Activated { name: name.to_owned(), size, activation });
    let norm = LayerNorm { name: "norm".to_owned(), weight: vec![0.5; 16], bias: vec![0.1; 16], epsilon: 1e-5 };
    let layers = vec![
        Layer::Bidirectional(Box::new(both)),
        Layer::LayerNorm(norm),
        activated("tanh", 16, Activation::Tanh),
        Layer::Dense(random.dense(16, 5)),
        activated("relu", 5, Activation::Relu),
        Layer::Gru(random.gru(5, 6, Cell::default())),
    ];
    let model = Model::new(layers, None).unwrap();
    let quantise = |ranges: &Calibration| quantise(&model, ranges, None, false);
    let given = ranges("input = [-1, 1]\n[layer]\nhead = [-2, 2]");
    let (_, quantised) = Fit::given(&model, &given, &quantise).unwrap();
    let test = data(200, 4, |_, _| random.draw());
    let found = errors(&model, &quantised, &test);
    assert!(found.rms < 0.05 * found.peak, "{found:?}");
    // Four channels, the state, the normalization and tanh, what ReLU gives, the last state.
    let tensors: Vec<_> = int8_tensors(&quantised).into_iter().map(|(tensor, _)| tensor).collect();
    let layers =
        tensors.iter().filter_map(|tensor| if let Tensor::Output(layer) = tensor { Some(*layer) } else { None });
    assert_eq!(layers.collect::<Vec<_>>(), [0, 1, 2, 4, 5]);
    let (fit, _) = fit(&model, &test, None, Method::Auto);
    assert_eq!(fit.choices.len(), tensors.len());
}

#[test]
fn a_damaged_file_of_ranges_is_an_error_or_other_ranges() {
    let model = Random(2).classifier([3, 8, 2], Cell::default());
    let text = b"input = { 0 = [-1, 1], 1 = [-2.5, 2], 2 = [0, 1e3] }\n[layer]\n\"head\" = [[-8, 8], [-1, 2]]\n";
    let mut read = 0;
    for at in 0..text.len() {
        for byte in [0, b' ', b'[', b'"', b'9', b'e', 0xFF, text[at] ^ 1] {
            let mut damaged = text.to_vec();
            damaged[at] = byte;
            for bytes in [damaged.clone(), damaged[..at].to_vec()] {
                let Ok(given) = GivenRanges::parse(&Source::from_bytes("ranges.toml", bytes)) else { continue };
                read +=
                    usize::from(Fit::given(&model, &given, &|ranges| quantise(&model, ranges, None, false)).is_ok());
            }
        }
    }
    assert!(read > 50, "only {read} of the files were read");
}
