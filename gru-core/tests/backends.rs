//! Every backend against the specification: the gates' operations on all their arguments, and whole steps of every shape; int8 bit for bit,
//! f32 within a bound. One line a backend, at the end.

use gru_core::backend::{self, Backend, I16Lane, I32Lane, Lanes, Op, scalar::Scalar};
use gru_core::layout::{SUM_BITS, Scales, UNITS};
use gru_core::math::{Rational, fixed};
use gru_core::quant;
use std::io::Write;
use std::{array, env, io};

#[path = "../../fuzz/src/backends.rs"]
mod agreement;
mod f16;
mod hostile;
mod products;
mod random;
#[path = "../../fuzz/src/replay.rs"]
mod replay;
use products::Products;
use random::Random;
mod room;
mod steps;

/// Largest difference of an f32 operation to f64: a tanh, and a sigmoid times a distance of up to 2.
const F32_BOUND: f64 = 8e-7;

/// The int8 operations of a backend equal `quant`.
struct Int8;

impl Op for Int8 {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let lanes = backend.lanes();
        let mut random = Random(1);
        let i16s = |values| {
            let mut to = [0; UNITS];
            lanes.store_i16(values, &mut to);
            to
        };
        let i32s = |values| {
            let mut to = [0; UNITS];
            lanes.store_i32(values, &mut to);
            to
        };
        for shift in (0..32).step_by(if cfg!(miri) { 7 } else { 1 }) {
            for _ in 0..if cfg!(miri) { 1 } else { 200 } {
                let sums: I32Lane = array::from_fn(|_| (random.unit() * quant::ACCUMULATOR_BOUND as f32) as i32);
                let multiplier: I16Lane = array::from_fn(|_| (random.next() >> 49) as i16);
                let shifts = array::from_fn(|u| (shift + u as u8) % 32);
                let expected: I16Lane = array::from_fn(|u| quant::requantize_sum(sums[u], multiplier[u], shifts[u]));
                assert_eq!(i16s(lanes.requantize(lanes.load_i32(&sums), &multiplier, &shifts)), expected);
                assert_eq!(i32s(lanes.carry(lanes.load_i32(&sums))), sums.map(quant::carry));
                assert_eq!(
                    i32s(lanes.shift_left(lanes.load_i32(&sums), shift % 9)),
                    sums.map(|sum| sum << (shift % 9))
                );
            }
        }
        for first in (i16::MIN..=i16::MAX).step_by(if cfg!(miri) { 9973 } else { UNITS }) {
            let t: I16Lane = array::from_fn(|u| first.wrapping_add(u as i16));
            let v: I16Lane = array::from_fn(|_| ((random.next() >> 48) as i16).max(-i16::MAX));
            let h: I32Lane = array::from_fn(|_| random.next() as i32);
            let (wide_t, wide_v) = (lanes.load_i16(&t), lanes.load_i16(&v));
            assert_eq!(i16s(lanes.reset_int8(wide_t, wide_v)), array::from_fn(|u| quant::reset(t[u], v[u])));
            assert_eq!(i16s(lanes.add_i16(wide_t, wide_v)), array::from_fn(|u| t[u].saturating_add(v[u])));
            assert_eq!(i16s(lanes.state_q15(lanes.load_i32(&h))), h.map(quant::state_q15));
            for (z, n) in [(&t, &v), (&v, &t)] {
                let expected: I32Lane = array::from_fn(|u| quant::update(z[u], fixed::tanh_q15(n[u]), h[u]));
                let found = lanes.update_int8(lanes.load_i16(z), lanes.load_i16(n), lanes.load_i32(&h));
                assert_eq!(i32s(found), expected);
            }
            for multiplier in [1, 127, 128, 400, 4064] {
                let mut view = [0; UNITS];
                lanes.store_view(wide_t, multiplier, &mut view);
                assert_eq!(view, t.map(|t| quant::view(t, multiplier)));
            }
        }
        gates(backend);
        partial(backend);
    }
}

