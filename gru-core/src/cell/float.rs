use super::{Gating, ResetAfter, Sweep};
use crate::{
    backend::{Backend, F32Lane, Lane, Weight, bytes},
    kernel::float::{self, Dense, GruView, Input, OneHot as Symbol, Stream, Sums},
    layout::{self, GruShape, Order, UNITS},
    math::{Activation, Rational},
    stack::{Layer, count, one_by_one, step_by_step, zip},
    symbol::OneHot,
};
use core::marker::PhantomData;

/// Packed weights of an f32 GRU layer with input size `I` and hidden size `H`, each an `f32` or an [`F16`](crate::F16).
///
/// `LANES` is [`layout::gru_f32_lanes(I, H)`](layout::gru_f32_lanes), a third of it for each gate of an ablated cell, and `BLOCKS` is
/// [`layout::blocks(H)`](layout::blocks); other values do not compile.
#[repr(C)]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(16)))]
pub struct GruWeights<const I: usize, const H: usize, R, const LANES: usize, const BLOCKS: usize, W = f32> {
    lanes: [Lane<W>; LANES],
    bias: [[F32Lane; 4]; BLOCKS],
    reset: PhantomData<R>,
}

impl<const I: usize, const H: usize, R: Gating, const LANES: usize, const BLOCKS: usize, W: Weight>
    GruWeights<I, H, R, LANES, BLOCKS, W>
{
    /// Packs row-major weights of the `G` gates that the cell has, in the order r, z, n.
    ///
    /// `bias` has four rows: `b_ir + b_hr`, `b_iz + b_hz`, `b_in`, `b_hn`; those of absent gates count for nothing. In a `static` the packing
    /// happens at compile time.
    #[must_use]
    pub const fn pack<const G: usize>(
        weight_ih: &[[[W; I]; H]; G],
        weight_hh: &[[[W; H]; H]; G],
        bias: &[[f32; H]; 4],
    ) -> Self {
        const { assert!(I > 0 && H > 0, "a GRU layer has at least one input and one unit") };
        const { assert!(G == R::GATES.count(), "weights of as many gates as the cell has") };
        const {
            assert!(
                LANES == layout::gru_f32_lanes(I, H) / 3 * G,
                "LANES must be layout::gru_f32_lanes(I, H), a third of it for each gate"
            );
        };
        const { assert!(BLOCKS == layout::blocks(H), "BLOCKS must be layout::blocks(H)") };
        let shape = GruShape { input_size: I, hidden_size: H, order: Order::F32, gates: R::GATES };
        let mut lanes = [[W::ZERO; UNITS]; LANES];
        shape.pack(
            weight_ih.as_flattened().as_flattened(),
            weight_hh.as_flattened().as_flattened(),
            lanes.as_flattened_mut(),
        );
        let mut blocks = [[[0.0; UNITS]; 4]; BLOCKS];
        layout::pack_rows(bias.as_flattened(), H, &mut blocks);
        Self { lanes, bias: blocks, reset: PhantomData }
    }
}

