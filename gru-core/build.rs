//! Chooses the instruction-set family that packing and kernels are compiled for: `cfg(gru_family = "…")`.
//!
//! rustc shows which Arm extensions a target has only to nightly code; here they follow from the target and from
//! `-C target-cpu` or `-C target-feature`, wherever Cargo takes those from. The features `dsp` and `helium` say it by hand; they mean nothing
//! on other architectures.

use std::env;

const FAMILIES: &str = "\"x86_64\", \"aarch64\", \"wasm\", \"helium\", \"dsp\", \"thumb2\", \"thumb1\", \"portable\"";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(gru_family, values({FAMILIES}))");
    // What an assembly block has to say of the processor differs between Armv7-M and Armv8-M.
    println!("cargo::rustc-check-cfg=cfg(gru_armv8m)");
    if env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv8m.main-")) {
        println!("cargo::rustc-cfg=gru_armv8m");
    }
    match family() {
        Ok(family) => println!("cargo::rustc-cfg=gru_family=\"{family}\""),
        Err(error) => println!("cargo::error={error}"),
    }
}

fn family() -> Result<&'static str, String> {
    let target = env::var("TARGET").unwrap_or_default();
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let enabled = |name: &str| features.split(',').any(|feature| feature == name);
    let little_endian = env::var("CARGO_CFG_TARGET_ENDIAN").is_ok_and(|endian| endian == "little");

    let main_extension = ["thumbv7em-", "thumbv8m.main-"].iter().any(|prefix| target.starts_with(prefix));
    let armv8m = target.starts_with("thumbv8m.main-");
    for (feature, possible, needs) in [
        ("dsp", main_extension, "thumbv7em or thumbv8m.main"),
        ("helium", target == "thumbv8m.main-none-eabihf", "thumbv8m.main-none-eabihf"),
    ] {
        if requested(feature) && architecture == "arm" && !possible {
            return Err(format!("feature `{feature}` of gru-core needs the target {needs}, found {target}"));
        }
    }
    Ok(match architecture.as_str() {
        "x86_64" if enabled("sse2") => "x86_64",
        "aarch64" if enabled("neon") && little_endian => "aarch64",
        "wasm32" | "wasm64" if enabled("simd128") => "wasm",
        "arm"
            if armv8m
                && target.ends_with("hf")
                && (requested("helium") || compiled_for("mve", &["cortex-m55", "cortex-m85", "cortex-m52"])) =>
        {
            "helium"
        }
        "arm" if target.starts_with("thumbv7em-") => "dsp",
        "arm"
            if armv8m
                && (requested("dsp")
                    || compiled_for(
                        "dsp",
                        &["cortex-m33", "cortex-m35p", "cortex-m55", "cortex-m85", "cortex-m52"],
                    )) =>
        {
            "dsp"
        }
        "arm" if target.starts_with("thumbv7m-") || armv8m => "thumb2",
        "arm" if target.starts_with("thumbv6m-") || target.starts_with("thumbv8m.base-") => "thumb1",
        _ => "portable",
    })
}

/// Whether a Cargo feature of this crate is on.
fn requested(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase())).is_some()
}

/// Whether the compiler flags name one of the `processors`, or enable a target feature whose name begins with `extension`.
fn compiled_for(extension: &str, processors: &[&str]) -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let words = flags.split(['\u{1f}', ' ']).map(|word| word.trim_start_matches("-C"));
    let (mut processor, mut found) = (false, false);
    for word in words {
        if let Some(name) = word.strip_prefix("target-cpu=") {
            processor = processors.contains(&name);
        } else if let Some(list) = word.strip_prefix("target-feature=") {
            for feature in list.split(',') {
                match feature.strip_prefix('+') {
                    Some(name) => found |= name.starts_with(extension),
                    None => processor &= !feature.trim_start_matches('-').starts_with(extension),
                }
            }
        }
    }
    processor || found
}
