//! One step of this project, and what it takes to get there: of the layer that is measured alone, for a firmware or a program has its own
//! weights and no others in it.

#[allow(dead_code, reason = "the choice between all layers")]
#[path = "gru-peers/peers/gru_core.rs"]
mod core;

use gru_peers_models::s28x128::int8;

fn main() -> std::process::ExitCode {
    gru_peers_case::start::main(|case| Ok(core::boxed(&int8::MODEL, case.counts(), int8::VIEW)))
}
