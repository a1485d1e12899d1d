//! Models from layers: a tuple of layers is a layer, so that shapes which do not fit together do not compile.

use crate::backend::{Backend, Op, dispatch};

/// One layer, or a tuple of layers that feed each other. Tuples have two to eight members and nest to any depth.
///
/// ```compile_fail
/// # use gru_core::{Dense, Gru, Layer};
/// fn model(first: Gru<6, 32>, head: Dense<16, 4>) -> impl Layer {
///     (first, head) // 32 outputs do not feed 16 inputs
/// }
/// ```
pub trait Layer {
    /// What a step takes.
    type Input;
    /// What a step gives.
    type Output;
    /// What a step remembers, and the buffer of its output; zero by default. Small, cloneable, and the same weights serve any number of them.
    type State: Clone + Default;

    /// One step on a given backend; [`step`](Self::step) chooses the best.
    fn forward<'s, B: Backend>(
        &'s self,
        backend: B,
        input: &Self::Input,
        state: &'s mut Self::State,
    ) -> &'s Self::Output;

    /// One step. Cannot fail, does not allocate and does not panic.
    #[inline]
    fn step<'s>(&'s self, input: &Self::Input, state: &'s mut Self::State) -> &'s Self::Output {
        dispatch(Step { layer: self, input, state })
    }

    /// A whole window: one output per input, as many as both slices hold. The state goes on from where it was.
    #[inline]
    fn window(&self, inputs: &[Self::Input], outputs: &mut [Self::Output], state: &mut Self::State)
    where
        Self::Output: Clone,
    {
        dispatch(Window { layer: self, inputs, outputs, state });
    }

    /// Puts a state back to zero.
    fn reset(&self, state: &mut Self::State) {
        *state = Self::State::default();
    }
}

struct Step<'s, 'x, L: Layer + ?Sized> {
    layer: &'s L,
    input: &'x L::Input,
    state: &'s mut L::State,
}

impl<'s, L: Layer + ?Sized> Op for Step<'s, '_, L> {
    type Output = &'s L::Output;

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) -> &'s L::Output {
        self.layer.forward(backend, self.input, self.state)
    }
}

struct Window<'a, L: Layer + ?Sized> {
    layer: &'a L,
    inputs: &'a [L::Input],
    outputs: &'a mut [L::Output],
    state: &'a mut L::State,
}

impl<L: Layer<Output: Clone> + ?Sized> Op for Window<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        for (input, output) in self.inputs.iter().zip(self.outputs) {
            output.clone_from(self.layer.forward(backend, input, self.state));
        }
    }
}

macro_rules! impl_layer_for_tuple {
    ($first:ident $($layer:ident $index:tt $previous:ident),+; $last:ident) => {
        impl<$first: Layer, $($layer: Layer<Input = $previous::Output>),+> Layer for ($first, $($layer),+) {
            type Input = $first::Input;
            type Output = $last::Output;
            type State = ($first::State, $($layer::State),+);

            #[inline(always)]
            fn forward<'s, Z: Backend>(&'s self, backend: Z, input: &Self::Input, state: &'s mut Self::State) -> &'s Self::Output {
                let output = self.0.forward(backend, input, &mut state.0);
                $(let output = self.$index.forward(backend, output, &mut state.$index);)+
                output
            }
        }
    };
}

impl_layer_for_tuple!(A B 1 A; B);
impl_layer_for_tuple!(A B 1 A, C 2 B; C);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C; D);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D; E);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E; F);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F; G);
impl_layer_for_tuple!(A B 1 A, C 2 B, D 3 C, E 4 D, F 5 E, G 6 F, H 7 G; H);
