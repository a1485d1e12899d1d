//! Measures the character models on the text that they have learnt, and lets them write.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use classics::characters::{self, MODELS, Model, Recollection, Sampling, Writer};
use fastrand::Rng;

/// How often a model writes [`TIMED`] symbols for its speed, which is that of the fastest round: other programs disturb some of them.
const ROUNDS: usize = 250;
/// A millisecond.
const TIMED: usize = 200;

/// Perplexities of the character models in f32 and int8 beside PyTorch's, and what they write
#[derive(Parser)]
struct Arguments {
    /// Measure on the first 10,000 characters of this file in place of the text that the models recall
    #[arg(long, value_name = "PATH")]
    text: Option<PathBuf>,
    /// What the models go on from
    #[arg(long, default_values = ["time traveller", "traveller"])]
    prefix: Vec<String>,
    /// Symbols that they write
    #[arg(long, default_value_t = 50)]
    length: usize,
    /// Draw symbols at this temperature in place of the likeliest
    #[arg(long, value_parser = temperature)]
    temperature: Option<f32>,
    /// Of what is drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let text = match &arguments.text {
        Some(path) => {
            characters::symbols(&fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?)
        }
        None => recalled()?,
    };
    ensure!(text.len() > 1, "expected a text of two characters at least, found {}", text.len());
    println!("\non {} characters:", text.len());
    for model in MODELS {
        let score = model.score(&text);
        let framework = match arguments.text {
            None => format!(", PyTorch {}", characters::framework(model.name)?),
            Some(_) => String::new(),
        };
        println!("{:>9} {:4}  {score}, {:.2} % right{framework}", model.name, model.precision, 100.0 * score.accuracy);
    }
    for model in MODELS.iter().filter(|model| ["library", "scratch"].contains(&model.name)) {
        write(model, &arguments);
    }
    Ok(())
}

fn temperature(text: &str) -> Result<f32> {
    let temperature = text.parse()?;
    ensure!(temperature > 0.0, "expected a number above 0");
    Ok(temperature)
}

/// The text from a model's weights.
fn recalled() -> Result<Vec<u16>> {
    let recollection = Recollection::bundled()?;
    let text = recollection.recall()?;
    let corrected = recollection.corrections.len();
    println!("{} characters recalled by the model scratch, {corrected} of them corrected:", text.len());
    println!("{}…", characters::letters(&text[..60]));
    Ok(text)
}

/// What a model makes of each prefix, and how fast.
fn write(model: &Model, arguments: &Arguments) {
    println!("\n{} {}:", model.name, model.precision);
    let sampling = || match arguments.temperature {
        None => Sampling::Greedy,
        Some(temperature) => Sampling::Temperature(temperature, Rng::with_seed(arguments.seed)),
    };
    for prefix in &arguments.prefix {
        let writer = Writer::new(model, &characters::symbols(prefix), sampling());
        let written: Vec<_> = writer.take(arguments.length).collect();
        println!("{prefix}{}", characters::letters(&written));
    }
    let mut writer = Writer::new(model, &[], sampling());
    let rounds = [(); ROUNDS].map(|()| {
        let start = Instant::now();
        black_box(writer.nth(TIMED - 1));
        start.elapsed().as_secs_f64()
    });
    let fastest = rounds.into_iter().fold(f64::INFINITY, f64::min);
    println!("{:.0} symbols a second, one by one", TIMED as f64 / fastest);
}
