use gru_core::{QDenseWeights, layout};

static WEIGHTS: QDenseWeights<521, 1, { layout::dense_int8_lanes(521, 1) }, { layout::blocks(1) }> =
    QDenseWeights::pack(&[[127; 521]; 1], &[0], &[1], &[0]);

fn main() {}
