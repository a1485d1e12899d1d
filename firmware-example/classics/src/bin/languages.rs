//! Tells the language of a name; without one, how often it is right beside Keras.

use anyhow::{Context, Result};
use clap::Parser;
use classics::languages::{self, LABELS, Outcome};

/// The language of a name, such as that of a country
#[derive(Parser)]
struct Arguments {
    /// What to tell the language of [default: 1000 names that were held out of training]
    name: Option<String>,
}

fn main() -> Result<()> {
    match Arguments::parse().name {
        Some(name) => tell(&name),
        None => {
            println!("       right  as Keras  largest difference of a probability");
            for (precision, outcome) in
                [("Keras", Outcome::keras()), ("f32", Outcome::float()), ("int8", Outcome::int8())]
            {
                let Outcome { right, agreeing, difference, .. } = outcome;
                println!("{precision:<5} {right:6}  {agreeing:8}  {difference:.1e}");
            }
            Ok(())
        }
    }
}

fn tell(name: &str) -> Result<()> {
    let unknown = "none of its letters is known";
    let (float, int8) = (languages::float(name).context(unknown)?, languages::int8(name).context(unknown)?);
    let mut rows: Vec<_> = LABELS.iter().zip(float.into_iter().zip(int8)).collect();
    rows.sort_by(|(_, (a, _)), (_, (b, _))| b.total_cmp(a));
    println!("             f32     int8");
    for (language, (float, int8)) in rows {
        println!("{language:<8} {:5.1} %  {:5.1} %", 100.0 * float, 100.0 * int8);
    }
    Ok(())
}
