//! Two GRU layers with 128 units, the first with 28 inputs, and a head with 4 outputs.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware;

#[cfg(target_os = "none")]
mod network {
    use gru_bench_mcu::model::{self, Head, HeadWeights, Layer, Weights, head_lanes, lanes};
    use gru_core::layout::blocks;

    pub type Model = model::Model<28, 128, 4, (Layer<28, 128>, Layer<128, 128>)>;

    #[allow(long_running_const_eval)]
    static FIRST: Weights<28, 128, { lanes(28, 128) }, { blocks(128) }> = model::random();
    #[allow(long_running_const_eval)]
    static SECOND: Weights<128, 128, { lanes(128, 128) }, { blocks(128) }> = model::random();
    static HEAD: HeadWeights<128, 4, { head_lanes(128, 4) }, { blocks(4) }> = model::head();
    pub static MODEL: Model =
        model::model::<28, 128, 4, _>((Layer::new(&FIRST), Layer::new(&SECOND)), Head::new(&HEAD));
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("sizes are those of a board: cargo xtask size");
}
