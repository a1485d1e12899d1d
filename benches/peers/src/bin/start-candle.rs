//! One step of candle, and what it takes to get there.

#[path = "gru-peers/peers/candle.rs"]
mod candle;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(candle::load)
}
