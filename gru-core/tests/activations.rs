//! Activations against f64: every argument of the fixed-point ones and of the default f32 one.

use gru_core::math::{self, Activation, fixed, fixed::Function};
use std::thread;

/// Largest absolute errors of sigmoid and tanh over all finite f32, taking every `stride`-th between 2⁻¹² and 32.
///
/// Both functions are linear to 2⁻²⁴ below that range and flat above it: there every 4093rd argument is tried.
fn errors<A: Activation>(stride: usize) -> (f64, f64) {
    let half = move |sign: u32| {
        let (small, large) = (2f32.powi(-12).to_bits(), 32f32.to_bits());
        let outside = (0..small).step_by(4093).chain((large..=f32::MAX.to_bits()).step_by(4093));
        outside.chain((small..large).step_by(stride)).fold((0.0f64, 0.0f64), |(sigmoid, tanh), bits| {
            let x = f32::from_bits(bits | sign);
            let exact = f64::from(x);
            (
                sigmoid.max((f64::from(A::sigmoid(x)) - 1.0 / (1.0 + (-exact).exp())).abs()),
                tanh.max((f64::from(A::tanh(x)) - exact.tanh()).abs()),
            )
        })
    };
    let negative = thread::spawn(move || half(1 << 31));
    let (positive, negative) = (half(0), negative.join().unwrap());
    (positive.0.max(negative.0), positive.1.max(negative.1))
}

fn check<A: Activation>(stride: usize, sigmoid_bound: f64, tanh_bound: f64) {
    let (sigmoid, tanh) = errors::<A>(stride);
    println!("{}: sigmoid {sigmoid:.2e}, tanh {tanh:.2e}", std::any::type_name::<A>());
    assert!(sigmoid <= sigmoid_bound && tanh <= tanh_bound, "sigmoid {sigmoid:e}, tanh {tanh:e}");

    assert!(A::sigmoid(f32::NAN).is_nan() && A::tanh(f32::NAN).is_nan() && A::exp(f32::NAN).is_nan());
    for (x, sigmoid, tanh) in
        [(f32::INFINITY, 1.0, 1.0), (f32::NEG_INFINITY, 0.0, -1.0), (0.0, 0.5, 0.0), (-0.0, 0.5, 0.0)]
    {
        assert!((f64::from(A::sigmoid(x)) - sigmoid).abs() <= sigmoid_bound, "sigmoid({x})");
        assert!((f64::from(A::tanh(x)) - tanh).abs() <= tanh_bound, "tanh({x})");
    }
}

fn exp_error<A: Activation>() -> f64 {
    (0..2_000_000)
        .map(|i| i as f32 * -4e-5)
        .fold(0.0, |worst: f64, x| worst.max((f64::from(A::exp(x)) - f64::from(x).exp()).abs()))
}

#[test]
fn rational() {
    check::<math::Rational>(1, 2.1e-7, 3.9e-7);
    let exp = exp_error::<math::Rational>();
    assert!(exp < 2e-7, "{exp:e}");
}

#[cfg(any(feature = "libm", feature = "std"))]
#[test]
fn exact() {
    check::<math::Exact>(5, 9e-8, 1.1e-7);
    assert!(exp_error::<math::Exact>() < 1e-7);
}

#[cfg(feature = "micromath")]
#[test]
fn micromath() {
    check::<math::Micromath>(5, 6e-4, 1.2e-3);
    assert!(exp_error::<math::Micromath>() < 2e-3);
}

fn q15(value: i16) -> f64 {
    f64::from(value) / 32768.0
}

