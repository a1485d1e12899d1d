use super::{Gating, ResetAfter, Sweep};
use crate::{
    backend::{Backend, Int8Lane, Prepared, bytes},
    head::{Quantized, is_outside},
    kernel::int8::{self, Dense, GruView, Input, OneHot as Symbol, Ready, Scratch, Stream, Sums, View},
    layout::{self, GruShape, INT8_DEPTH, Order, Scales, UNITS},
    quant,
    stack::{Layer, count, one_by_one, step_by_step, zip},
    symbol::OneHot,
};
use core::marker::PhantomData;

/// What an int8 GRU layer has besides its rows.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Requantization {
    /// The input half of r and z counts `2^input_shift` times, so that both halves keep all bits of their weights; below 16.
    pub input_shift: u8,
    /// Steps of the int8 view per unit of hidden state: 127 covers ±1. A wide view has 2⁷ times as many.
    pub view: i16,
}

impl Requantization {
    /// Panics unless a layer with these rows holds the invariants that every backend relies on.
    const fn assert_valid(&self, shape: GruShape, weight_ih: &[i8], weight_hh: &[i8], bias: &[i32]) {
        assert!(self.input_shift < 16, "input_shift must be below 16");
        assert!(self.view > 0, "view must be positive");
        let h = shape.hidden_size;
        let others = h * (shape.gates.count() - 1);
        let ((ih, ih_n), (hh, hh_n)) = (weight_ih.split_at(others * shape.input_size), weight_hh.split_at(others * h));
        let ((gates, candidates), empty) = (bias.split_at(2 * h), &[]);
        let (bias_input, bias_hidden) = candidates.split_at(h);
        let gates = gates.split_at(if shape.gates.reset.is_none() { h } else { 0 }).1.split_at(others).0;
        assert!(
            quant::rows_fit(ih, hh, gates, self.input_shift)
                && quant::rows_fit(ih_n, empty, bias_input, 0)
                && quant::rows_fit(empty, hh_n, bias_hidden, 0),
            "a weight is -128 or an accumulator could reach quant::ACCUMULATOR_BOUND"
        );
    }
}

/// Packed int8 weights of a GRU layer with input size `I` and hidden size `H`.
///
/// `LANES` is [`layout::gru_int8_lanes(I, H)`](layout::gru_int8_lanes), a third of it for each gate of an ablated cell, and `BLOCKS` is
/// [`layout::blocks(H)`](layout::blocks); other values do not compile.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(16)))]
pub struct QGruWeights<const I: usize, const H: usize, R, const LANES: usize, const BLOCKS: usize> {
    lanes: [Int8Lane; LANES],
    scales: [Scales<4>; BLOCKS],
    requantization: Requantization,
    reset: PhantomData<R>,
}

impl<const I: usize, const H: usize, R: Gating, const LANES: usize, const BLOCKS: usize>
    QGruWeights<I, H, R, LANES, BLOCKS>
{
    /// Packs row-major weights of the `G` gates that the cell has, in the order r, z, n. `bias`, `multiplier` and `shift`, which [`Scales`] describes, have
    /// four rows: r, z, n of the input half, n of the recurrent half; those of absent gates count for nothing.
    ///
    /// # Panics
    /// When an accumulator could reach [`quant::ACCUMULATOR_BOUND`], a weight is −128 or a scale out of range. In a `static`, where the packing
    /// happens at compile time, that is a compile error.
    #[must_use]
    pub const fn pack<const G: usize>(
        weight_ih: &[[[i8; I]; H]; G],
        weight_hh: &[[[i8; H]; H]; G],
        bias: &[[i32; H]; 4],
        multiplier: &[[i16; H]; 4],
        shift: &[[u8; H]; 4],
        requantization: Requantization,
    ) -> Self {
        const { assert!(I > 0 && H > 0, "a GRU layer has at least one input and one unit") };
        const { assert!(I + H <= quant::MAX_COLUMNS, "more columns than an accumulator can hold") };
        const { assert!(G == R::GATES.count(), "weights of as many gates as the cell has") };
        const {
            assert!(
                LANES == layout::gru_int8_lanes(I, H) / 3 * G,
                "LANES must be layout::gru_int8_lanes(I, H), a third of it for each gate"
            );
        };
        const { assert!(BLOCKS == layout::blocks(H), "BLOCKS must be layout::blocks(H)") };
        let mut weights = Self {
            lanes: [[[0; INT8_DEPTH]; UNITS]; LANES],
            scales: [Scales::ZERO; BLOCKS],
            requantization,
            reset: PhantomData,
        };
        let shape = GruShape { input_size: I, hidden_size: H, order: Order::INT8, gates: R::GATES };
        let (weight_ih, weight_hh) = (weight_ih.as_flattened().as_flattened(), weight_hh.as_flattened().as_flattened());
        requantization.assert_valid(shape, weight_ih, weight_hh, bias.as_flattened());
        shape.pack_int8(weight_ih, weight_hh, &mut weights.lanes);
        let (bias, multiplier, shift) = (bias.as_flattened(), multiplier.as_flattened(), shift.as_flattened());
        Scales::pack(H, bias, multiplier, shift, &mut weights.scales);
        weights
    }
}

