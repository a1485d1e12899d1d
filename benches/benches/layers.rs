//! A step and a window of the layers that `cargo xtask bench-peers` compares with other libraries: by Criterion, which compares with its last run.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use gru_bench::layer::{self, INPUTS};
use gru_core::Layer;
use gru_core::layout::{blocks, gru_f32_lanes, gru_int8_lanes};

/// Steps of a window.
const WINDOW: usize = 100;

fn layers(criterion: &mut Criterion) {
    macro_rules! shapes {
        ($(($input:literal, $hidden:literal)),*) => {$({
            const BLOCKS: usize = blocks($hidden);
            let mut group = criterion.benchmark_group(concat!(stringify!($input), "x", stringify!($hidden)));
            let (float, inputs) = layer::float::<$input, $hidden, { gru_f32_lanes($input, $hidden) }, BLOCKS>();
            bench(&mut group, "f32", &float, &inputs, [0.0; $hidden]);
            let (int8, inputs) = layer::int8::<$input, $hidden, { gru_int8_lanes($input, $hidden) }, BLOCKS>();
            bench(&mut group, "int8", &int8, &inputs, [0; $hidden]);
            group.finish();
        })*};
    }
    shapes!((6, 32), (28, 128), (28, 256), (64, 64), (40, 96));
}

/// Both modes of a layer; elements are steps.
fn bench<L: Layer<Input: Copy, Output: Copy>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    precision: &str,
    layer: &L,
    inputs: &[L::Input; INPUTS],
    zero: L::Output,
) {
    let (mut state, mut turns) = (L::State::default(), inputs.iter().cycle());
    group.throughput(Throughput::Elements(1));
    group.bench_function(format!("{precision}, step"), |bencher| {
        // A copy, for Criterion keeps what it is given until it has taken the time.
        bencher.iter(|| turns.next().map(|input| *layer.step(input, &mut state)));
    });

    let inputs: Vec<_> = inputs.iter().copied().cycle().take(WINDOW).collect();
    let mut outputs = vec![zero; WINDOW];
    group.throughput(Throughput::Elements(WINDOW as u64));
    group.bench_function(format!("{precision}, window of {WINDOW}"), |bencher| {
        bencher.iter(|| layer.window(&inputs, &mut outputs, &mut state));
    });
}

criterion_group!(benches, layers);
criterion_main!(benches);
