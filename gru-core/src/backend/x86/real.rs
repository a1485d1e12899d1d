//! f32 arithmetic on one register of each width.

use crate::math::Real;
use core::arch::x86_64::*;
use core::array;

/// Implements [`Real`] for a newtype over a register. A value of it comes only from a token's `load_f32`.
macro_rules! real {
    ($name:ident, $register:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $min:ident, $max:ident, |$x:ident, $a:ident, $b:ident| $mul_add:expr) => {
        /// One register of f32.
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub(super) $register);

        impl Real for $name {
            #[inline(always)]
            fn splat(self, x: f32) -> Self {
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $splat(x) })
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn div(self, other: Self) -> Self {
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $div(self.0, other.0) })
            }

            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                let ($x, $a, $b) = (self.0, a.0, b.0);
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $mul_add })
            }

            #[inline(always)]
            fn clamp(self, limit: f32) -> Self {
                // Of a NaN and a number, both instructions return their second operand.
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $max($splat(-limit), $min($splat(limit), self.0)) })
            }

            #[inline(always)]
            fn map(self, f: impl Fn(f32) -> f32) -> Self {
                let mut lanes = [0.0; $lanes];
                // SAFETY: a value shows that its instructions may run; `lanes` is as large as the register.
                unsafe { $store(lanes.as_mut_ptr(), self.0) };
                lanes = array::from_fn(|i| f(lanes[i]));
                // SAFETY: as above.
                Self(unsafe { $load(lanes.as_ptr()) })
            }
        }
    };
}

real!(
    F32x16,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    |x, a, b| _mm512_fmadd_ps(x, a, b)
);
real!(
    F32x8,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    |x, a, b| _mm256_fmadd_ps(x, a, b)
);
real!(
    F32x4,
    __m128,
    4,
    _mm_set1_ps,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps,
    _mm_sub_ps,
    _mm_mul_ps,
    _mm_div_ps,
    _mm_min_ps,
    _mm_max_ps,
    |x, a, b| _mm_add_ps(_mm_mul_ps(x, a), b)
);
