//! Models over whole windows: what must have seen the last step before it gives the first.

use crate::{
    backend::{Backend, Op, dispatch},
    head::Quantized,
    quant::WIDE_BITS,
    stack::Layer,
};
use core::marker::PhantomData;

/// What takes a window of steps and gives one output per step, from the zero state: a [`Bidirectional`] layer, a [`Steps`] of an ordinary one, or
/// a tuple of two to eight of these. Not a [`Layer`]: a stream has no last step.
///
/// ```compile_fail
/// # use gru_core::{Bidirectional, Gru, Stream};
/// fn stream(model: &'static Bidirectional<Gru<6, 8>, Gru<6, 8>, 16>) {
///     Stream::new(model); // reads its input from both ends
/// }
/// ```
pub trait Window {
    /// What a step takes.
    type Input;
    /// What a step gives.
    type Output;

    /// One output per input. Cannot fail, does not allocate and does not panic; what the members of a tuple hand on is on the stack.
    fn window<const T: usize>(&self, inputs: &[Self::Input; T]) -> [Self::Output; T];
}

/// A [`Layer`] in a [`Window`]: step by step from the zero state, with the bits of [`Layer::step`].
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Steps<L>(pub L);

impl<L: Layer<Output = [T; O]>, T: Copy + Default, const O: usize> Window for Steps<L> {
    type Input = L::Input;
    type Output = [T; O];

    #[inline]
    fn window<const W: usize>(&self, inputs: &[L::Input; W]) -> [[T; O]; W] {
        dispatch(Pass { layer: &self.0, inputs, backwards: false })
    }
}

/// Two layers of `H` outputs each over a window, the second from its end; at each step the outputs of both are merged to `O` values.
///
/// ```
/// use gru_core::{Bidirectional, Gru, GruWeights, ResetAfter, Window, layout};
///
/// static CELL: GruWeights<1, 1, ResetAfter, { layout::gru_f32_lanes(1, 1) }, { layout::blocks(1) }> =
///     GruWeights::pack(&[[[0.5]]; 3], &[[[0.5]]; 3], &[[0.0]; 4]);
/// static MODEL: Bidirectional<Gru<1, 1>, Gru<1, 1>, 2> = Bidirectional::new(Gru::new(&CELL), Gru::new(&CELL));
///
/// let [first, _, last] = MODEL.window(&[[1.0], [0.0], [1.0]]);
/// assert_eq!(first, [last[1], last[0]]); // the same from both ends
/// ```
///
/// `O` is `2 H` for [`Concat`], `H` for the others; another does not compile.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Bidirectional<F, B, const O: usize, M = Concat> {
    forward: F,
    backward: B,
    merge: PhantomData<M>,
}

impl<F, B, const O: usize, M> Bidirectional<F, B, O, M> {
    /// From a layer of each direction.
    #[must_use]
    pub const fn new(forward: F, backward: B) -> Self {
        Self { forward, backward, merge: PhantomData }
    }

    /// The layer of each direction.
    #[must_use]
    pub const fn directions(&self) -> (&F, &B) {
        (&self.forward, &self.backward)
    }
}

impl<I, T, F, B, M, const H: usize, const O: usize> Window for Bidirectional<F, B, O, M>
where
    T: Copy + Default,
    F: Layer<Input = I, Output = [T; H]>,
    B: Layer<Input = I, Output = [T; H]>,
    M: Merge<T>,
{
    type Input = I;
    type Output = [T; O];

    #[inline]
    fn window<const W: usize>(&self, inputs: &[I; W]) -> [[T; O]; W] {
        const { assert!(O == M::HALVES * H, "O must be 2 H for Concat and H for other merges") };
        let ahead = dispatch(Pass { layer: &self.forward, inputs, backwards: false });
        let back = dispatch(Pass { layer: &self.backward, inputs, backwards: true });
        let mut outputs = [[T::default(); O]; W];
        for ((output, ahead), back) in outputs.iter_mut().zip(&ahead).zip(&back) {
            M::merge(ahead, back, output);
        }
        outputs
    }
}

/// A [`Bidirectional`] layer that gives one output: what each direction gives last, the backward one at the first step, merged. Every step of the
/// window has it.
///
/// ```
/// use gru_core::{Bidirectional, Ends, Gru, GruWeights, ResetAfter, Window, layout};
///
/// static CELL: GruWeights<1, 1, ResetAfter, { layout::gru_f32_lanes(1, 1) }, { layout::blocks(1) }> =
///     GruWeights::pack(&[[[0.5]]; 3], &[[[0.5]]; 3], &[[0.0]; 4]);
/// static BOTH: Bidirectional<Gru<1, 1>, Gru<1, 1>, 2> = Bidirectional::new(Gru::new(&CELL), Gru::new(&CELL));
///
/// let [every, _, _] = BOTH.window(&[[1.0], [0.0], [0.5]]);
/// let [first, _, last] = Ends(BOTH).window(&[[1.0], [0.0], [0.5]]);
/// assert_eq!(first, last);
/// assert_eq!(first[1], every[1]); // backward, at the first step
/// ```
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ends<L>(pub L);

