//! The classifier of digits, and the images that it is tested on.

use std::env;
use std::fs;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use gru_export::Precision;
use gru_export::dataset::Array;

const IMAGES: &str = "models/digits_test.npy";
const LABELS: &str = "models/digits_test_labels.npy";

pub fn generate(precisions: &[(&str, Precision)]) -> Result<()> {
    let columns = images()?;
    super::export("digits", precisions, |precision, export| {
        // Pixels are whole numbers: an int8 model takes them as counts of 1.
        if precision == Precision::Int8 { export.input_lsb(vec![1.0; columns]) } else { export }
    })
}

/// `PIXELS` and `LABELS` with their sizes, as `digits_test.rs`; returns the columns of an image.
fn images() -> Result<usize> {
    [IMAGES, LABELS].iter().for_each(|path| println!("cargo::rerun-if-changed={path}"));
    let (images, labels) = (Array::read(IMAGES)?, Array::read(LABELS)?);
    let &[count, rows, columns] = &images.shape[..] else {
        bail!("{IMAGES}: expected [images, rows, columns], found {:?}", images.shape)
    };
    ensure!(labels.shape == [count], "{LABELS}: expected shape [{count}], found {:?}", labels.shape);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (name, array) in [("pixels", &images), ("labels", &labels)] {
        fs::write(out.join(name), array.values().iter().map(|&value| value as u8).collect::<Vec<_>>())?;
    }
    let code = format!(
        "/// Test images.\npub const IMAGES: usize = {count};\n/// Of an image, each a step of the model.\npub const ROWS: usize = {rows};\n\
         /// Of an image, each a channel of the model.\npub const COLUMNS: usize = {columns};\n\
         static PIXELS: &[u8; IMAGES * ROWS * COLUMNS] = include_bytes!(concat!(env!(\"OUT_DIR\"), \"/pixels\"));\n\
         static LABELS: &[u8; IMAGES] = include_bytes!(concat!(env!(\"OUT_DIR\"), \"/labels\"));\n"
    );
    fs::write(out.join("digits_test.rs"), code)?;
    Ok(columns)
}
