//! One step of nexus, and what it takes to get there.

#[path = "gru-peers/peers/nexus.rs"]
mod nexus;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(nexus::load)
}
