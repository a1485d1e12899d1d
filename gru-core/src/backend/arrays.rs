use super::{F32Lane, I16Lane, I32Lane, Lanes, U8Lane};
use crate::{
    layout::UNITS,
    math::{Activation, fixed},
    quant,
};

/// A value for each unit. With the mask the compiler needs no check of an index, however little it inlines.
macro_rules! units {
    ($u:ident => $value:expr) => {
        core::array::from_fn(|$u| {
            let $u = $u % $crate::layout::UNITS;
            $value
        })
    };
}
pub(super) use units;

/// Lanes as arrays, one unit at a time: the specification of the gates, and what a core without vector registers runs.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Arrays;

impl Lanes for Arrays {
    type F32 = F32Lane;
    type I32 = I32Lane;
    type I16 = I16Lane;

    #[inline(always)]
    fn load_f32(self, values: &[f32]) -> F32Lane {
        load(values)
    }

    #[inline(always)]
    fn store_f32(self, values: F32Lane, to: &mut [f32]) {
        store(values, to);
    }

    #[inline(always)]
    fn load_i32(self, values: &[i32]) -> I32Lane {
        load(values)
    }

    #[inline(always)]
    fn store_i32(self, values: I32Lane, to: &mut [i32]) {
        store(values, to);
    }

    #[inline(always)]
    fn load_i16(self, values: &[i16]) -> I16Lane {
        load(values)
    }

    #[inline(always)]
    fn store_i16(self, values: I16Lane, to: &mut [i16]) {
        store(values, to);
    }

    #[inline(always)]
    fn reset_f32<A: Activation>(self, r: F32Lane, v: F32Lane) -> F32Lane {
        units!(u => A::sigmoid(r[u]) * v[u])
    }

    #[inline(always)]
    fn update_f32<A: Activation>(self, z: F32Lane, n: F32Lane, h: F32Lane) -> F32Lane {
        units!(u => h[u] + A::complement(z[u]) * (A::tanh(n[u]) - h[u]))
    }

    #[inline(always)]
    fn add_i32(self, a: I32Lane, b: I32Lane) -> I32Lane {
        units!(u => a[u] + b[u])
    }

    #[inline(always)]
    fn shift_left(self, a: I32Lane, shift: u8) -> I32Lane {
        a.map(|a| a << (shift & 31))
    }

    #[inline(always)]
    fn carry(self, low: I32Lane) -> I32Lane {
        low.map(quant::carry)
    }

    #[inline(always)]
    fn requantize(self, sums: I32Lane, multiplier: &I16Lane, shift: &U8Lane) -> I16Lane {
        units!(u => quant::requantize_sum(sums[u], multiplier[u], shift[u]))
    }

    #[inline(always)]
    fn add_i16(self, a: I16Lane, b: I16Lane) -> I16Lane {
        units!(u => a[u].saturating_add(b[u]))
    }

    #[inline(always)]
    fn reset_int8(self, r: I16Lane, v: I16Lane) -> I16Lane {
        units!(u => quant::reset(r[u], v[u]))
    }

    #[inline(always)]
    fn update_int8(self, z: I16Lane, n: I16Lane, h: I32Lane) -> I32Lane {
        units!(u => quant::update(z[u], fixed::tanh_q15(n[u]), h[u]))
    }

    #[inline(always)]
    fn state_q15(self, h: I32Lane) -> I16Lane {
        h.map(quant::state_q15)
    }

    #[inline(always)]
    fn store_view(self, values: I16Lane, multiplier: i16, to: &mut [i8]) {
        store(values.map(|value| quant::view(value, multiplier)), to);
    }
}

/// Copies at most [`UNITS`] values, zeros behind the last.
#[inline(always)]
fn load<T: Copy + Default>(values: &[T]) -> [T; UNITS] {
    let mut lane = [T::default(); UNITS];
    lane.iter_mut().zip(values).for_each(|(to, &value)| *to = value);
    lane
}

/// Writes as many values as `to` has room for.
#[inline(always)]
fn store<T: Copy>(lane: [T; UNITS], to: &mut [T]) {
    to.iter_mut().zip(lane).for_each(|(to, value)| *to = value);
}
