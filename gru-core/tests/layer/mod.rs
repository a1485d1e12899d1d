//! A layer large enough that batches and windows share a pass over its weights.
#![allow(dead_code, reason = "every test uses another part")]

use super::random::Random;
use gru_core::Requantization;
use gru_core::layout;
use std::array;

pub const I: usize = 70;
pub const H: usize = 50;
pub const LANES: usize = layout::gru_f32_lanes(I, H);
pub const QLANES: usize = layout::gru_int8_lanes(I, H);
pub const BLOCKS: usize = layout::blocks(H);
pub const STEPS: usize = if cfg!(miri) { 4 } else { 19 };

/// A weight for every place, made at compile time.
pub const fn int8<const C: usize, const G: usize>(salt: usize) -> [[[i8; C]; H]; G] {
    let mut weights = [[[0; C]; H]; G];
    let mut at = 0;
    while at < G * H * C {
        weights[at / (H * C)][at / C % H][at % C] = (((at + salt) as u32).wrapping_mul(0x9E37_79B1) >> 24) as i8 / 2;
        at += 1;
    }
    weights
}

pub const fn float<const C: usize, const G: usize>(salt: usize) -> [[[f32; C]; H]; G] {
    let source = int8::<C, G>(salt);
    let mut weights = [[[0.0; C]; H]; G];
    let mut at = 0;
    while at < G * H * C {
        weights[at / (H * C)][at / C % H][at % C] = source[at / (H * C)][at / C % H][at % C] as f32 / 1024.0;
        at += 1;
    }
    weights
}

pub const BIAS: [[f32; H]; 4] = [[0.1; H], [-0.2; H], [0.3; H], [-0.4; H]];
pub const QBIAS: [[i32; H]; 4] = [[500; H], [-200; H], [300; H], [77; H]];
pub const MULTIPLIER: [[i16; H]; 4] = [[20_000; H], [30_000; H], [25_000; H], [17_000; H]];
pub const SHIFT: [[u8; H]; 4] = [[11; H], [12; H], [11; H], [6; H]];
pub const REQUANTIZATION: Requantization = Requantization { input_shift: 1, view: 140 };

pub fn inputs() -> [[i16; I]; STEPS] {
    let mut random = Random(3);
    array::from_fn(|_| array::from_fn(|_| (random.unit() * 127.9 * 128.0) as i16))
}

/// A window and a step sum the products of f32 in different orders.
pub fn near(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6)
}
