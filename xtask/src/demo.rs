//! From trained weights to a running microcontroller in one command.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::firmware;
use crate::golden::Golden;
use crate::install;
use crate::matrix::{Matrix, Precision};
use crate::native;
use crate::qemu;
use crate::shell;
use crate::table;

const CORE: &str = "m4f";

/// Exports the model, streams the recordings on the host and on a Cortex-M4F, and shows the figures.
pub fn demo(matrix: &Matrix) -> Result<()> {
    let core = matrix.core(CORE)?;
    install::rust_targets(&[&core.target])?;
    install::emulators([core.qemu.program.as_str()])?;

    export()?;
    let golden = Golden::read()?;
    let program = native::build(firmware::PROGRAM)?;
    let mut all = Vec::new();
    for precision in Precision::ALL {
        all.push(firmware::host(&golden, &program, precision)?);
    }
    for precision in Precision::ALL {
        all.push(firmware::board(&golden, core, precision, firmware::show_recordings)?);
    }
    println!("{}", table::figures(&all));

    let digests =
        || all.iter().filter(|figures| figures.precision == Precision::Int8).map(|figures| &figures.run.summary.digest);
    ensure!(digests().all(|digest| Some(digest) == digests().next()), "expected one int8 digest, found several");
    println!("int8: the same bits on the host and on the {}", core.title);
    Ok(())
}

/// What a user does by hand; the firmware's build script does the same.
fn export() -> Result<()> {
    let directory = qemu::target_directory()?.join("demo");
    fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    let exporter = ["run", "--quiet", "--package", "gru-export", "--features", "cli", "--"];
    let model = "firmware-example/models/motion.safetensors";
    shell::run(shell::cargo(&exporter).args(["inspect", model]))?;
    let mut export = shell::cargo(&exporter);
    export
        .args(["export", model, "--precision", "int8", "--calibrate", "firmware-example/data/calibration.npy"])
        .args(["--input-lsb", "firmware-example/data/lsb.npy", "--wide-input"])
        .args(["--labels", "standing,running,walking,badminton"])
        .arg("-o")
        .arg(directory.join("motion.rs"));
    shell::run(&mut export)
}
