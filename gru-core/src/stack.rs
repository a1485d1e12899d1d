//! Models from layers: a tuple of layers is a layer, so that shapes which do not fit together do not compile.

use core::array;

use crate::backend::{Backend, Op, dispatch};

/// One layer, or a tuple of layers that feed each other. Tuples have two to eight members and nest to any depth.
///
/// ```compile_fail
/// # use gru_core::{Dense, Gru, Layer};
/// fn model(first: Gru<6, 32>, head: Dense<16, 4>) -> impl Layer {
///     (first, head) // 32 outputs do not feed 16 inputs
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no layer of a stream",
    note = "a model with a `Bidirectional` layer reads its input from both ends: give it whole windows, by `Window::window`"
)]
pub trait Layer {
    /// What a step takes.
    type Input;
    /// What a step gives.
    type Output;
    /// What a step remembers, and the buffer of its output; zero by default. Small, cloneable, and the same weights serve any number of them.
    type State: Clone + Default;

    /// Whether steps of a batch or of a window share a pass over the weights. Where they do not, every one is a [`forward`](Self::forward).
    const SHARES: bool = false;

    /// Whether a step may have int8 products: without any it is the same on backends that differ in nothing else, and compiled once for them.
    const INT8: bool = true;

    /// One step on a given backend; [`step`](Self::step) chooses the best.
    fn forward<'s, B: Backend>(
        &'s self,
        backend: B,
        input: &Self::Input,
        state: &'s mut Self::State,
    ) -> &'s Self::Output;

    /// [`forward`](Self::forward) for `S` streams at once; a layer with weights reads them once for all.
    #[inline(always)]
    fn forward_batch<'s, B: Backend, const S: usize>(
        &'s self,
        backend: B,
        inputs: [&Self::Input; S],
        states: [&'s mut Self::State; S],
    ) -> [&'s Self::Output; S] {
        one_by_one(self, backend, inputs, states)
    }

    /// [`forward`](Self::forward) for `W` steps of one stream; a GRU layer reads the weights of its input half once for all.
    #[inline(always)]
    fn forward_window<B: Backend, const W: usize>(
        &self,
        backend: B,
        inputs: [&Self::Input; W],
        state: &mut Self::State,
    ) -> [Self::Output; W]
    where
        Self::Output: Clone,
    {
        step_by_step(self, backend, inputs, state)
    }

    /// One step. Cannot fail, does not allocate and does not panic.
    #[inline]
    fn step<'s>(&'s self, input: &Self::Input, state: &'s mut Self::State) -> &'s Self::Output {
        dispatch(Step { layer: self, input, state })
    }

    /// One step of each of several streams, as many as all slices hold: one pass over the weights serves as many of them as the registers
    /// can. In int8 the same bits as [`step`](Self::step); in f32 the sums are in another order.
    #[inline]
    fn step_batch(&self, inputs: &[Self::Input], outputs: &mut [Self::Output], states: &mut [Self::State])
    where
        Self: Sized,
        Self::Output: Clone,
    {
        dispatch(Batch { layer: self, inputs, outputs, states });
    }

    /// A whole window: one output per input, as many as both slices hold. The state goes on from where it was. In int8 the same bits as
    /// [`step`](Self::step); in f32 the sums are in another order.
    #[inline]
    fn window(&self, inputs: &[Self::Input], outputs: &mut [Self::Output], state: &mut Self::State)
    where
        Self: Sized,
        Self::Output: Clone,
    {
        dispatch(Window { layer: self, inputs, outputs, state });
    }

    /// How many values of an input lie beyond what the layer can tell apart, to count in the field how far its signal has left what the model
    /// was calibrated on. Costs nothing where it is not asked for; integers take the same time whatever they are.
    ///
    /// | first layer | counts |
    /// |---|---|
    /// | [`Quantize`](crate::Quantize), [`QuantizeReal`](crate::QuantizeReal) | what saturates, and NaN |
    /// | [`Wide`](crate::Wide) | what saturates at ±127·2⁷ |
    /// | [`QGru`](crate::QGru), [`QDense`](crate::QDense) | −128, which the format lacks |
    /// | [`Gru`](crate::Gru), [`Dense`](crate::Dense) | NaN and ±∞ |
    /// | [`Embedding`](crate::Embedding), [`OneHot`](crate::OneHot) | a symbol without a row or column |
    /// | a tuple | what its first layer does |
    /// | another | nothing |
    ///
    /// ```
    /// use gru_core::{Layer, Quantize};
    ///
    /// // Steps of 10 counts: ±1275 is what int8 can tell apart.
    /// let input = Quantize::<2>::new([0; 2], [13107; 2], [17; 2]);
    /// assert_eq!(input.outside(&[1270, -1270]), 0);
    /// assert_eq!(input.outside(&[1300, i16::MIN]), 2);
    /// ```
    fn outside(&self, _input: &Self::Input) -> usize {
        0
    }

    /// Puts a state back to zero.
    fn reset(&self, state: &mut Self::State) {
        *state = Self::State::default();
    }
}

