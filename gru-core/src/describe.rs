//! `Debug` and `defmt::Format` of layers and streams: type, sizes and state, not the weights.

use crate::{
    Activate, Dense, Embedding, Gru, LayerNorm, Lookup, QActivate, QDense, QGru, QLayerNorm, QSoftmax, Softmax, Stream,
    stack::Layer,
};
use core::fmt;

macro_rules! describe {
    ($layer:ty, [$($generics:tt)*], $name:literal, $sizes:expr) => {
        impl<$($generics)*> fmt::Debug for $layer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($name)?;
                f.debug_list().entries($sizes).finish()
            }
        }

        #[cfg(feature = "defmt")]
        impl<$($generics)*> defmt::Format for $layer {
            fn format(&self, f: defmt::Formatter<'_>) {
                defmt::write!(f, "{=str}{=[?]}", $name, $sizes);
            }
        }
    };
}

describe!(Gru<I, H, R, A, W>, [const I: usize, const H: usize, R, A, W], "Gru", [I, H]);
describe!(QGru<I, H, R, V>, [const I: usize, const H: usize, R, V], "QGru", [I, H]);
describe!(Dense<I, O, W>, [const I: usize, const O: usize, W], "Dense", [I, O]);
describe!(QDense<I, O>, [const I: usize, const O: usize], "QDense", [I, O]);
describe!(Activate<F, N>, [F, const N: usize], "Activate", [N]);
describe!(Softmax<N, A>, [const N: usize, A], "Softmax", [N]);
describe!(LayerNorm<N>, [const N: usize], "LayerNorm", [N]);
describe!(QActivate<F, N>, [F, const N: usize], "QActivate", [N]);
describe!(QSoftmax<N>, [const N: usize], "QSoftmax", [N]);
describe!(QLayerNorm<N, T>, [const N: usize, T], "QLayerNorm", [N]);
describe!(Lookup<N>, [const N: usize], "Lookup", [N]);
describe!(Embedding<T, V, D>, [T, const V: usize, const D: usize], "Embedding", [V, D]);

impl<L: Layer<State: fmt::Debug> + fmt::Debug> fmt::Debug for Stream<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("model", self.model()).field("state", self.state()).finish()
    }
}

#[cfg(feature = "defmt")]
impl<L: Layer<State: defmt::Format> + defmt::Format> defmt::Format for Stream<'_, L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Stream {{ model: {}, state: {} }}", self.model(), self.state());
    }
}
