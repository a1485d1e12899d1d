//! What a step over slices borrows.

use gru_core::backend::Prepared;
use gru_core::slices::QGruScratch;

/// What a step over slices borrows.
pub struct Room {
    view: Vec<i8>,
    update: Vec<i16>,
    input: [Vec<Prepared>; 2],
    hidden: Vec<Prepared>,
}

impl Room {
    pub fn new(input_size: usize, hidden_size: usize) -> Self {
        let prepared = |columns| vec![Prepared::default(); columns];
        Self {
            view: vec![0; hidden_size],
            update: vec![0; hidden_size],
            input: [prepared(input_size), prepared(input_size)],
            hidden: prepared(hidden_size),
        }
    }

    pub fn borrow(&mut self) -> QGruScratch<'_> {
        let [high, low] = &mut self.input;
        QGruScratch { view: &mut self.view, update: &mut self.update, input: [high, low], hidden: &mut self.hidden }
    }
}
