//! The models of the firmware example, along a stream of 500 steps.

use std::path::{Path, PathBuf};

use gru_export::dataset::{Array, Sample};
use gru_export::float::{FloatModel, FloatRunner};
use gru_export::ir::Layer;
use gru_export::verify::Shipped;
use gru_export::{Source, load};

use crate::F32_BOUND;

/// Recordings of `test.npy` that follow one another without a reset.
const STREAM: [usize; 5] = [0, 10, 20, 30, 5];

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../firmware-example").join(path)
}

#[test]
fn the_hidden_state_stays_with_pytorch() {
    let read = |path: &str| Array::read(example(path)).unwrap();
    let (counts, lsb) = (read("data/test.npy"), read("data/lsb.npy"));
    let (steps, channels) = (counts.shape[1], counts.shape[2]);
    for name in ["motion", "motion-2layer"] {
        let model = load(&Source::read(example(&format!("models/{name}.safetensors"))).unwrap(), None).unwrap();
        let last = model.layers().iter().rposition(|layer| matches!(layer, Layer::Gru(_))).unwrap();
        let golden = read(&format!("data/golden_{name}_hidden.npy"));
        let mut golden = golden.values.chunks_exact(golden.shape[1]);
        let mut runner = FloatRunner::new(&FloatModel::new(&model).unwrap());
        let mut worst = 0.0f64;
        for recording in STREAM {
            for row in counts.values[recording * steps * channels..][..steps * channels].chunks_exact(channels) {
                let raw: Vec<f64> = row.iter().zip(&lsb.values).map(|(count, lsb)| count * lsb).collect();
                runner.step(Sample::new(model.input(), &raw));
                let expected = golden.next().unwrap();
                worst = runner.output(last).iter().zip(expected).fold(worst, |worst, (h, e)| worst.max((h - e).abs()));
            }
        }
        assert!(golden.next().is_none());
        println!("{name}: {worst:.2e}");
        assert!(worst <= F32_BOUND, "{name}: {worst:e}");
    }
}