/// One int8 GRU layer: `[i8; I]` in, `[V; H]` out, the view of the new hidden state. Same equations as [`Gru`](crate::Gru);
/// formats and rounding in [`quant`].
///
/// `V` is what the recurrent half sees the state as, and what the layer gives:
///
/// | `V` | a view | error of a view | costs |
/// |---|---|---|---|
/// | `i8` | ±127, [`Requantization::view`] steps per unit | up to 1/254 where those are 127 | |
/// | `i16` | ±127·2⁷, 2⁷ steps for each of those | up to 1/32512 | a second pass over `weight_hh`, `2 H` bytes of state |
///
/// int8 weights with `i16` in and out, `Wide<QGru<I, H, R, i16>>`, are what the field calls w8a16. The weights are packed the same way for all.
///
/// The result is the same bits on every target and backend. A step uses integers alone.
///
/// # Hostile input
/// An input beyond the calibrated range saturates in the layer before, [`Quantize`](crate::Quantize), or in [`Wide`](crate::Wide); [`Layer::outside`] counts how many
/// values did. −128 is no value of the format: the sums that it is part of may then be those of another input, and differ from backend to
/// backend; nothing else happens. To take it for −127 would cost every layer of every model a pass over its input, and no layer gives it.
///
/// Whatever memory made of a state is a state: bit 31 of a word counts for nothing, and the view is made anew by every step. The same
/// corrupted state gives the same bits on every backend, as long as no int8 view is −128. From the first step on each unit is within ±1 again, and what
/// remains is forgotten as everything else is: where the state contracts by `L` each step, `2 Lᴺ` is left of it after `N`, and the rounding of the
/// view. With update gates below ½ and small recurrent weights, `L` = ¾, that is two steps of an int8 view after 32 steps
/// (`tests/hostile`). A unit whose gate is saturated, z → 1, forgets by its time constant; [`Layer::reset`] at once.
///
/// ```
/// use gru_core::{Layer, QGru, QGruWeights, Requantization, ResetAfter, Wide, layout};
///
/// static WEIGHTS: QGruWeights<1, 2, ResetAfter, { layout::gru_int8_lanes(1, 2) }, { layout::blocks(2) }> = QGruWeights::pack(
///     &[[[64], [-32]]; 3],
///     &[[[13, 26], [38, 51]]; 3],
///     &[[0; 2]; 4],
///     &[[1 << 14; 2]; 4],
///     &[[8; 2]; 4],
///     Requantization { input_shift: 0, view: 127 },
/// );
/// static NARROW: QGru<1, 2> = QGru::new(&WEIGHTS);
/// static WIDE: Wide<QGru<1, 2, ResetAfter, i16>> = Wide(QGru::new(&WEIGHTS));
///
/// let (mut narrow, mut wide) = Default::default();
/// let (seen, finer) = (NARROW.step(&[100], &mut narrow), WIDE.step(&[100 << 7], &mut wide));
/// for (seen, finer) in seen.iter().zip(finer) {
///     assert!((i32::from(*seen) - i32::from(*finer) / 128).abs() <= 1);
/// }
/// ```
#[derive(Clone, Copy)]
pub struct QGru<const I: usize, const H: usize, R = ResetAfter, V = i8> {
    lanes: &'static [Int8Lane],
    scales: &'static [Scales<4>],
    requantization: Requantization,
    types: PhantomData<(R, V)>,
}

