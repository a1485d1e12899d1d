use super::Activation;
use micromath::F32Ext;

/// Built on micromath's exponential: small code, where three digits are enough.
///
/// Absolute error over all f32: tanh 1.2e-3, sigmoid 6e-4.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Micromath;

impl Activation for Micromath {
    #[inline(always)]
    fn sigmoid(x: f32) -> f32 {
        0.5 + 0.5 * Self::tanh(0.5 * x)
    }

    #[inline(always)]
    fn tanh(x: f32) -> f32 {
        // e^(−2|x|) is in (0, 1]: the quotient cannot overflow.
        let e = Self::exp(-2.0 * x.abs());
        ((1.0 - e) / (1.0 + e)).copysign(x)
    }

    #[inline(always)]
    fn exp(x: f32) -> f32 {
        if x.is_nan() { x } else { F32Ext::exp(x.clamp(-87.0, 88.0)) }
    }
}