/// The gates of a block as a whole, each at all its arguments while the others are at random ones, in blocks full and not.
fn gates<B: Backend>(backend: B) {
    let mut random = Random(4);
    let unshifted = if SUM_BITS == 0 { quant::HEADROOM_BITS as u8 } else { 0 };
    let empty =
        Block { sums: [[0; UNITS]; 4], scales: Scales::ZERO, h: [0; UNITS], next: [0; UNITS], view: [0; UNITS] };
    let mut last = [(); 4].map(|()| empty.specified());
    for gate in 0..4 {
        for first in (i16::MIN..=i16::MAX).step_by(if cfg!(miri) { 9973 } else { UNITS }) {
            let mut sums: [I32Lane; 4] = array::from_fn(|_| {
                array::from_fn(|_| (random.unit() * (quant::ACCUMULATOR_BOUND << SUM_BITS) as f32 * 0.99) as i32)
            });
            let mut scales = Scales::<4>::ZERO;
            scales.multiplier = array::from_fn(|_| array::from_fn(|_| (random.next() >> 49) as i16));
            scales.shift = array::from_fn(|_| array::from_fn(|_| (random.next() >> 59) as u8));
            sums[gate] = array::from_fn(|u| i32::from(first) + u as i32);
            (scales.multiplier[gate], scales.shift[gate]) = ([i16::MAX; UNITS], [unshifted; UNITS]);
            let h: I32Lane = array::from_fn(|_| random.next() as i32);
            let len = if first % 64 == 0 { random.next() as usize % UNITS } else { UNITS };
            for multiplier in [127, 400] {
                let (mut found, mut expected) = ((h, [0; UNITS]), (h, [0; UNITS]));
                block(backend, &sums, &scales, multiplier, &mut found.0[..len], &mut found.1[..len]);
                block(Scalar, &sums, &scales, multiplier, &mut expected.0[..len], &mut expected.1[..len]);
                assert_eq!(found, expected, "{sums:?} {scales:?}");
            }
            last.rotate_left(1);
            last[3] = Block { sums, scales, h, ..empty }.specified();
            let [.., third, fourth] = &last;
            pairs(backend, [[third, fourth]]);
            pairs(backend, [[&last[0], &last[1]], [third, fourth]]);
        }
    }
}

/// A block, and what the specification makes of it.
#[derive(Clone, Copy)]
struct Block {
    /// Of r, z and n of the input half and n of the recurrent one.
    sums: [I32Lane; 4],
    scales: Scales<4>,
    h: I32Lane,
    next: I32Lane,
    view: [i8; UNITS],
}

impl Block {
    fn specified(mut self) -> Self {
        self.next = self.h;
        block(Scalar, &self.sums, &self.scales, 127, &mut self.next, &mut self.view);
        self
    }
}

/// Pairs of blocks at once are one block after the other.
fn pairs<B: Backend, const P: usize>(backend: B, blocks: [[&Block; 2]; P]) {
    let lanes = backend.lanes();
    let sums = blocks.map(|pair| pair.map(|block| [0, 1, 3].map(|at: usize| lanes.load_i32(&block.sums[at]))));
    let n_input = blocks.map(|pair| pair.map(|block| lanes.load_i32(&block.sums[2])));
    let scales = blocks.map(|pair| pair.map(|block| &block.scales));
    let mut next = blocks.as_flattened().iter().flat_map(|block| block.h).collect::<Vec<_>>();
    let mut view = vec![0; next.len()];
    lanes.gates_int8_pairs(&sums, &n_input, scales, 127, &mut next, &mut view);
    for (at, block) in blocks.as_flattened().iter().enumerate() {
        let found = (&next[at * UNITS..][..UNITS], &view[at * UNITS..][..UNITS]);
        assert_eq!(found, (&block.next[..], &block.view[..]), "block {at} of {:?} {:?}", block.sums, block.scales);
    }
}

/// One call of [`Lanes::gates_int8`].
fn block<B: Backend>(
    backend: B,
    sums: &[I32Lane; 4],
    scales: &Scales<4>,
    multiplier: i16,
    h: &mut [i32],
    view: &mut [i8],
) {
    let lanes = backend.lanes();
    let [r, z, n_input, n_hidden] = sums.each_ref().map(|sums| lanes.load_i32(sums));
    lanes.gates_int8(&[r, z, n_hidden], &n_input, scales, multiplier, h, view);
}