impl<const I: usize, const H: usize, R: Gating, V: Quantized> QGru<I, H, R, V> {
    /// A layer over packed weights.
    #[must_use]
    pub const fn new<const LANES: usize, const BLOCKS: usize>(
        weights: &'static QGruWeights<I, H, R, LANES, BLOCKS>,
    ) -> Self {
        Self {
            lanes: &weights.lanes,
            scales: &weights.scales,
            requantization: weights.requantization,
            types: PhantomData,
        }
    }

    /// The packed weights and scales as they lie in memory, for an [`Image`](crate::Image).
    /// [`Requantization`] is not among them: it becomes part of the code.
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.lanes), bytes(self.scales)]
    }

    /// The packed weights.
    #[cfg(feature = "bench")]
    #[doc(hidden)]
    #[must_use]
    pub const fn lanes(&self) -> &'static [Int8Lane] {
        self.lanes
    }

    const SHAPE: GruShape = GruShape { input_size: I, hidden_size: H, order: Order::INT8, gates: R::GATES };

    #[inline(always)]
    fn weights(&self) -> GruView<'_> {
        let Requantization { input_shift, view } = self.requantization;
        GruView { shape: Self::SHAPE, lanes: self.lanes, scales: self.scales, input_shift, view }
    }

    #[inline(always)]
    pub(super) fn advance<'s, B: Backend>(
        &self,
        backend: B,
        x: impl Input,
        state: &'s mut QGruState<H, V>,
    ) -> &'s [V; H] {
        // In variables of their own: those that this kind of cell and input does not use then take no stack.
        let Room { mut view, mut halves, mut update, input: [mut first, mut second], mut hidden } =
            Room::<I, H, V>::new();
        let (halves, rest) = V::borrow(&mut halves);
        let (input, hidden) = ([&mut first[..], &mut second], [&mut hidden[..], rest]);
        let scratch = Scratch { view: &mut view, halves, update: &mut update, input, hidden };
        let stream = Stream { x, h: &mut state.h, view: &mut state.view, scratch };
        int8::gru::<_, R, _, _, _>(backend, self.weights(), &mut [stream], state.sweep.next());
        &state.view
    }

    #[inline(always)]
    pub(super) fn advance_batch<'s, B: Backend, X: Input, const S: usize>(
        &self,
        backend: B,
        inputs: [X; S],
        mut states: [&'s mut QGruState<H, V>; S],
    ) -> [&'s [V; H]; S] {
        let mut backwards = false;
        for state in &mut states {
            backwards = state.sweep.next();
        }
        let mut states = states.map(|state| (state, Room::<I, H, V>::new()));
        let mut streams = zip(inputs, states.each_mut()).map(|(x, (state, room))| Stream {
            x,
            h: &mut state.h,
            view: &mut state.view,
            scratch: room.scratch(),
        });
        int8::gru::<_, R, _, _, _>(backend, self.weights(), &mut streams, backwards);
        states.map(|(state, _)| &state.view)
    }

    #[inline(always)]
    pub(super) fn advance_window<B: Backend, X: Input, const W: usize>(
        &self,
        backend: B,
        inputs: [X; W],
        state: &mut QGruState<H, V>,
    ) -> [[V; H]; W] {
        let mut sums = [[[0; H]; 3]; W];
        let mut rooms = [[[Prepared::default(); I]; 2]; W];
        let ready = zip(inputs, rooms.each_mut()).map(|(input, [first, second])| {
            input.prepare(backend, &mut [first, second]);
            Ready { input, room: [&*first, &*second] }
        });
        int8::ahead::<_, R, _, _>(backend, self.weights(), ready, sums.as_flattened_mut().as_flattened_mut());
        let mut outputs = [[V::default(); H]; W];
        for (output, sums) in outputs.iter_mut().zip(&sums) {
            *output = *self.advance(backend, Sums(sums.as_flattened(), H), state);
        }
        outputs
    }
}

