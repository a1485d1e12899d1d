//! Reports of `gru-export` in a browser: on a desk, on a phone, in the dark and on paper.

use std::env::consts::EXE_SUFFIX;
use std::fs;

use anyhow::{Context, Result};

use crate::install;
use crate::matrix::root;
use crate::qemu::target_directory;
use crate::shell::{command, run};
use crate::test::cargo_test;

/// A page, and the arguments that make it; paths are seen from the top of the repository.
const PAGES: [(&str, &[&str]); 2] = [
    (
        "motion",
        &[
            "firmware-example/models/motion-2layer.safetensors",
            "--calibrate=firmware-example/data/calibration.npy",
            "--test=firmware-example/data/test.npy",
            "--counts",
            "--input-lsb=firmware-example/data/lsb.npy",
            "--labels=firmware-example/data/test_labels.npy",
            "--names=standing,running,walking,badminton",
        ],
    ),
    (
        "symbols",
        &[
            "gru-export/tests/golden/embedding.safetensors",
            "--calibrate=gru-export/tests/golden/embedding_x.npy",
            "--test=gru-export/tests/golden/embedding_x.npy",
        ],
    ),
];

/// Makes the pages and looks at them; pictures of what was seen stay below Cargo's target directory.
pub fn check() -> Result<()> {
    install::browser()?;
    // The exporter of the command line's tests, which is optimised.
    run(&mut cargo_test(&["--test", "cli", "--no-run"]))?;
    let exporter = target_directory()?.join(format!("debug/gru-export{EXE_SUFFIX}")).display().to_string();
    for (name, arguments) in PAGES {
        let directory = target_directory()?.join("report").join(name);
        fs::create_dir_all(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let page = directory.join("report.html");
        run(command(&exporter, &["report"]).args(arguments).arg("--output").arg(&page))?;
        let script = root().join("xtask/src/page.mjs");
        run(command("node", &[]).arg(script).arg(install::BROWSER).args([&page, &directory]))?;
    }
    Ok(())
}
