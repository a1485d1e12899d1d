//! int8: a digest of all that the steps of a layer leave, of the specification on a host, of the backend of the core on the core.

use core::hash::Hasher;

use fnv::FnvHasher;
use gru_bench_mcu::{Random, RowScale};
#[cfg(not(target_os = "none"))]
use gru_core::backend::scalar::Scalar;
use gru_core::backend::{Int8Lane, Prepared};
use gru_core::layout::{self, GruShape, INT8_DEPTH, Order, Scales, UNITS};
use gru_core::slices::{QGruInput, QGruScratch, QGruSlice};
use gru_core::{Quantized, Requantization};
#[cfg(target_os = "none")]
use semihosting::println;

use crate::cases::{self, Case, LENGTHS, MAX_INPUTS, MAX_MATRIX, MAX_UNITS, MAX_WEIGHTS};

/// Steps of a layer.
const STEPS: usize = 50;

/// Lanes of the largest layer; tiles that are not full are padded.
const LANES: usize = MAX_WEIGHTS.div_ceil(UNITS * INT8_DEPTH) + 6 * layout::blocks(MAX_UNITS);

/// Values that are read from different places, so that not every layer has the same.
const PLACES: usize = 1 << 10;

/// Uniform in ±127.
static USUAL: [i8; MAX_MATRIX + PLACES] = usual();

/// 127 or −127, runs of up to 64 the same.
static EXTREME: [i8; MAX_MATRIX + PLACES] = extreme();

const fn usual<const N: usize>() -> [i8; N] {
    let (mut values, mut random, mut at) = ([0; N], Random::new(4), 0);
    while at < N {
        values[at] = random.int8();
        at += 1;
    }
    values
}

const fn extreme<const N: usize>() -> [i8; N] {
    let (mut values, mut random, mut at, mut end) = ([127; N], Random::new(5), 0, 0);
    while at < N {
        if at == end {
            end += 1 + random.bits() as usize % 64;
            values[at] = if random.bits() % 2 == 0 { 127 } else { -127 };
        } else {
            values[at] = values[at - 1];
        }
        at += 1;
    }
    values
}

/// The ends of the range of a wide input's low half.
static LOW: [[i8; MAX_INPUTS]; 2] = [[-64; MAX_INPUTS], [63; MAX_INPUTS]];

/// Steps of the int8 view per unit of hidden state.
const VIEWS: [i16; 4] = [1, 127, 128, 4064];

/// Beside the columns of these layers an accumulator has room for this and for the rounding of a shift below 28.
const EXTREME_BIAS: u32 = 1 << 20;

/// Room for a layer and its state.
pub struct Layer {
    lanes: [Int8Lane; LANES],
    scales: [Scales<4>; layout::blocks(MAX_UNITS)],
    state: State,
}

/// With a view of either width.
struct State {
    h: [i32; MAX_UNITS],
    narrow: [i8; MAX_UNITS],
    wide: [i16; MAX_UNITS],
}

struct Scratch<V> {
    view: [V; MAX_UNITS],
    update: [i16; MAX_UNITS],
    halves: [[i8; MAX_UNITS]; 2],
    input: [[Prepared; MAX_INPUTS]; 2],
    hidden: [[Prepared; MAX_UNITS]; 2],
}

impl Layer {
    pub const ZERO: Self = Self {
        lanes: [[[0; INT8_DEPTH]; UNITS]; LANES],
        scales: [Scales::ZERO; layout::blocks(MAX_UNITS)],
        state: State::ZERO,
    };

    /// Prints a line for each case of a board with so much RAM.
    pub fn print(&mut self, ram: usize) {
        let mut random = Random::new(3);
        for case in cases::all(ram) {
            println!("int8 {case}: {:#018x} after {STEPS} steps", self.digest(&case, &mut random));
        }
    }

    /// Of all states of a random layer.
    fn digest(&mut self, case: &Case, random: &mut Random) -> u64 {
        let &Case { input_size, hidden_size, gates, extreme } = case;
        let shape = GruShape { input_size, hidden_size, order: Order::INT8, gates };
        let lanes = &mut self.lanes[..shape.lanes()];
        lanes.fill([[0; INT8_DEPTH]; UNITS]);
        let weight_ih = case.values(random, gates.count() * hidden_size * input_size);
        let weight_hh = case.values(random, gates.count() * hidden_size * hidden_size);
        shape.pack_int8(weight_ih, weight_hh, lanes);
        let scales = &mut self.scales[..layout::blocks(hidden_size)];
        pack_scales(case, random, scales);
        let view = if extreme { VIEWS[random.bits() as usize % VIEWS.len()] } else { 127 };
        let requantization = Requantization { input_shift: (random.bits() % 3) as u8, view };
        let layer = QGruSlice { shape, lanes, scales, requantization };

        let State { h, narrow, wide } = &mut self.state;
        let mut hasher = FnvHasher::default();
        run(case, random, layer, h, narrow, &mut hasher);
        if case.wide() {
            run(case, random, layer, h, wide, &mut hasher);
        }
        hasher.finish()
    }
}