/// Room for one step of one stream.
struct Room<const I: usize, const H: usize, V: View> {
    view: [V; H],
    halves: V::Halves<H>,
    update: [i16; H],
    input: [[Prepared; I]; 2],
    hidden: [Prepared; H],
}

impl<const I: usize, const H: usize, V: Quantized> Room<I, H, V> {
    #[inline(always)]
    fn new() -> Self {
        let (input, hidden) = ([[Prepared::default(); I]; 2], [Prepared::default(); H]);
        Self { view: [V::default(); H], halves: V::halves(), update: [0; H], input, hidden }
    }

    #[inline(always)]
    fn scratch(&mut self) -> Scratch<'_, V> {
        let Self { view, halves, update, input: [first, second], hidden } = self;
        let (halves, rest) = V::borrow(halves);
        Scratch { view, halves, update, input: [first, second], hidden: [hidden, rest] }
    }
}

impl<const I: usize, const H: usize, R: Gating, V: Quantized> Layer for QGru<I, H, R, V> {
    type Input = [i8; I];
    type Output = [V; H];
    type State = QGruState<H, V>;

    /// Less stays in a first-level cache from step to step.
    const SHARES: bool = Self::SHAPE.lanes() * size_of::<Int8Lane>() > 16 << 10;

    #[inline(always)]
    fn outside(&self, input: &[i8; I]) -> usize {
        count(input, is_outside)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[i8; I], state: &'s mut QGruState<H, V>) -> &'s [V; H] {
        self.advance(backend, Dense(input), state)
    }

    #[inline(always)]
    fn forward_batch<'s, B: Backend, const S: usize>(
        &'s self,
        backend: B,
        inputs: [&[i8; I]; S],
        states: [&'s mut QGruState<H, V>; S],
    ) -> [&'s [V; H]; S] {
        if Self::SHARES {
            self.advance_batch(backend, inputs.map(|x| Dense(x)), states)
        } else {
            one_by_one(self, backend, inputs, states)
        }
    }

    #[inline(always)]
    fn forward_window<B: Backend, const W: usize>(
        &self,
        backend: B,
        inputs: [&[i8; I]; W],
        state: &mut QGruState<H, V>,
    ) -> [[V; H]; W] {
        if Self::SHARES {
            self.advance_window(backend, inputs.map(|x| Dense(x)), state)
        } else {
            step_by_step(self, backend, inputs, state)
        }
    }
}

impl<const I: usize, const H: usize, R: Gating, V: Quantized> Layer for OneHot<QGru<I, H, R, V>> {
    type Input = u16;
    type Output = [V; H];
    type State = QGruState<H, V>;

    #[inline(always)]
    fn outside(&self, &symbol: &u16) -> usize {
        usize::from(usize::from(symbol) >= I)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, &symbol: &u16, state: &'s mut QGruState<H, V>) -> &'s [V; H] {
        self.0.advance(backend, Symbol(usize::from(symbol)), state)
    }
}

/// Hidden state of a [`QGru`]: `5 H` bytes, the state in Q1.30 and the int8 view of it, `6 H` with a wide one, and a flag where caches are.
/// Zero by default.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct QGruState<const H: usize, V = i8> {
    h: [i32; H],
    view: [V; H],
    sweep: Sweep,
}

impl<const H: usize, V> QGruState<H, V> {
    /// The hidden state in Q1.30; in each word bit 31 repeats bit 30 unless memory was corrupted, and counts for nothing.
    #[must_use]
    pub const fn hidden(&self) -> &[i32; H] {
        &self.h
    }
}

impl<const H: usize, V: Quantized> Default for QGruState<H, V> {
    fn default() -> Self {
        Self { h: [0; H], view: [V::default(); H], sweep: Sweep::new() }
    }
}
