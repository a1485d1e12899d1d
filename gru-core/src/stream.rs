use crate::stack::Layer;

/// A model and a state of it: what a program that follows one signal holds.
///
/// # Hostile input
/// No input and no state makes a step panic or read outside of the model. What each does is defined by its layers:
/// [`QGru`](crate::QGru#hostile-input) in int8, [`Gru`](crate::Gru#hostile-input) in f32. [`outside`](Self::outside) tells how many values of
/// an input the model cannot tell from others.
///
/// ```
/// use gru_core::{Dense, DenseWeights, Stream, layout};
///
/// static HALF: DenseWeights<1, 1, { layout::dense_f32_lanes(1, 1) }, { layout::blocks(1) }> = DenseWeights::pack(&[[0.5]], &[0.0]);
/// static MODEL: Dense<1, 1> = Dense::new(&HALF);
///
/// let mut stream = Stream::new(&MODEL);
/// assert_eq!(stream.step(&[3.0]), &[1.5]);
/// ```
pub struct Stream<'m, L: Layer> {
    model: &'m L,
    state: L::State,
}

impl<'m, L: Layer> Stream<'m, L> {
    /// Starts from the zero state.
    #[must_use]
    pub fn new(model: &'m L) -> Self {
        Self { model, state: L::State::default() }
    }

    /// One step. Cannot fail, does not allocate and does not panic.
    #[inline]
    pub fn step(&mut self, input: &L::Input) -> &L::Output {
        self.model.step(input, &mut self.state)
    }

    /// [`Layer::outside`] of the model: how many values of an input saturate, or are no numbers. 0 for a signal like that of the calibration.
    #[inline]
    #[must_use]
    pub fn outside(&self, input: &L::Input) -> usize {
        self.model.outside(input)
    }

    /// Puts the state back to zero.
    pub fn reset(&mut self) {
        self.state = L::State::default();
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &'m L {
        self.model
    }

    /// The state, to inspect or to keep.
    #[must_use]
    pub const fn state(&self) -> &L::State {
        &self.state
    }
}

impl<L: Layer> Clone for Stream<'_, L> {
    fn clone(&self) -> Self {
        Self { model: self.model, state: self.state.clone() }
    }
}
