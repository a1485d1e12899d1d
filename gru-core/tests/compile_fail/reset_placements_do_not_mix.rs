use gru_core::{Gru, GruWeights, ResetAfter, ResetBefore, layout};

static WEIGHTS: GruWeights<1, 1, ResetAfter, { layout::gru_f32_lanes(1, 1) }, { layout::blocks(1) }> =
    GruWeights::pack(&[[[0.0]]; 3], &[[[0.0]]; 3], &[[0.0]; 4]);
static CELL: Gru<1, 1, ResetBefore> = Gru::new(&WEIGHTS);

fn main() {}
