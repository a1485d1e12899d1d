//! Layers without a matrix against f64, and windows against steps.

use gru_core::math::{Cell, Clipped, Function, HardSigmoid, Linear, Relu, Sigmoid, Tanh};
use gru_core::{
    Activate, Bidirectional, Dequantize, Ends, Gru, GruWeights, Layer, Mean, Merge, NORMAL_BITS, Product, QuantizeReal,
    ResetAfter, Steps, Sum, Window, activate, layer_norm, layer_norm_int8, layout, quant,
};

/// Values in [−1, 1) that all differ.
fn values(len: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| draw()).collect()
}

/// The function on a whole vector, whose length is no multiple of a block, within `bound` of the exact one.
fn check<F: Function>(exact: impl Fn(f64) -> f64, bound: f64) {
    let x: Vec<f32> = (-4003..=4003).map(|i| i as f32 * 0.002).chain([f32::MAX, f32::MIN]).collect();
    let mut y = x.clone();
    activate::<F>(&mut y);
    for (&x, &y) in x.iter().zip(&y) {
        assert!((f64::from(y) - exact(f64::from(x))).abs() <= bound, "{}({x}) = {y}", std::any::type_name::<F>());
        assert!(
            (f64::from(F::complement_lanes(x)) - (1.0 - exact(f64::from(x)))).abs()
                <= bound.max(f64::from(x.abs() + 1.0) * 1e-7)
        );
    }
    let mut nan = [f32::NAN];
    activate::<F>(&mut nan);
    assert!(nan[0].is_nan());
}

#[test]
fn functions() {
    type Hard = HardSigmoid<{ 0.2f32.to_bits() }, { 0.5f32.to_bits() }>;
    type Skewed = HardSigmoid<{ 0.3f32.to_bits() }, { 0.4f32.to_bits() }>;
    check::<Relu>(|x| x.max(0.0), 0.0);
    check::<Linear>(|x| x, 0.0);
    check::<Tanh>(f64::tanh, 3.9e-7);
    check::<Sigmoid>(|x| 1.0 / (1.0 + (-x).exp()), 2.1e-7);
    check::<Hard>(|x| (0.2 * x + 0.5).clamp(0.0, 1.0), 2e-7);
    check::<Skewed>(|x| (0.3 * x + 0.4).clamp(0.0, 1.0), 2e-7);
    check::<Clipped<Relu, { 1.5f32.to_bits() }>>(|x| x.clamp(0.0, 1.5), 0.0);
}

/// `(x − mean) / √(var + epsilon)`.
fn normalized(x: &[f64], epsilon: f64) -> Vec<f64> {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
    x.iter().map(|x| (x - mean) / (variance + epsilon).sqrt()).collect()
}

#[test]
fn layer_norm_is_exact_to_2e_6() {
    for len in [1, 2, 3, 16, 33, 128, 777] {
        for (offset, spread) in [(0.0, 1.0), (3.0, 0.5), (-100.0, 20.0), (0.0, 1e-4)] {
            let x: Vec<f32> = values(len, 7).iter().map(|x| x * spread + offset).collect();
            let (weight, bias) = (values(len, 8), values(len, 9));
            let mut y = x.clone();
            layer_norm(&mut y, &weight, &bias, 1e-5);
            let exact = normalized(&x.iter().copied().map(f64::from).collect::<Vec<_>>(), 1e-5);
            for unit in 0..len {
                let expected = exact[unit] * f64::from(weight[unit]) + f64::from(bias[unit]);
                let error = (f64::from(y[unit]) - expected).abs();
                assert!(error < 2e-6, "{len} values around {offset}, unit {unit}: {error:e}");
            }
        }
    }
    let mut all_nan = [1.0, f32::NAN, 2.0];
    layer_norm(&mut all_nan, &[1.0; 3], &[0.0; 3], 1e-5);
    assert!(all_nan.iter().all(|y| y.is_nan()));
}

