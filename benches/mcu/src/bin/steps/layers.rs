//! Other int8 layers than the cell of the shapes: their steps too take the same time whatever the data.

use core::array;

use gru_bench_mcu::Random;
use gru_bench_mcu::board::Timer;
use gru_core::backend::Backend;
use gru_core::layout::{blocks, dense_int8_lanes, gru_int8_lanes};
use gru_core::{
    Layer, Lookup, NoReset, NoUpdate, QActivate, QDense, QDenseWeights, QGru, QGruWeights, QLayerNorm, QSoftmax,
    Quantize, Requantization, ResetAfter, ResetBefore, Wide, math,
};
use semihosting::print;

use crate::firmware::count_steps;

const I: usize = 6;
const H: usize = 10;

/// Slope and offset are the layer's before it.
type HardSigmoid = math::HardSigmoid<0, 0>;

/// Weights of a cell of so many gates.
type Cell<R, const LANES: usize> = QGruWeights<I, H, R, LANES, { blocks(H) }>;

const LANES: usize = gru_int8_lanes(I, H);

macro_rules! cells {
    ($($name:ident: $gates:literal, $gating:ty;)+) => {$(
        static $name: Cell<$gating, { LANES / 3 * $gates }> = {
            let mut random = Random::new(4);
            let (mut weight_ih, mut weight_hh) = ([[[0; I]; H]; $gates], [[[0; H]; H]; $gates]);
            random.int8s(weight_ih.as_flattened_mut().as_flattened_mut());
            random.int8s(weight_hh.as_flattened_mut().as_flattened_mut());
            let requantization = Requantization { input_shift: 1, view: 127 };
            QGruWeights::pack(&weight_ih, &weight_hh, &[[300; H]; 4], &[[1 << 14; H]; 4], &[[8; H]; 4], requantization)
        };
    )+};
}

cells! {
    AFTER: 3, ResetAfter;
    BEFORE: 3, ResetBefore;
    NO_RESET: 2, NoReset;
    NO_UPDATE: 2, NoUpdate;
    PLAIN: 1, NoUpdate<NoReset>;
}

static DENSE: QDenseWeights<H, H, { dense_int8_lanes(H, H) }, { blocks(H) }> =
    QDenseWeights::pack(&[[100; H]; H], &[5; H], &[1 << 14; H], &[8; H]);
static HALVES: [i8; 256] = [64; 256];

/// [`Layer::outside`] in place of a step.
struct Outside<L>(L);

impl<L: Layer> Layer for Outside<L> {
    type Input = L::Input;
    type Output = usize;
    type State = usize;

    fn forward<'s, B: Backend>(&'s self, _: B, input: &L::Input, state: &'s mut usize) -> &'s usize {
        *state = self.0.outside(input);
        state
    }
}

macro_rules! layers {
    ($($name:literal: $layer:ty = $value:expr, $input:expr;)+) => {
        /// A line of each layer: `layer NAME TICKS TICKS …`.
        pub fn count_all(timer: &mut Timer) {
            $({
                static LAYER: $layer = $value;
                print!("layer {}", $name);
                count_steps(&LAYER, timer, $input);
            })+
        }
    };
}

layers! {
    "before": QGru<I, H, ResetBefore> = QGru::new(&BEFORE), int8;
    "wide-input": Wide<QGru<I, H>> = Wide(QGru::new(&AFTER)), int16;
    "w8a16": Wide<QGru<I, H, ResetAfter, i16>> = Wide(QGru::new(&AFTER)), int16;
    "w8a16-before": Wide<QGru<I, H, ResetBefore, i16>> = Wide(QGru::new(&BEFORE)), int16;
    "no-reset": QGru<I, H, NoReset> = QGru::new(&NO_RESET), int8;
    "no-update": QGru<I, H, NoUpdate> = QGru::new(&NO_UPDATE), int8;
    "plain": QGru<I, H, NoUpdate<NoReset>> = QGru::new(&PLAIN), int8;
    "dense": QDense<H, H> = QDense::new(&DENSE), int8;
    "wide-dense": Wide<QDense<H, H>> = Wide(QDense::new(&DENSE)), int16;
    "quantize": Quantize<H> = Quantize::new([300; H], [20_000; H], [15; H]), int16;
    "quantize-wide": Quantize<H, i16> = Quantize::new([300; H], [20_000; H], [14; H]), int16;
    "outside": Outside<Quantize<H>> = Outside(Quantize::new([300; H], [20_000; H], [15; H])), int16;
    "tanh": QActivate<math::Tanh, H> = QActivate::new(), int16;
    "sigmoid": QActivate<math::Sigmoid, H> = QActivate::new(), int16;
    "hard-sigmoid": QActivate<HardSigmoid, H> = QActivate::new(), int16;
    "softmax": QSoftmax<H> = QSoftmax::new(10), int16;
    "layer-norm": QLayerNorm<H> = QLayerNorm::new(&[1 << 8; H], &[1 << 7; H], 8, 1), int8;
    "layer-norm-wide": QLayerNorm<H, i16> = QLayerNorm::new(&[1 << 8; H], &[1 << 7; H], 8, 0), int16;
    "relu": QActivate<math::Relu, H> = QActivate::new(), int16;
    "lookup": Lookup<H> = Lookup::new(&HALVES), int8;
}

/// In ±127: anything, or all the same, or all at an end.
fn int8<const N: usize>(random: &mut Random) -> [i8; N] {
    values(random).map(|value| ((value / 256) as i8).max(-127))
}

/// Anything, or all the same, or all at an end.
fn int16<const N: usize>(random: &mut Random) -> [i16; N] {
    values(random)
}

fn values<const N: usize>(random: &mut Random) -> [i16; N] {
    let (kind, same) = (random.bits() % 4, random.bits() as i16);
    array::from_fn(|_| match (kind, random.bits() as i16) {
        (0, _) => same,
        (1, value) => [i16::MIN, i16::MAX][usize::from(value < 0)],
        (2, value) => value / 64,
        (_, value) => value,
    })
}