/// Steps from zero. In a frame of its own: the smallest board has no stack for the room of both views.
#[inline(never)]
fn run<V: Quantized>(
    case: &Case,
    random: &mut Random,
    layer: QGruSlice<'_>,
    h: &mut [i32; MAX_UNITS],
    view: &mut [V; MAX_UNITS],
    hasher: &mut FnvHasher,
) {
    let mut scratch = Scratch::<V>::new();
    let (h, view) = (&mut h[..case.hidden_size], &mut view[..case.hidden_size]);
    h.fill(0);
    view.fill(V::default());
    for step in 0..STEPS {
        let x = case.values(random, case.input_size);
        let x = match random.bits() % 8 {
            0 => QGruInput::OneHot(random.bits() as usize % (case.input_size + 1)),
            1 => QGruInput::Wide { high: x, low: &LOW[step % 2][..case.input_size] },
            _ => QGruInput::Dense(x),
        };
        if step == STEPS / 2 {
            // Whatever memory made of a state: every word is one.
            h.fill_with(|| random.bits() as i32);
        }
        let room = scratch.borrow(&layer.shape);
        #[cfg(target_os = "none")]
        layer.step(x, h, view, room).expect(LENGTHS);
        #[cfg(not(target_os = "none"))]
        layer.step_on(Scalar, x, h, view, room).expect(LENGTHS);
        h.iter().for_each(|&h| hasher.write_i32(h));
        view.iter().for_each(|&view| hasher.write_i32(view.into()));
    }
}

impl Case {
    /// So many weights or inputs.
    fn values(&self, random: &mut Random, len: usize) -> &'static [i8] {
        let start = random.bits() as usize % PLACES;
        let table = if self.extreme { &EXTREME } else { &USUAL };
        &table[start..start + len]
    }

    /// Whether the layer is also run with a wide view of its state: one in eight, as those steps take twice as long.
    fn wide(&self) -> bool {
        (self.input_size + 3 * self.hidden_size).is_multiple_of(8)
    }
}

/// Usual scales bring the pre-activations into the range where the gates move. In a frame of its own, which is gone when the steps begin.
#[inline(never)]
fn pack_scales(case: &Case, random: &mut Random, scales: &mut [Scales<4>]) {
    let (mut bias, mut multiplier, mut shift) = ([0; 4 * MAX_UNITS], [0; 4 * MAX_UNITS], [0; 4 * MAX_UNITS]);
    let rows = 4 * case.hidden_size;
    let usual = RowScale::of(case.input_size + case.hidden_size);
    for row in 0..rows {
        let extreme = RowScale { bias: EXTREME_BIAS, multiplier: 0, shift: (random.bits() % 28) as u8 };
        (bias[row], multiplier[row], shift[row]) = if case.extreme { extreme } else { usual }.random(random);
    }
    scales.fill(Scales::ZERO);
    Scales::pack(case.hidden_size, &bias[..rows], &multiplier[..rows], &shift[..rows], scales);
}

impl State {
    const ZERO: Self = Self { h: [0; MAX_UNITS], narrow: [0; MAX_UNITS], wide: [0; MAX_UNITS] };
}

impl<V: Quantized> Scratch<V> {
    fn new() -> Self {
        Self {
            view: [V::default(); MAX_UNITS],
            update: [0; MAX_UNITS],
            input: [[Prepared::default(); MAX_INPUTS]; 2],
            halves: [[0; MAX_UNITS]; 2],
            hidden: [[Prepared::default(); MAX_UNITS]; 2],
        }
    }

    fn borrow(&mut self, shape: &GruShape) -> QGruScratch<'_, V> {
        let (inputs, units) = (shape.input_size, shape.hidden_size);
        let Self { view, halves: [high, low], update, input: [first, second], hidden: [whole, rest] } = self;
        QGruScratch {
            view: &mut view[..units],
            halves: [&mut high[..units], &mut low[..units]],
            update: &mut update[..units],
            input: [&mut first[..inputs], &mut second[..inputs]],
            hidden: [&mut whole[..units], &mut rest[..units]],
        }
    }
}
