//! What activations compute on: one f32, or the f32 lanes of a vector register.

/// An f32 or some lanes of it, with the operations of a polynomial. A constant is made from a value, because a
/// value of a vector type shows that its instructions may run.
pub trait Real: Copy {
    /// The constant `x` in every lane.
    fn splat(self, x: f32) -> Self;
    /// Sum.
    fn add(self, other: Self) -> Self;
    /// Difference.
    fn sub(self, other: Self) -> Self;
    /// Product.
    fn mul(self, other: Self) -> Self;
    /// Quotient.
    fn div(self, other: Self) -> Self;
    /// `self · a + b`: fused where an instruction does it, else rounded twice.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Within ±`limit`; NaN stays NaN.
    fn clamp(self, limit: f32) -> Self;
    /// `f` of each lane.
    fn map(self, f: impl Fn(f32) -> f32) -> Self;
}

/// `x`, or the end of the range that it is beyond; NaN stays NaN.
#[inline(always)]
pub(super) fn within(x: f32, low: f32, high: f32) -> f32 {
    if cfg!(not(gru_family = "helium")) {
        x.clamp(low, high)
    } else if less(x, low) {
        low
    } else if less(high, x) {
        high
    } else {
        x
    }
}

/// `a < b`, false of NaN.
#[cfg(not(gru_family = "helium"))]
#[inline(always)]
pub(super) fn less(a: f32, b: f32) -> bool {
    a < b
}

/// `a < b`, false of NaN, and true of −0 and 0. By integers of the same order: where it makes vectors of floats, LLVM 22 compares them by VCMP with LT,
/// which is true of NaN.
#[cfg(gru_family = "helium")]
#[inline(always)]
pub(super) fn less(a: f32, b: f32) -> bool {
    let key = |x: f32| {
        let bits = x.to_bits().cast_signed();
        bits ^ ((bits >> 31) & i32::MAX)
    };
    key(a) < key(b) && key(a) >= key(f32::NEG_INFINITY) && key(b) <= key(f32::INFINITY)
}

impl Real for f32 {
    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        x
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self + other
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self - other
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self * other
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self / other
    }

    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self * a + b
    }

    #[inline(always)]
    fn clamp(self, limit: f32) -> Self {
        within(self, -limit, limit)
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        f(self)
    }
}

/// Several registers side by side. Loops and not closures: the instructions of a vector type are inlined into a function that enables them,
/// and a closure is not.
macro_rules! lanewise {
    ($($name:ident($($other:ident),*);)+) => {$(
        #[inline(always)]
        fn $name(self, $($other: Self),*) -> Self {
            let mut out = self;
            for i in 0..N {
                out[i] = self[i].$name($($other[i]),*);
            }
            out
        }
    )+};
}

impl<V: Real, const N: usize> Real for [V; N] {
    lanewise! {
        add(other);
        sub(other);
        mul(other);
        div(other);
        mul_add(a, b);
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        let mut out = self;
        for v in &mut out {
            *v = v.splat(x);
        }
        out
    }

    #[inline(always)]
    fn clamp(self, limit: f32) -> Self {
        let mut out = self;
        for v in &mut out {
            *v = v.clamp(limit);
        }
        out
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        let mut out = self;
        for v in &mut out {
            *v = v.map(&f);
        }
        out
    }
}