/// [`Layer::forward_batch`] without sharing.
#[inline(always)]
pub(crate) fn one_by_one<'s, L: Layer + ?Sized, B: Backend, const S: usize>(
    layer: &'s L,
    backend: B,
    inputs: [&L::Input; S],
    states: [&'s mut L::State; S],
) -> [&'s L::Output; S] {
    const { assert!(S > 0, "a batch has at least one stream") };
    let mut states = states.into_iter();
    let Some(state) = states.next() else { unreachable!("there are S states") };
    // What the others are written over: the compiler does not prove that each is written, as it does with the first.
    let mut outputs = [layer.forward(backend, inputs[0], state); S];
    for ((output, input), state) in outputs.iter_mut().zip(inputs).skip(1).zip(states) {
        *output = layer.forward(backend, input, state);
    }
    outputs
}

/// [`Layer::forward_window`] without sharing.
#[inline(always)]
pub(crate) fn step_by_step<L: Layer<Output: Clone> + ?Sized, B: Backend, const W: usize>(
    layer: &L,
    backend: B,
    inputs: [&L::Input; W],
    state: &mut L::State,
) -> [L::Output; W] {
    const { assert!(W > 0, "a window has at least one step") };
    let first = layer.forward(backend, inputs[0], state).clone();
    // What the others are written over: copies cost less than to prove that each is written.
    let mut outputs = array::from_fn(|_| first.clone());
    for t in 1..W {
        outputs[t] = layer.forward(backend, inputs[t], state).clone();
    }
    outputs
}

/// Pairs of what belongs to each stream.
#[inline(always)]
pub(crate) fn zip<A: Copy, B, const S: usize>(a: [A; S], b: [B; S]) -> [(A, B); S] {
    const { assert!(S > 0, "there is at least one stream") };
    // None is missing: the first stands in for what nobody can prove.
    let mut rest = a.into_iter();
    b.map(|b| (rest.next().unwrap_or(a[0]), b))
}

/// Copies of outputs, which no longer borrow the states that they are part of: the next layer of a tuple borrows its own from the same.
#[inline(always)]
fn owned<T: Clone, const S: usize>(outputs: [&T; S]) -> [T; S] {
    outputs.map(T::clone)
}

/// How many values are so: a sum, for a count by branches would take longer the more there are.
#[inline(always)]
pub(crate) fn count<T: Copy>(values: &[T], is_so: impl Fn(T) -> bool) -> usize {
    values.iter().map(|&value| usize::from(is_so(value))).sum()
}

struct Step<'s, 'x, L: Layer + ?Sized> {
    layer: &'s L,
    input: &'x L::Input,
    state: &'s mut L::State,
}

impl<'s, L: Layer + ?Sized> Op for Step<'s, '_, L> {
    type Output = &'s L::Output;

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> &'s L::Output {
        self.layer.forward(backend, self.input, self.state)
    }
}

struct Window<'a, L: Layer> {
    layer: &'a L,
    inputs: &'a [L::Input],
    outputs: &'a mut [L::Output],
    state: &'a mut L::State,
}

impl<L: Layer<Output: Clone>> Op for Window<'_, L> {
    type Output = ();

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let done = match const { if L::SHARES { B::STREAMS } else { 1 } } {
            8 => windows::<B, L, 8>(backend, self.layer, self.inputs, self.outputs, self.state),
            4 => windows::<B, L, 4>(backend, self.layer, self.inputs, self.outputs, self.state),
            2 => windows::<B, L, 2>(backend, self.layer, self.inputs, self.outputs, self.state),
            _ => 0,
        };
        let inputs = self.inputs.get(done..).unwrap_or_default();
        for (input, output) in inputs.iter().zip(self.outputs.get_mut(done..).unwrap_or_default()) {
            *output = self.layer.forward(backend, input, self.state).clone();
        }
    }
}

/// As many whole groups of `W` steps as there are; the steps done.
#[inline(always)]
fn windows<B: Backend, L: Layer<Output: Clone>, const W: usize>(
    backend: B,
    layer: &L,
    inputs: &[L::Input],
    outputs: &mut [L::Output],
    state: &mut L::State,
) -> usize {
    let mut done = 0;
    for (inputs, outputs) in inputs.as_chunks::<W>().0.iter().zip(outputs.as_chunks_mut::<W>().0) {
        *outputs = layer.forward_window(backend, inputs.each_ref(), state);
        done += W;
    }
    done
}

