//! One GRU layer with 6 inputs and 32 units, and a head with 4 outputs.

#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod firmware;

#[cfg(target_os = "none")]
mod network {
    use gru_bench_mcu::model::{self, Head, HeadWeights, Layer, Weights, head_lanes, lanes};
    use gru_core::layout::blocks;

    pub type Model = model::Model<6, 32, 4, Layer<6, 32>>;

    static CELL: Weights<6, 32, { lanes(6, 32) }, { blocks(32) }> = model::random();
    static HEAD: HeadWeights<32, 4, { head_lanes(32, 4) }, { blocks(4) }> = model::head();
    pub static MODEL: Model = model::model::<6, 32, 4, _>(Layer::new(&CELL), Head::new(&HEAD));
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("sizes are those of a board: cargo xtask size");
}
