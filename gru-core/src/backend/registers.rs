//! What vector registers have in common, as macros over the names of their instructions.

/// Defines a newtype over a register of f32 and implements [`Real`](crate::math::Real) for it. A value of it comes only from a token's
/// `load_f32`.
///
/// Of a NaN and a number, `min` and `max` give NaN, or their second operand.
macro_rules! real {
    ($name:ident, $register:ty, $lanes:literal, $splat:ident, $load:ident, $store:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $min:ident, $max:ident, |$x:ident, $a:ident, $b:ident| $mul_add:expr) => {
        /// One register of f32.
        #[derive(Clone, Copy, Debug)]
        pub struct $name(pub(super) $register);

        impl crate::math::Real for $name {
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
                // SAFETY: a value shows that its instructions may run.
                Self(unsafe { $max($splat(-limit), $min($splat(limit), self.0)) })
            }

            #[inline(always)]
            fn map(self, f: impl Fn(f32) -> f32) -> Self {
                let mut lanes = [0.0f32; $lanes];
                // SAFETY: a value shows that its instructions may run; `lanes` is as large as the register.
                unsafe { $store(lanes.as_mut_ptr().cast(), self.0) };
                lanes = lanes.map(f);
                // SAFETY: as above.
                Self(unsafe { $load(lanes.as_ptr().cast()) })
            }
        }
    };
}

/// An expression for each of the two registers of a block.
macro_rules! both {
    ($i:ident => $half:expr) => {
        [
            {
                let $i = 0;
                $half
            },
            {
                let $i = 1;
                $half
            },
        ]
    };
}

pub(super) use {both, real};