/// One f32 GRU layer: `[f32; I]` in, `[f32; H]` out. All of Cho et al. 2014 in PyTorch's form:
///
/// ```text
/// r  = σ(W_r x + U_r h + b_r)
/// z  = σ(W_z x + U_z h + b_z)
/// n  = tanh(W_n x + b_n + r ⊙ (U_n h + c_n))     ResetAfter
/// n  = tanh(W_n x + b_n + U_n (r ⊙ h) + c_n)     ResetBefore
/// n  = tanh(W_n x + b_n + U_n h + c_n)           NoReset
/// h' = (1 − z) ⊙ n + z ⊙ h
/// h' = n                                         NoUpdate<_>
/// ```
///
/// Within 2e-6 of PyTorch at every step.
///
/// # Hostile input
/// On every backend:
///
/// | in an input | what follows |
/// |---|---|
/// | NaN | NaN in every unit, and in every output of the f32 layers behind, until the state is reset |
/// | ±∞ | saturates the gates and candidates that it reaches, and is forgotten; NaN where its weight is 0 or two of them meet with opposite signs |
/// | a number whose products overflow, above 1e30 say | ±∞, and what follows from that |
/// | a number below 1.2e-38 | itself or 0, by the processor and its mode: no difference that an f32 state of usual size shows |
///
/// A corrupted state is the same as an input: NaN stays, and of a finite one `2 Lᴺ` is left after `N` steps that contract by `L` each. A device that
/// nobody can reset asks [`Layer::outside`] before a step and keeps such a reading from the model; or looks at the outputs, which a NaN
/// in the state makes NaN:
///
/// ```
/// # use gru_core::{Dense, DenseWeights, Stream, layout};
/// # static WEIGHTS: DenseWeights<1, 1, { layout::dense_f32_lanes(1, 1) }, { layout::blocks(1) }> = DenseWeights::pack(&[[0.5]], &[0.0]);
/// # static MODEL: Dense<1, 1> = Dense::new(&WEIGHTS);
/// let mut stream = Stream::new(&MODEL);
/// let mut last = [0.0];
/// for reading in [[1.0], [f32::NAN], [3.0]] {
///     if stream.outside(&reading) == 0 {
///         last = reading;
///     }
///     if !stream.step(&last).iter().all(|y| y.is_finite()) {
///         stream.reset(); // the state itself has been hit
///     }
/// }
/// assert_eq!(last, [3.0]);
/// ```
///
/// `W` is what the weights are stored as: `f32`, or [`F16`](crate::F16) in half the flash.
///
/// ```
/// use gru_core::{Gru, GruWeights, Layer, ResetAfter, layout};
///
/// static WEIGHTS: GruWeights<1, 2, ResetAfter, { layout::gru_f32_lanes(1, 2) }, { layout::blocks(2) }> =
///     GruWeights::pack(&[[[0.5], [-0.25]]; 3], &[[[0.1, 0.2], [0.3, 0.4]]; 3], &[[0.0; 2]; 4]);
/// static CELL: Gru<1, 2> = Gru::new(&WEIGHTS);
///
/// let mut state = Default::default();
/// let h = CELL.step(&[1.0], &mut state);
/// assert!((h[0] - 0.174_468).abs() < 1e-6);
/// ```
#[derive(Clone, Copy)]
pub struct Gru<const I: usize, const H: usize, R = ResetAfter, A = Rational, W: 'static = f32> {
    lanes: &'static [Lane<W>],
    bias: &'static [[F32Lane; 4]],
    types: PhantomData<(R, A)>,
}

impl<const I: usize, const H: usize, R: Gating, A: Activation, W: Weight> Gru<I, H, R, A, W> {
    /// A layer over packed weights.
    #[must_use]
    pub const fn new<const LANES: usize, const BLOCKS: usize>(
        weights: &'static GruWeights<I, H, R, LANES, BLOCKS, W>,
    ) -> Self {
        Self { lanes: &weights.lanes, bias: &weights.bias, types: PhantomData }
    }

    /// The packed weights and biases as they lie in memory, for an [`Image`](crate::Image).
    #[must_use]
    pub const fn bytes(&self) -> [&'static [u8]; 2] {
        [bytes(self.lanes), bytes(self.bias)]
    }

    /// The packed weights.
    #[cfg(feature = "bench")]
    #[doc(hidden)]
    #[must_use]
    pub const fn lanes(&self) -> &'static [Lane<W>] {
        self.lanes
    }

    const SHAPE: GruShape = GruShape { input_size: I, hidden_size: H, order: Order::F32, gates: R::GATES };

    #[inline(always)]
    fn weights(&self) -> GruView<'_, W> {
        GruView { shape: Self::SHAPE, bias: self.bias, lanes: self.lanes }
    }

    #[inline(always)]
    fn advance<'s, B: Backend>(&self, backend: B, x: impl Input, state: &'s mut GruState<H>) -> &'s [f32; H] {
        let (mut first, mut second) = ([0.0; H], [0.0; H]);
        let stream = Stream { x, h: &mut state.h, scratch: [&mut first, &mut second] };
        float::gru::<B, A, R, _, _, 1>(backend, self.weights(), &mut [stream], state.sweep.next());
        &state.h
    }
}