impl<I, T, F, B, M, const H: usize, const O: usize> Window for Ends<Bidirectional<F, B, O, M>>
where
    T: Copy + Default,
    F: Layer<Input = I, Output = [T; H]>,
    B: Layer<Input = I, Output = [T; H]>,
    M: Merge<T>,
{
    type Input = I;
    type Output = [T; O];

    #[inline]
    fn window<const W: usize>(&self, inputs: &[I; W]) -> [[T; O]; W] {
        const { assert!(O == M::HALVES * H, "O must be 2 H for Concat and H for other merges") };
        let Bidirectional { forward, backward, .. } = &self.0;
        let ahead = dispatch(Last(Pass { layer: forward, inputs, backwards: false }));
        let back = dispatch(Last(Pass { layer: backward, inputs, backwards: true }));
        let mut output = [T::default(); O];
        M::merge(&ahead, &back, &mut output);
        [output; W]
    }
}

/// What becomes of the outputs of both directions at a step.
pub trait Merge<T>: Copy + Send + Sync + 'static {
    /// How many times as many values it gives as each direction.
    const HALVES: usize;
    /// Writes them.
    fn merge(forward: &[T], backward: &[T], output: &mut [T]);
}

/// Forward, then backward: `2 H` values.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Concat;

impl<T: Copy> Merge<T> for Concat {
    const HALVES: usize = 2;

    #[inline(always)]
    fn merge(forward: &[T], backward: &[T], output: &mut [T]) {
        output.iter_mut().zip(forward.iter().chain(backward)).for_each(|(y, &x)| *y = x);
    }
}

macro_rules! merges {
    ($($(#[$doc:meta])+ $name:ident: |$a:ident, $b:ident| $merged:expr, $integer:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Clone, Copy, Debug)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name;

        impl Merge<f32> for $name {
            const HALVES: usize = 1;

            #[inline(always)]
            fn merge(forward: &[f32], backward: &[f32], output: &mut [f32]) {
                output.iter_mut().zip(forward.iter().zip(backward)).for_each(|(y, (&$a, &$b))| *y = $merged);
            }
        }

        impl<T: Quantized> Merge<T> for $name {
            const HALVES: usize = 1;

            #[inline(always)]
            fn merge(forward: &[T], backward: &[T], output: &mut [T]) {
                output.iter_mut().zip(forward.iter().zip(backward)).for_each(|(y, (&a, &b))| *y = $integer(a, b));
            }
        }
    )+};
}

merges! {
    /// Forward plus backward. Of integers half of it, rounded: in steps that are twice as large.
    Sum: |a, b| a + b, half_sum;
    /// Forward times backward, value by value. Of i8 it is divided by 2⁷ and of i16 by 2¹⁴, and rounded: of states whose view is in steps of `s`, or
    /// `s / 2⁷` where it is wide, it is in steps of `2⁷ s²`, or as much finer.
    Product: |a, b| a * b, product;
    /// The mean of forward and backward; of integers rounded.
    Mean: |a, b| 0.5 * (a + b), half_sum;
}

fn half_sum<T: Quantized>(a: T, b: T) -> T {
    T::saturate((a.into() + b.into() + 1) >> 1)
}

fn product<T: Quantized>(a: T, b: T) -> T {
    // One byte of i8, two of i16.
    let bits = WIDE_BITS * size_of::<T>() as u32;
    T::saturate((a.into() * b.into() + (1 << (bits - 1))) >> bits)
}

/// A layer over a window from the zero state, from the first step to the last or the other way.
struct Pass<'a, L: Layer, const W: usize> {
    layer: &'a L,
    inputs: &'a [L::Input; W],
    backwards: bool,
}

impl<L: Layer<Output = [T; O]>, T: Copy + Default, const O: usize, const W: usize> Op for Pass<'_, L, W> {
    type Output = [[T; O]; W];

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> [[T; O]; W] {
        let mut state = L::State::default();
        let mut outputs = [[T::default(); O]; W];
        let mut steps = self.inputs.iter().zip(&mut outputs);
        while let Some((input, output)) = if self.backwards { steps.next_back() } else { steps.next() } {
            *output = *self.layer.forward(backend, input, &mut state);
        }
        outputs
    }
}

/// A pass of which the last output is left.
struct Last<'a, L: Layer, const W: usize>(Pass<'a, L, W>);

impl<L: Layer<Output = [T; O]>, T: Copy + Default, const O: usize, const W: usize> Op for Last<'_, L, W> {
    type Output = [T; O];

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> [T; O] {
        let Pass { layer, inputs, backwards } = self.0;
        let mut state = L::State::default();
        let mut output = [T::default(); O];
        let mut steps = inputs.iter();
        while let Some(input) = if backwards { steps.next_back() } else { steps.next() } {
            output = *layer.forward(backend, input, &mut state);
        }
        output
    }
}

macro_rules! impl_window_for_tuple {
    ($first:ident $($layer:ident $index:tt $previous:ident),+; $last:ident) => {
        impl<$first: Window, $($layer: Window<Input = $previous::Output>),+> Window for ($first, $($layer),+) {
            type Input = $first::Input;
            type Output = $last::Output;

            #[inline]
            fn window<const W: usize>(&self, inputs: &[Self::Input; W]) -> [Self::Output; W] {
                let outputs = self.0.window(inputs);
                $(let outputs = self.$index.window(&outputs);)+
                outputs
            }
        }
    };
}

impl_window_for_tuple!(A B 1 A; B);
impl_window_for_tuple!(A B 1 A, C 2 B; C);
impl_window_for_tuple!(A B 1 A, C 2 B, D 3 C; D);
impl_window_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D; E);
impl_window_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E; F);
impl_window_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F; G);
impl_window_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F, H 7 G; H);