/// Blocks that are not full read and write what they have.
fn partial<B: Backend>(backend: B) {
    let lanes = backend.lanes();
    for len in 0..=UNITS {
        let (i32s, i16s): (Vec<i32>, Vec<i16>) = ((1..).take(len).collect(), (1..).take(len).collect());
        let floats: Vec<f32> = i16s.iter().map(|&value| f32::from(value)).collect();
        let (mut wide, mut short, mut float, mut view) = ([-1; UNITS], [-1; UNITS], [-1.0; UNITS], [-1; UNITS]);
        lanes.store_i32(lanes.load_i32(&i32s), &mut wide);
        lanes.store_i16(lanes.load_i16(&i16s), &mut short);
        lanes.store_f32(lanes.load_f32(&floats), &mut float);
        let expected: [i16; UNITS] = array::from_fn(|u| if u < len { u as i16 + 1 } else { 0 });
        assert_eq!((wide, short, float), (expected.map(i32::from), expected, expected.map(f32::from)));

        let full: [i16; UNITS] = array::from_fn(|u| 1000 + u as i16);
        let (mut wide, mut short, mut float) = ([-1; UNITS], [-1; UNITS], [-1.0; UNITS]);
        lanes.store_i32(lanes.load_i32(&full.map(i32::from)), &mut wide[..len]);
        lanes.store_i16(lanes.load_i16(&full), &mut short[..len]);
        lanes.store_f32(lanes.load_f32(&full.map(f32::from)), &mut float[..len]);
        lanes.store_view(lanes.load_i16(&full), 127, &mut view[..len]);
        let expected: [i16; UNITS] = array::from_fn(|u| if u < len { full[u] } else { -1 });
        assert_eq!((wide, short, float), (expected.map(i32::from), expected, expected.map(f32::from)));
        assert!(view[..len].iter().all(|&view| view == 4) && view[len..].iter().all(|&view| view == -1));
    }
}

/// The f32 operations of a backend are within [`F32_BOUND`] of f64.
struct Float;

impl Op for Float {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let lanes = backend.lanes();
        let mut random = Random(2);
        let stored = |values| {
            let mut to = [0.0; UNITS];
            lanes.store_f32(values, &mut to);
            to
        };
        let sigmoid = |x: f32| 1.0 / (1.0 + (-f64::from(x)).exp());
        for _ in 0..if cfg!(miri) { 1 } else { 2000 } {
            let mut lane = |scale: f32| -> [f32; UNITS] { array::from_fn(|_| random.unit() * scale) };
            let (z, n, h) = (lane(20.0), lane(20.0), lane(1.0));
            let (wide_z, wide_n, wide_h) = (lanes.load_f32(&z), lanes.load_f32(&n), lanes.load_f32(&h));
            let reset = stored(lanes.reset_f32::<Rational>(wide_z, wide_h));
            let update = stored(lanes.update_f32::<Rational>(wide_z, wide_n, wide_h));
            for u in 0..UNITS {
                let (z, exact_h, n) = (sigmoid(z[u]), f64::from(h[u]), f64::from(n[u]).tanh());
                near(reset[u], z * exact_h);
                near(update[u], (1.0 - z) * n + z * exact_h);
            }
        }
        let wide = |value| lanes.load_f32(&[value; UNITS]);
        assert!(stored(lanes.reset_f32::<Rational>(wide(f32::NAN), wide(1.0))).iter().all(|y| y.is_nan()));
        let full = stored(lanes.update_f32::<Rational>(wide(-100.0), wide(f32::INFINITY), wide(0.0)));
        full.iter().for_each(|&h| near(h, 1.0));
    }
}

fn near(found: f32, exact: f64) {
    assert!((f64::from(found) - exact).abs() < F32_BOUND, "{found} for {exact}");
}