impl<const I: usize, const H: usize, R: Gating, A: Activation, W: Weight> Layer for Gru<I, H, R, A, W> {
    type Input = [f32; I];
    type Output = [f32; H];
    type State = GruState<H>;

    const INT8: bool = false;

    /// Less stays in a first-level cache from step to step.
    const SHARES: bool = Self::SHAPE.lanes() * size_of::<Lane<W>>() > 16 << 10;

    #[inline(always)]
    fn outside(&self, input: &[f32; I]) -> usize {
        count(input, |x| !x.is_finite())
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, input: &[f32; I], state: &'s mut GruState<H>) -> &'s [f32; H] {
        self.advance(backend, Dense(input), state)
    }

    #[inline(always)]
    fn forward_batch<'s, B: Backend, const S: usize>(
        &'s self,
        backend: B,
        inputs: [&[f32; I]; S],
        mut states: [&'s mut GruState<H>; S],
    ) -> [&'s [f32; H]; S] {
        if Self::SHARES {
            let mut backwards = false;
            for state in &mut states {
                backwards = state.sweep.next();
            }
            let mut states = states.map(|state| (state, [[0.0; H]; 2]));
            let mut streams = zip(inputs, states.each_mut()).map(|(x, (state, [first, second]))| Stream {
                x: Dense(x),
                h: &mut state.h,
                scratch: [first, second],
            });
            float::gru::<B, A, R, _, _, S>(backend, self.weights(), &mut streams, backwards);
            states.map(|(state, _)| &state.h)
        } else {
            one_by_one(self, backend, inputs, states)
        }
    }

    #[inline(always)]
    fn forward_window<B: Backend, const T: usize>(
        &self,
        backend: B,
        inputs: [&[f32; I]; T],
        state: &mut GruState<H>,
    ) -> [[f32; H]; T] {
        if Self::SHARES {
            let mut sums = [[[0.0; H]; 3]; T];
            float::ahead::<_, R, _, _>(
                backend,
                self.weights(),
                inputs.map(<[f32; I]>::as_slice),
                sums.as_flattened_mut().as_flattened_mut(),
            );
            let mut outputs = [[0.0; H]; T];
            for (output, sums) in outputs.iter_mut().zip(&sums) {
                *output = *self.advance(backend, Sums(sums.as_flattened(), H), state);
            }
            outputs
        } else {
            step_by_step(self, backend, inputs, state)
        }
    }
}

impl<const I: usize, const H: usize, R: Gating, A: Activation, W: Weight> Layer for OneHot<Gru<I, H, R, A, W>> {
    type Input = u16;
    type Output = [f32; H];
    type State = GruState<H>;

    const INT8: bool = false;

    #[inline(always)]
    fn outside(&self, &symbol: &u16) -> usize {
        usize::from(usize::from(symbol) >= I)
    }

    #[inline(always)]
    fn forward<'s, B: Backend>(&'s self, backend: B, &symbol: &u16, state: &'s mut GruState<H>) -> &'s [f32; H] {
        self.0.advance(backend, Symbol(usize::from(symbol)), state)
    }
}

/// Hidden state of a [`Gru`]: `4 H` bytes, and 4 more where caches are; on x86-64 whole lines of 64, as its registers are. Zero by default.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(target_arch = "x86_64", repr(align(64)))]
pub struct GruState<const H: usize> {
    h: [f32; H],
    sweep: Sweep,
}

impl<const H: usize> GruState<H> {
    /// Starts from a given hidden state, such as a framework's `h0`.
    #[must_use]
    pub const fn new(h: [f32; H]) -> Self {
        Self { h, sweep: Sweep::new() }
    }

    /// The hidden state.
    #[must_use]
    pub const fn hidden(&self) -> &[f32; H] {
        &self.h
    }
}

impl<const H: usize> Default for GruState<H> {
    fn default() -> Self {
        Self::new([0.0; H])
    }
}
