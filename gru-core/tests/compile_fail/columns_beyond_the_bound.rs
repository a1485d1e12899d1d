use gru_core::{QGruWeights, Requantization, ResetAfter, layout};

const I: usize = 66_100;

static WEIGHTS: QGruWeights<I, 1, ResetAfter, { layout::gru_int8_lanes(I, 1) }, { layout::blocks(1) }> = QGruWeights::pack(
    &[[[0; I]; 1]; 3],
    &[[[0; 1]; 1]; 3],
    &[[0; 1]; 4],
    &[[0; 1]; 4],
    &[[0; 1]; 4],
    Requantization { input_shift: 0, view: 127 },
);

fn main() {}