struct Batch<'a, L: Layer> {
    layer: &'a L,
    inputs: &'a [L::Input],
    outputs: &'a mut [L::Output],
    states: &'a mut [L::State],
}

impl<L: Layer<Output: Clone>> Op for Batch<'_, L> {
    type Output = ();

    const INT8: bool = L::INT8;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        let done = match const { if L::SHARES { B::STREAMS } else { 1 } } {
            8 => batches::<B, L, 8>(backend, self.layer, self.inputs, self.outputs, self.states),
            4 => batches::<B, L, 4>(backend, self.layer, self.inputs, self.outputs, self.states),
            2 => batches::<B, L, 2>(backend, self.layer, self.inputs, self.outputs, self.states),
            _ => 0,
        };
        for ((input, output), state) in self.inputs.iter().zip(self.outputs).zip(self.states).skip(done) {
            *output = self.layer.forward(backend, input, state).clone();
        }
    }
}

/// As many whole groups of `S` streams as there are; the streams done.
#[inline(always)]
fn batches<B: Backend, L: Layer<Output: Clone>, const S: usize>(
    backend: B,
    layer: &L,
    inputs: &[L::Input],
    outputs: &mut [L::Output],
    states: &mut [L::State],
) -> usize {
    let groups = inputs.as_chunks::<S>().0.iter().zip(outputs.as_chunks_mut::<S>().0);
    let mut done = 0;
    for ((inputs, outputs), states) in groups.zip(states.as_chunks_mut::<S>().0) {
        let found = layer.forward_batch(backend, inputs.each_ref(), states.each_mut());
        for (output, found) in outputs.iter_mut().zip(found) {
            *output = found.clone();
        }
        done += S;
    }
    done
}

macro_rules! impl_layer_for_tuple {
    ($first:ident $($layer:ident $index:tt $previous:ident),+; $last:ident) => {
        impl<$first: Layer, $($layer: Layer<Input = $previous::Output>),+> Layer for ($first, $($layer),+)
        where
            $first::Output: Clone,
            $($layer::Output: Clone,)+
        {
            type Input = $first::Input;
            type Output = $last::Output;
            type State = ($first::State, $($layer::State),+);

            const SHARES: bool = $first::SHARES $(|| $layer::SHARES)+;
            const INT8: bool = $first::INT8 $(|| $layer::INT8)+;

            #[inline(always)]
            fn outside(&self, input: &Self::Input) -> usize {
                self.0.outside(input)
            }

            #[inline(always)]
            fn forward<'s, Z: Backend>(&'s self, backend: Z, input: &Self::Input, state: &'s mut Self::State) -> &'s Self::Output {
                let output = self.0.forward(backend, input, &mut state.0);
                $(let output = self.$index.forward(backend, output, &mut state.$index);)+
                output
            }

            #[inline(always)]
            fn forward_batch<'s, Z: Backend, const S: usize>(
                &'s self,
                backend: Z,
                inputs: [&Self::Input; S],
                mut states: [&'s mut Self::State; S],
            ) -> [&'s Self::Output; S] {
                let outputs = owned(self.0.forward_batch(backend, inputs, states.each_mut().map(|state| &mut state.0)));
                impl_layer_for_tuple!(@batch self backend outputs states; $($index),+)
            }

            #[inline(always)]
            fn forward_window<Z: Backend, const W: usize>(
                &self,
                backend: Z,
                inputs: [&Self::Input; W],
                state: &mut Self::State,
            ) -> [Self::Output; W] {
                let outputs = self.0.forward_window(backend, inputs, &mut state.0);
                $(let outputs = self.$index.forward_window(backend, outputs.each_ref(), &mut state.$index);)+
                outputs
            }
        }
    };
    (@batch $self:ident $backend:ident $outputs:ident $states:ident; $index:tt) => {
        $self.$index.forward_batch($backend, $outputs.each_ref(), $states.map(|state| &mut state.$index))
    };
    (@batch $self:ident $backend:ident $outputs:ident $states:ident; $index:tt, $($more:tt),+) => {{
        let states = $states.each_mut().map(|state| &mut state.$index);
        let outputs = owned($self.$index.forward_batch($backend, $outputs.each_ref(), states));
        impl_layer_for_tuple!(@batch $self $backend outputs $states; $($more),+)
    }};
}

impl_layer_for_tuple!(A B 1 A; B);
impl_layer_for_tuple!(A B 1 A, C 2 B; C);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C; D);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D; E);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E; F);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F; G);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F, H 7 G; H);
