//! One step of tract, and what it takes to get there.

#[path = "gru-peers/peers/tract.rs"]
mod tract;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(tract::load)
}
