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
        self.clamp(-limit, limit)
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