/// Tests of every backend of this family, and that those are tested which must be. A name is the backend's with `_` for `-`.
macro_rules! backends {
    ($($(#[$cfg:meta])? $name:ident: $token:expr;)+) => {
        $(
            $(#[$cfg])?
            mod $name {
                use super::*;

                #[test]
                fn gates_in_int8_are_the_specification() {
                    if let Some(backend) = $token {
                        backend.enter(Int8);
                    }
                }

                #[test]
                fn gates_in_f32_are_within_their_bound() {
                    if let Some(backend) = $token {
                        backend.enter(Float);
                    }
                }

                #[test]
                fn products_are_the_specification() {
                    if let Some(backend) = $token {
                        backend.enter(Products);
                    }
                }

                #[test]
                fn int8_steps_of_every_shape_are_the_specification() {
                    if let Some(backend) = $token {
                        steps::int8(backend);
                    }
                }

                #[test]
                fn f32_steps_of_every_shape_are_within_their_bound() {
                    if let Some(backend) = $token {
                        steps::float(backend);
                    }
                }

                #[test]
                fn hostile_int8_is_the_specification_and_forgotten() {
                    if let Some(backend) = $token {
                        hostile::int8(backend);
                    }
                }

                #[test]
                fn hostile_f32_is_as_documented() {
                    if let Some(backend) = $token {
                        hostile::float(backend);
                    }
                }

                #[test]
                fn random_layers_are_the_specification() {
                    if let Some(backend) = $token {
                        replay::random(200, |bytes| backend.enter(agreement::Agreement(bytes)));
                    }
                }

                /// node gives the tests no files.
                #[cfg(not(target_family = "wasm"))]
                #[test]
                fn every_seed_is_the_specification() {
                    if let Some(backend) = $token {
                        replay::seeds("backends", |bytes| backend.enter(agreement::Agreement(bytes)));
                    }
                }

                #[test]
                fn f16_weights_widen_exactly() {
                    if let Some(backend) = $token {
                        backend.enter(f16::Widening);
                    }
                }

                #[test]
                fn f16_steps_of_every_shape_are_those_of_the_widened_weights() {
                    if let Some(backend) = $token {
                        f16::layers(backend);
                    }
                }
            }
        )+

        /// Names of the backends of this machine, the best last.
        fn tested() -> Vec<&'static str> {
            let here = [$($(#[$cfg])? (stringify!($name), $token.map(name)),)+];
            here.into_iter()
                .filter_map(|(line, name)| name.inspect(|name| assert_eq!(line.replace('_', "-"), *name)))
                .collect()
        }
    };
}

fn name<B: Backend>(_: B) -> &'static str {
    B::NAME
}

/// `GRU_REQUIRE` lists backends that must have been tested here, `GRU_ACTIVE` is the one that must have been chosen: a test that is skipped
/// has not passed.
#[test]
fn required_backends_are_here() {
    let (tested, active) = (tested(), backend::active());
    // Past the test harness, which shows what is printed of failures only.
    writeln!(io::stderr(), "backends tested: {}; active: {active}", tested.join(", ")).unwrap();
    let required = env::var("GRU_REQUIRE").unwrap_or_default();
    for name in required.split(',').filter(|name| !name.is_empty()) {
        assert!(tested.contains(&name), "GRU_REQUIRE names `{name}`, which this machine lacks; it has {tested:?}");
    }
    assert!(tested.contains(&active), "`{active}` is active and not tested");
    if let Ok(name) = env::var("GRU_ACTIVE") {
        assert_eq!(active, name, "the active backend is not the one that GRU_ACTIVE names");
    }
}

/// A program that is compiled for a level has none below, nor a way to choose one.
#[cfg(gru_family = "x86_64")]
#[test]
fn levels_that_would_never_run_are_left_out() {
    let names: Vec<_> = backend::available().collect();
    if cfg!(target_feature = "avx512vnni") {
        assert_eq!(names, ["avx512-vnni"]);
        assert_eq!(backend::force(Some("avx2")), Err(backend::Unavailable));
    } else if !cfg!(target_feature = "avx2") {
        assert_eq!(names[..2], ["scalar", "sse2"]);
    }
}

#[cfg(gru_family = "x86_64")]
use gru_core::backend::x86::{Avx2, Avx512, Avx512Vnni, AvxVnni, Sse2};

#[cfg(gru_family = "x86_64")]
backends! {
    scalar: Some(Scalar);
    portable: Some(backend::portable::Portable);
    sse2: Some(Sse2);
    avx2: Avx2::detect();
    avx_vnni: AvxVnni::detect();
    avx512: Avx512::detect();
    avx512_vnni: Avx512Vnni::detect();
}

#[cfg(gru_family = "aarch64")]
use gru_core::backend::aarch64::{Dotprod, Neon};

// Emulated, where musl is, only what another host has not: the compiler takes long for a backend.
#[cfg(gru_family = "aarch64")]
backends! {
    #[cfg(not(target_env = "musl"))]
    scalar: Some(Scalar);
    #[cfg(not(target_env = "musl"))]
    portable: Some(backend::portable::Portable);
    neon: Some(Neon);
    dotprod: Dotprod::detect();
}

#[cfg(gru_family = "wasm")]
backends! {
    portable: Some(backend::portable::Portable);
    simd128: Some(backend::wasm::Simd128);
}

#[cfg(not(any(gru_family = "x86_64", gru_family = "aarch64", gru_family = "wasm")))]
backends! {
    scalar: Some(Scalar);
    portable: Some(backend::portable::Portable);
}
