use gru_core::{GruWeights, ResetAfter, layout};

static WEIGHTS: GruWeights<3, 2, ResetAfter, { layout::gru_f32_lanes(3, 2) + 1 }, { layout::blocks(2) }> =
    GruWeights::pack(&[[[0.0; 3]; 2]; 3], &[[[0.0; 2]; 2]; 3], &[[0.0; 2]; 4]);

fn main() {}