#[test]
fn integer_layer_norm_is_exact_to_half_a_step() {
    for len in [1usize, 2, 3, 16, 33, 128, 777, 5000] {
        for spread in [127.0, 20.0, 2.0] {
            let x: Vec<i8> = values(len, 5).iter().map(|x| (x * spread) as i8).collect();
            let mut y = vec![0; len];
            // Weight 1, bias 0; epsilon is a tenth of a squared step.
            let epsilon = (len * len).div_ceil(10) as u64;
            layer_norm_int8(&x, &vec![1 << 8; len], &vec![1 << 7; len], 8, epsilon, &mut y);
            let real: Vec<f64> = x.iter().map(|&q| f64::from(q)).collect();
            for (unit, (&y, exact)) in y.iter().zip(normalized(&real, epsilon as f64 / (len * len) as f64)).enumerate()
            {
                let expected = (exact * f64::from(1 << NORMAL_BITS)).clamp(-32767.0, 32767.0);
                let error = (f64::from(y) - expected).abs();
                assert!(error <= 0.51, "{len} values up to {spread}, unit {unit}: {error}");
            }
        }
    }
    for len in [2usize, 33, 5000] {
        let x: Vec<i16> = values(len, 5).iter().map(|x| (x * 32767.0) as i16).collect();
        let mut y = vec![0; len];
        layer_norm_int8(&x, &vec![1 << 8; len], &vec![1 << 7; len], 8, 1, &mut y);
        let real: Vec<f64> = x.iter().map(|&q| f64::from(q)).collect();
        for (&y, exact) in y.iter().zip(normalized(&real, 1.0 / (len * len) as f64)) {
            let error = (f64::from(y) - exact * f64::from(1 << NORMAL_BITS)).abs();
            assert!(error <= 0.51, "{len} values of i16: {error}");
        }
    }
    let mut y = [7; 3];
    layer_norm_int8(&[5i8; 3], &[i16::MAX; 3], &[0; 3], 0, 0, &mut y);
    assert_eq!(y, [0; 3], "values that are all alike");
    layer_norm_int8(&[127i8, -127, -127], &[i16::MIN, i16::MAX, i16::MAX], &[i32::MIN, i32::MAX, 0], 0, 0, &mut y);
    assert_eq!(y, [i16::MIN, i16::MAX, i16::MIN]);
    layer_norm_int8::<i8>(&[], &[], &[], 0, 0, &mut []);
}

