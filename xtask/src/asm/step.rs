// Behind `#![no_std]` and the types `Token` and `Model`, which `cargo xtask asm` writes.

use gru_core::Layer;
use gru_core::backend::{Backend, Op};

type Input = <Model as Layer>::Input;
type State = <Model as Layer>::State;

struct Step<'a>(&'static Model, &'a Input, &'a mut State);

impl Op for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<B: Backend>(self, backend: B) {
        self.0.forward(backend, self.1, self.2);
    }
}

/// One step of a layer on one backend.
pub fn step(token: Token, model: &'static Model, input: &Input, state: &mut State) {
    token.enter(Step(model, input, state));
}
