use gru_core::{Bidirectional, Gru, Stream};

fn stream(model: &Bidirectional<Gru<6, 8>, Gru<6, 8>, 16>) {
    let _ = Stream::new(model);
}

fn main() {}