#[test]
fn reals_become_the_nearest_integers() {
    let specials = [0.5, -0.5, 1.5, -1.5, 0.499_999_97, -0.499_999_97, 8_388_607.5, -0.0, 1e-40];
    let patterns = (0..u32::MAX).step_by(65_537).map(f32::from_bits).filter(|x| x.is_finite());
    for x in specials.into_iter().chain(patterns) {
        let expected = (f64::from(x) + 0.5).floor().clamp(f64::from(i32::MIN), f64::from(i32::MAX));
        assert_eq!(f64::from(quant::nearest(x)), expected, "{x:e}");
    }
    assert_eq!([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(quant::nearest), [0, i32::MAX, i32::MIN]);

    let steps = QuantizeReal::<3, i16>::new([1.0, 0.0, 0.0], [128.0, 1e30, 1e30]);
    let reals = Dequantize::<3, i16>::new([1.0, 0.0, 0.0], [1.0 / 128.0; 3]);
    let chain = (steps, reals);
    let limit = f32::from(quant::WIDE_MAX) / 128.0;
    assert_eq!(chain.step(&[-2.5, 7.0, -7.0], &mut Default::default()), &[-2.5, limit, -limit]);
}

const W: usize = 9;

static FORWARD: GruWeights<2, 3, ResetAfter, { layout::gru_f32_lanes(2, 3) }, { layout::blocks(3) }> =
    GruWeights::pack(&[[[0.5, -0.25]; 3]; 3], &[[[0.5, 0.1, -0.3]; 3]; 3], &[[0.1, 0.2, 0.3]; 4]);
static BACKWARD: GruWeights<2, 3, ResetAfter, { layout::gru_f32_lanes(2, 3) }, { layout::blocks(3) }> =
    GruWeights::pack(&[[[-0.5, 0.75]; 3]; 3], &[[[0.2, -0.1, 0.4]; 3]; 3], &[[0.3, 0.1, -0.2]; 4]);

type Functions = Cell<HardSigmoid<{ 0.2f32.to_bits() }, { 0.5f32.to_bits() }>, Tanh>;
type Direction = Gru<2, 3, ResetAfter, Functions>;

#[test]
fn integers_merge_to_the_nearest_step() {
    for a in -127..=127i16 {
        for b in -127..=127i16 {
            // Of views of 127 steps, and of those with 2⁷ steps for each of them.
            let (bytes, fine) = ((a as i8, b as i8), (a << 7, b << 7));
            let merged = |merge: fn(&[i8], &[i8], &mut [i8]), wide: fn(&[i16], &[i16], &mut [i16])| {
                let (mut narrow, mut words) = ([0], [0]);
                merge(&[bytes.0], &[bytes.1], &mut narrow);
                wide(&[fine.0], &[fine.1], &mut words);
                (f64::from(narrow[0]), f64::from(words[0]) / 128.0)
            };
            let (a, b) = (f64::from(a), f64::from(b));
            let halves = [merged(Sum::merge, Sum::merge), merged(Mean::merge, Mean::merge)];
            let product = merged(Product::merge, Product::merge);
            for ((narrow, wide), exact) in
                [(halves[0], (a + b) / 2.0), (halves[1], (a + b) / 2.0), (product, a * b / 128.0)]
            {
                assert!((narrow - exact).abs() <= 0.5, "{a}, {b}: {narrow} for {exact}");
                assert!((wide - exact).abs() <= 0.5 / 128.0, "{a}, {b}: {wide} for {exact}");
            }
        }
    }
}

#[test]
fn both_directions_are_those_of_steps() {
    let x: Vec<[f32; 2]> = values(2 * W, 3).chunks_exact(2).map(|x| [x[0], x[1]]).collect();
    let x: [[f32; 2]; W] = x.try_into().unwrap();
    let (forward, backward) = (Direction::new(&FORWARD), Direction::new(&BACKWARD));
    let (mut state, mut back_state) = Default::default();
    let ahead: Vec<[f32; 3]> = x.iter().map(|x| *forward.step(x, &mut state)).collect();
    let mut back: Vec<[f32; 3]> = x.iter().rev().map(|x| *backward.step(x, &mut back_state)).collect();
    back.reverse();

    let concat = Bidirectional::<_, _, 6>::new(forward, backward).window(&x);
    let sum = Bidirectional::<_, _, 3, Sum>::new(forward, backward).window(&x);
    let product = Bidirectional::<_, _, 3, Product>::new(forward, backward).window(&x);
    let mean = Bidirectional::<_, _, 3, Mean>::new(forward, backward).window(&x);
    for t in 0..W {
        assert_eq!(concat[t], [&ahead[t][..], &back[t]].concat()[..]);
        for unit in 0..3 {
            let (a, b) = (ahead[t][unit], back[t][unit]);
            assert_eq!((sum[t][unit], product[t][unit], mean[t][unit]), (a + b, a * b, 0.5 * (a + b)));
        }
    }

    let ends = Ends(Bidirectional::<_, _, 6>::new(forward, backward)).window(&x);
    let added = Ends(Bidirectional::<_, _, 3, Sum>::new(forward, backward)).window(&x);
    let (ahead, back) = (ahead[W - 1], back[0]);
    assert!(ends.iter().all(|y| y[..] == [ahead, back].concat()));
    assert_eq!(added, [[0, 1, 2].map(|unit| ahead[unit] + back[unit]); W]);

    let relu = Steps((Activate::<Linear, 6>::new(), Activate::<Relu, 6>::new()));
    let chained = (Bidirectional::<_, _, 6>::new(forward, backward), relu).window(&x);
    assert_eq!(chained, concat.map(|y| y.map(|y| y.max(0.0))));
}
