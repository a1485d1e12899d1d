use gru_core::{QDenseWeights, layout};

static WEIGHTS: QDenseWeights<1, 1, { layout::dense_int8_lanes(1, 1) }, { layout::blocks(1) }> = QDenseWeights::pack(&[[1]], &[0], &[-1], &[0]);

fn main() {}
