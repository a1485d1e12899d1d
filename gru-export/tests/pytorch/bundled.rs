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
        let (golden, counts, lsb) = (golden.values(), counts.values(), lsb.values());
        let golden = golden.chunks_exact(model.layers()[last].output_size());
        let stream: Vec<Vec<f64>> = STREAM
            .iter()
            .flat_map(|recording| counts[recording * steps * channels..][..steps * channels].chunks_exact(channels))
            .map(|row| row.iter().zip(&*lsb).map(|(count, lsb)| count * lsb).collect())
            .collect();
        assert_eq!(stream.len(), golden.len());
        let samples: Vec<_> = stream.iter().map(|raw| Sample::Vector(raw)).collect();
        let outputs = FloatRunner::new(&FloatModel::new(&model).unwrap()).play(&samples);
        let errors = outputs[last].iter().zip(golden).flat_map(|(h, e)| h.iter().zip(e).map(|(h, e)| (h - e).abs()));
        let worst = errors.fold(0.0f64, f64::max);
        println!("{name}: {worst:.2e}");
        assert!(worst <= F32_BOUND, "{name}: {worst:e}");
    }
}