#[test]
fn every_fixed_point_argument() {
    let (mut worst_tanh, mut worst_sigmoid, mut squares) = (0.0f64, 0.0f64, 0.0);
    for t in i16::MIN..=i16::MAX {
        let x = f64::from(t) / 4096.0;
        let error = q15(fixed::tanh_q15(t)) - x.tanh();
        squares += error * error;
        worst_tanh = worst_tanh.max(error.abs());
        worst_sigmoid = worst_sigmoid.max((q15(fixed::sigmoid_q15(t)) - 1.0 / (1.0 + (-2.0 * x).exp())).abs());
    }
    println!("fixed: sigmoid {worst_sigmoid:.2e}, tanh {worst_tanh:.2e}, rms {:.2e}", (squares / 65536.0f64).sqrt());
    assert!(worst_tanh < 1.4e-4 && worst_sigmoid < 8.2e-5);
    assert!((squares / 65536.0f64).sqrt() < 2.9e-5);
}

#[test]
fn layers_of_activations_are_the_functions() {
    for x in i16::MIN..=i16::MAX {
        let y = [
            <math::Tanh as Function>::apply(x),
            <math::Sigmoid as Function>::apply(x),
            <math::HardSigmoid<0, 0> as Function>::apply(x),
        ];
        assert_eq!(y, [fixed::tanh_q15(x), fixed::sigmoid_q15(x), fixed::unit_q15(x)], "{x}");
    }
}

#[test]
fn fixed_point_tanh_is_odd_and_monotone_to_one_unit() {
    for t in 0..i16::MAX {
        assert_eq!(fixed::tanh_q15(-t), -fixed::tanh_q15(t));
        assert!(fixed::tanh_q15(t + 1) >= fixed::tanh_q15(t) - 1, "{t}");
    }
    assert_eq!(fixed::tanh_q15(0), 0);
    assert_eq!(fixed::tanh_q15(i16::MIN), -i16::MAX);
}

#[test]
fn the_complement_of_sigmoid_keeps_its_digits() {
    for t in i16::MIN..=i16::MAX {
        let (significand, shift) = fixed::sigmoid_complement(t);
        assert!(significand >= 0);
        let (value, exact) = (q15(significand) / f64::from(1 << shift), 1.0 / (1.0 + (f64::from(t) / 2048.0).exp()));
        assert!((value - exact).abs() < 8.2e-5, "{t}");
        if exact < 0.018 {
            assert!((value / exact - 1.0).abs() < 1.4e-3 + 2e-6 / exact, "{t}: {value} for {exact}");
        }
    }
}

/// The cubic through f at the Chebyshev nodes of [0, 1] stretched to the ends, in Q0.15.
fn interpolate(f: impl Fn(f64) -> f64) -> [i16; 4] {
    use std::f64::consts::PI;
    let nodes: [f64; 4] =
        std::array::from_fn(|k| (1.0 - ((2 * k + 1) as f64 * PI / 8.0).cos() / (PI / 8.0).cos()) / 2.0);
    let mut differences = nodes.map(f);
    for order in 1..4 {
        for k in (order..4).rev() {
            differences[k] = (differences[k] - differences[k - 1]) / (nodes[k] - nodes[k - order]);
        }
    }
    let mut cubic = [0.0; 4];
    for k in (0..4).rev() {
        cubic = std::array::from_fn(|power| if power == 0 { 0.0 } else { cubic[power - 1] } - nodes[k] * cubic[power]);
        cubic[0] += differences[k];
    }
    cubic.map(|c| (c * 32768.0).round() as i16)
}

#[test]
fn the_table_is_the_interpolation_that_its_docs_name() {
    for (segment, &cubic) in fixed::TANH_CUBICS.iter().enumerate() {
        let tanh = |f: f64| ((segment as f64 + f) * 0.5).tanh();
        assert_eq!(
            cubic,
            if segment < 4 { interpolate(tanh) } else { interpolate(|f| 16.0 * (1.0 - tanh(f))) },
            "segment {segment}"
        );
    }
}

#[test]
fn every_fixed_point_exponential() {
    for frac_bits in [0, 4, 8, 10, 12, 15] {
        for x in -65535..=0 {
            let exact = (f64::from(x) / f64::from(1 << frac_bits)).exp();
            let error = f64::from(fixed::exp_q15(x, frac_bits)) / 32768.0 - exact;
            assert!(error.abs() < 1.6e-4, "{x} with {frac_bits} bits: {error:e}");
        }
    }
}
