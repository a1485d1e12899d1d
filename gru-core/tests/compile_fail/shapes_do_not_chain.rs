use gru_core::{Dense, Gru, Layer};

fn model(first: Gru<6, 32>, head: Dense<16, 4>) -> impl Layer {
    (first, head)
}

fn main() {}
