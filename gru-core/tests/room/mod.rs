//! What a step over slices borrows.

use gru_core::Quantized;
use gru_core::backend::Prepared;
use gru_core::slices::QGruScratch;

/// What a step over slices borrows, of a layer that sees its state as `V`.
pub struct Room<V = i8> {
    view: Vec<V>,
    halves: [Vec<i8>; 2],
    update: Vec<i16>,
    input: [Vec<Prepared>; 2],
    hidden: [Vec<Prepared>; 2],
}

impl<V: Quantized> Room<V> {
    pub fn new(input_size: usize, hidden_size: usize) -> Self {
        let prepared = |columns| [vec![Prepared::default(); columns], vec![Prepared::default(); columns]];
        Self {
            view: vec![V::default(); hidden_size],
            halves: [vec![0; hidden_size], vec![0; hidden_size]],
            update: vec![0; hidden_size],
            input: prepared(input_size),
            hidden: prepared(hidden_size),
        }
    }

    pub fn borrow(&mut self) -> QGruScratch<'_, V> {
        let Self { view, halves: [high, low], update, input: [first, second], hidden: [whole, rest] } = self;
        QGruScratch { view, halves: [high, low], update, input: [first, second], hidden: [whole, rest] }
    }
}
