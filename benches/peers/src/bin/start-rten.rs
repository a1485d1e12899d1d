//! One step of rten, and what it takes to get there.

#[path = "gru-peers/peers/rten.rs"]
mod rten;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(rten::load)
}
