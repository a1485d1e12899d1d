//! The specification: portable Rust, one value at a time.

use super::{Arrays, Backend, Columns, F32Lane, I32Lane, Int8Lane, Lane, Op, Weight};
use crate::layout::{self, INT8_DEPTH, Order, SUM_BITS};

/// Portable Rust, on every target.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Scalar;

impl Backend for Scalar {
    const NAME: &'static str = "scalar";

    type Lanes = Arrays;

    #[inline(always)]
    fn lanes(self) -> Arrays {
        Arrays
    }

    #[inline]
    fn enter<O: Op>(self, op: O) -> O::Output {
        op.run(self)
    }

    #[inline(always)]
    fn product_f32<W: Weight, const G: usize, const S: usize>(
        self,
        mut sums: [[F32Lane; G]; S],
        panel: &[Lane<W>],
        x: [&[f32]; S],
    ) -> [[F32Lane; G]; S] {
        let columns = panel.as_chunks::<G>().0;
        for (sums, x) in sums.iter_mut().zip(x) {
            for (column, &x) in columns.iter().zip(x) {
                for (sums, lane) in sums.iter_mut().zip(column) {
                    for (sum, &w) in sums.iter_mut().zip(lane) {
                        *sum += w.widen() * x;
                    }
                }
            }
        }
        sums
    }

    #[inline(always)]
    fn product_int8<const G: usize, const S: usize>(
        self,
        mut sums: [[I32Lane; G]; S],
        panel: &[Int8Lane],
        x: [Columns<'_>; S],
    ) -> [[I32Lane; G]; S] {
        const ORDER: Order = Order::INT8;
        for (sums, x) in sums.iter_mut().zip(x) {
            for (gate, sums) in sums.iter_mut().enumerate() {
                let first = ORDER.lane(G, x.values.len(), gate, 0);
                let lanes =
                    panel.get(first..).unwrap_or_default().iter().step_by(if ORDER.interleaved { G } else { 1 });
                for (lane, x) in lanes.zip(x.values.chunks(INT8_DEPTH)) {
                    for (sum, &weights) in sums.iter_mut().zip(lane) {
                        for (w, &x) in layout::decode_int8(weights).into_iter().zip(x) {
                            *sum += (i32::from(w) * i32::from(x)) << SUM_BITS;
                        }
                    }
                }
            }
        }
        sums
    }
}
