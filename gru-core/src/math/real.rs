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

/// Several registers side by side.
impl<V: Real, const N: usize> Real for [V; N] {
    #[inline(always)]
    fn splat(self, x: f32) -> Self {
        self.map(|v| v.splat(x))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i].add(other[i]))
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i].sub(other[i]))
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i].mul(other[i]))
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        core::array::from_fn(|i| self[i].div(other[i]))
    }

    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        core::array::from_fn(|i| self[i].mul_add(a[i], b[i]))
    }

    #[inline(always)]
    fn clamp(self, limit: f32) -> Self {
        self.map(|v| v.clamp(limit))
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        self.map(|v| v.map(&f))
    }
}
