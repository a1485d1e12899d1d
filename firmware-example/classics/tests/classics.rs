//! Every classic as it ships, without Python.

use classics::characters::{self, MODELS, Model, Recollection, Sampling, Writer};
use classics::{digits, results};
use fastrand::Rng;

/// What a language model may have left to learn of the text that it was trained on.
const PERPLEXITY: f64 = 1.1;

fn text() -> Vec<u16> {
    Recollection::bundled().unwrap().recall().unwrap()
}

#[test]
fn readme_has_the_results() {
    let page = include_str!("../README.md");
    let table = results::markdown(&results::rows().unwrap());
    assert_eq!(page, results::page(page, &table).unwrap(), "cargo run -p classics --bin results -- --write");
}

#[test]
fn digits_lose_little_in_int8() {
    let (float, int8) = (digits::float(), digits::int8());
    assert!(float.right * 100 >= digits::IMAGES * 97, "{float}");
    assert!(int8.right * 100 >= float.right * 99, "{float}; {int8}");
}

#[test]
fn the_text_is_recalled_with_few_corrections() {
    let recollection = Recollection::bundled().unwrap();
    let text = recollection.recall().unwrap();
    assert_eq!(text.len(), characters::LENGTH);
    assert!(recollection.corrections.len() < 100, "{} corrections", recollection.corrections.len());
}

#[test]
fn a_correction_left_out_is_noticed() {
    let mut recollection = Recollection::bundled().unwrap();
    recollection.corrections.remove(&0);
    let error = recollection.recall().unwrap_err().to_string();
    assert!(error.contains("models/characters_text.json: expected a text with SHA-256"), "{error}");
}

#[test]
fn character_models_know_their_text_in_both_precisions() {
    let text = text();
    for model in MODELS {
        let Model { name, precision, .. } = model;
        let (score, framework) = (model.score(&text), characters::framework(name).unwrap());
        let difference = (score.perplexity - framework.perplexity).abs();
        // PyTorch's is rounded to four places.
        let tolerance = if *precision == "f32" { 1e-4 } else { 0.1 };
        assert!(difference <= tolerance, "{name} {precision}: {score}, PyTorch {framework}");
        assert!(score.perplexity <= PERPLEXITY, "{name} {precision}: {score}");
    }
}

#[test]
fn models_go_on_as_the_text_does() {
    let text = characters::letters(&text());
    for model in MODELS {
        let Model { name, precision, .. } = model;
        for prefix in ["time traveller", "traveller"] {
            let writer = Writer::new(model, &characters::symbols(prefix), Sampling::Greedy);
            let written = characters::letters(&writer.take(20).collect::<Vec<_>>());
            // In words of the text, if not in its order.
            let words: Vec<_> = written.split(' ').collect();
            let whole = &words[1..words.len() - 1];
            assert!(whole.iter().all(|word| text.contains(word)), "{name} {precision}: {prefix}{written}");
        }
    }
}

#[test]
fn a_cold_draw_is_the_likeliest_and_a_seed_repeats_a_warm_one() {
    let write = |sampling| {
        let model = Model::named("scratch", "int8").unwrap();
        Writer::new(model, &characters::symbols("time traveller"), sampling).take(200).collect::<Vec<_>>()
    };
    let drawn = |temperature, seed| write(Sampling::Temperature(temperature, Rng::with_seed(seed)));
    assert_eq!(drawn(1e-3, 1), write(Sampling::Greedy));
    assert_eq!(drawn(2.0, 1), drawn(2.0, 1));
    assert_ne!(drawn(2.0, 1), drawn(2.0, 2));
}

#[test]
fn symbols_are_those_of_the_classic_example() {
    let symbols = characters::symbols("The Time Machine, by H. G. Wells [1898]\n\nI");
    assert_eq!(characters::letters(&symbols), "the time machine by h g wells i");
    assert_eq!(symbols[..4], [21, 9, 6, 1]);
    assert_eq!(characters::letters(&[0, 27, 28]), "?z?");
}
