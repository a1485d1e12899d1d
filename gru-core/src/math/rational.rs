use super::{Activation, Real, real::within};

/// A 9/8 rational tanh in Estrin form with one division; no table, no branch, no dependency. The default of [`Gru`](crate::Gru).
///
/// Absolute error: tanh 3.9e-7, sigmoid 2.1e-7 over all f32; exp 2e-7 for x ≤ 0. Never above 1 in magnitude.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Rational;

/// Beyond this, tanh differs from ±1 by less than the bound.
pub(crate) const LIMIT: f32 = 7.9;
// tanh(x) ≈ x · P(x²) / Q(x²), least maximum relative error 5.7e-9 on [0, LIMIT] before rounding to f32.
pub(crate) const P: [f32; 5] = [1.0, 0.134_506_24, 0.003_578_996_5, 2.202_332e-5, 1.542_807_8e-8];
pub(crate) const Q: [f32; 5] = [1.0, 0.467_839_5, 0.026_192_255, 0.000_342_365_8, 8.598_823e-7];

impl Activation for Rational {
    #[inline(always)]
    fn sigmoid(x: f32) -> f32 {
        Self::sigmoid_lanes(x)
    }

    #[inline(always)]
    fn tanh(x: f32) -> f32 {
        Self::tanh_lanes(x)
    }

    #[inline(always)]
    fn sigmoid_lanes<V: Real>(x: V) -> V {
        let half = x.splat(0.5);
        Self::tanh_lanes(x.mul(half)).mul_add(half, half)
    }

    #[inline(always)]
    fn tanh_lanes<V: Real>(x: V) -> V {
        let x = x.clamp(LIMIT);
        let y = x.mul(x);
        x.mul(estrin(P, y)).div(estrin(Q, y))
    }

    #[inline(always)]
    fn exp(x: f32) -> f32 {
        // x = k·ln 2 + r with |r| ≤ ln 2 / 2; adding and subtracting 1.5·2²³ rounds to the nearest integer.
        const ROUND: f32 = 12_582_912.0;
        const LN2_HIGH: f32 = 0.693_359_4;
        const LN2_LOW: f32 = -2.121_944_4e-4;
        let x = within(x, -87.0, 88.0);
        let k = (x * core::f32::consts::LOG2_E + ROUND) - ROUND;
        let r = (x - k * LN2_HIGH) - k * LN2_LOW;
        let tail = 0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))));
        let mantissa = 1.0 + r + r * r * tail;
        mantissa * f32::from_bits(((k as i32 + 127) as u32) << 23)
    }
}

#[inline(always)]
fn estrin<V: Real>(c: [f32; 5], y: V) -> V {
    let y2 = y.mul(y);
    let low = y.splat(c[1]).mul_add(y, y.splat(c[0]));
    let high = y.splat(c[3]).mul_add(y, y.splat(c[2]));
    y.splat(c[4]).mul_add(y2, high).mul_add(y2, low)
}
