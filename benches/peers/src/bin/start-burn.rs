//! One step of burn, and what it takes to get there.

#[path = "gru-peers/peers/burn.rs"]
mod burn;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(burn::load)
}
