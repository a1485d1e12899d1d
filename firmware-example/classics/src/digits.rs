//! Images of digits, read row by row: two GRU layers of 128, a dense layer whose largest output after the last row is the digit.

use core::fmt;
use core::hash::Hasher;

use fnv::FnvHasher;
use gru_core::{Layer, Stream, argmax};

include!(concat!(env!("OUT_DIR"), "/digits_test.rs"));

exported!("digits");

/// What a model makes of the test images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// `f32` or `int8`.
    pub precision: &'static str,
    /// Images whose digit it finds.
    pub right: usize,
    /// FNV-1a of the digits found; in int8 of the logits too, which are the same on every machine.
    pub digest: u64,
}

/// The row of the table.
///
/// # Errors
/// PyTorch's result is damaged.
#[cfg(not(target_os = "none"))]
pub fn rows() -> anyhow::Result<Vec<crate::results::Row>> {
    #[derive(serde::Deserialize)]
    struct Framework {
        right: usize,
        of: usize,
    }
    let share = |right, of| format!("{right} of {of} right");
    let Framework { right, of } = serde_json::from_str(include_str!("../models/digits.json"))?;
    Ok(vec![crate::results::Row {
        classic: "Digits, read row by row".to_owned(),
        framework: share(right, of),
        float: share(float().right, IMAGES),
        int8: share(int8().right, IMAGES),
        program: "digits",
    }])
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { precision, right, digest } = self;
        write!(f, "{precision}: {right} of {IMAGES} right, digest {digest:#018x}")
    }
}

/// Runs the int8 model, which takes pixels as they are.
#[cfg(int8)]
pub fn int8() -> Outcome {
    run("int8", &int8::MODEL, i16::from, |logits, hasher| {
        logits.iter().for_each(|logit| hasher.write(&logit.to_le_bytes()));
    })
}

/// Runs the f32 model.
#[cfg(float)]
pub fn float() -> Outcome {
    run("f32", &float::MODEL, f32::from, |_, _| ())
}

fn run<L, T: Copy, U: PartialOrd, const O: usize>(
    precision: &'static str,
    model: &'static L,
    pixel: impl Fn(u8) -> T,
    digest: impl Fn(&[U; O], &mut FnvHasher),
) -> Outcome
where
    L: Layer<Input = [T; COLUMNS], Output = [U; O]>,
{
    let mut stream = Stream::new(model);
    let (mut right, mut hasher) = (0, FnvHasher::default());
    for (image, &label) in PIXELS.as_chunks::<COLUMNS>().0.chunks_exact(ROWS).zip(LABELS) {
        stream.reset();
        let (last, first) = image.split_last().expect("an image has rows");
        for row in first {
            stream.step(&row.map(&pixel));
        }
        let logits = stream.step(&last.map(&pixel));
        let found = argmax(logits) as u8;
        right += usize::from(found == label);
        hasher.write(&[found]);
        digest(logits, &mut hasher);
    }
    Outcome { precision, right, digest: hasher.finish() }
}
