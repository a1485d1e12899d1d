//! Faults injected into the firmware under QEMU: each must be noticed and answered as `firmware-example/README.md` says.
//!
//! Where the model goes on after a fault, its outputs are those of the example on the host for the samples that it should have seen.

use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use object::{File, Object, ObjectSection, ObjectSymbol};
use rustc_demangle::demangle;

use crate::firmware::{Extent, PROGRAM};
use crate::matrix::{Core, Precision, root};
use crate::native;
use crate::npy::Array;
use crate::qemu;
use crate::report::{Decision, Limits, Log, Run, Summary};
use crate::shell;
use crate::steps::Steps;

/// Exit code of a firmware that refuses its weights.
const FLASH: i32 = 2;
/// Exit code of a firmware whose main loop hangs.
const WATCHDOG: i32 = 3;

/// The weights of the int8 model.
const WEIGHTS: [&str; 2] = ["firmware_example::model::int8::GRU_0", "firmware_example::model::int8::DENSE_1"];

/// Cores that stand for all others.
const CORES: [&str; 2] = ["m4f", "rv32"];

const FAULTS: [(&str, Check); 7] = [
    ("overload", overload),
    ("dropout", dropout),
    ("stuck", stuck),
    ("reset", reset),
    ("hang", hang),
    ("slow", slow),
    ("flash", flash),
];

/// Injects a fault and looks at what the firmware makes of it.
type Check = fn(&Scene<'_>) -> Result<()>;

/// Injects the faults that a core of these is tested with, one step each; `host` is the example for this machine.
pub fn check(steps: &mut Steps, core: &Core, cores: &[&Core], extent: Extent, host: &Path) {
    let stands = cores.len() == 1 || CORES.contains(&core.name.as_str());
    inject(steps, core, host, |name| stands || extent == Extent::All && name == "overload", &|_| ());
}

/// Injects one fault; `show` sees the log.
pub fn check_one(steps: &mut Steps, core: &Core, name: &str, show: &dyn Fn(&str)) -> Result<()> {
    let names = FAULTS.map(|(name, _)| name);
    ensure!(names.contains(&name), "there is no fault `{name}`; there are {}", names.join(", "));
    inject(steps, core, &native::build(PROGRAM)?, |other| other == name, show);
    Ok(())
}

fn inject(steps: &mut Steps, core: &Core, host: &Path, choose: impl Fn(&str) -> bool, show: &dyn Fn(&str)) {
    let mut faults = FAULTS.into_iter().filter(|(name, _)| choose(name)).peekable();
    if faults.peek().is_none() {
        return;
    }
    let Some(scene) = steps.run(format!("{} firmware for faults", core.title), || Scene::new(core, host, show)) else {
        return;
    };
    for (name, fault) in faults {
        steps.run(format!("{} {name}", core.title), || fault(&scene));
    }
}

/// Counts of all channels.
type Sample = Vec<f32>;

/// A firmware, and the recordings that it plays.
struct Scene<'a> {
    core: &'a Core,
    elf: PathBuf,
    show: &'a dyn Fn(&str),
    host: &'a Path,
    recordings: usize,
    /// The first recording, which has the faults in it.
    samples: Vec<Sample>,
    lsb: Vec<f32>,
    header: String,
}

impl<'a> Scene<'a> {
    /// Builds the int8 firmware for a core; `host` is the example for this machine, `show` sees the logs.
    fn new(core: &'a Core, host: &'a Path, show: &'a dyn Fn(&str)) -> Result<Self> {
        let data = root().join("firmware-example/data");
        let counts = Array::read(data.join("test.npy"))?;
        let &[recordings, steps, channels] = &counts.shape[..] else {
            unreachable!("the build script checks the shape")
        };
        let samples = counts.values.chunks_exact(channels).take(steps);
        let trace = fs::read_to_string(data.join("trace.csv")).context("cannot read trace.csv")?;
        Ok(Self {
            core,
            elf: qemu::build(core, Precision::Int8)?,
            show,
            host,
            recordings,
            samples: samples.map(<[f32]>::to_vec).collect(),
            lsb: Array::read(data.join("lsb.npy"))?.values,
            header: trace.lines().next().context("trace.csv is empty")?.to_owned(),
        })
    }

    fn inject(&self, fault: &str, code: i32) -> Result<(Log, Limits)> {
        let log = qemu::inject(self.core, &self.elf, Some(fault), code, self.show)?;
        let limits = log.limits.context("the firmware has not printed its limits")?;
        Ok((log, limits))
    }

    /// What the example on the host says of samples, from a fresh start.
    fn fresh(&self, samples: &[Sample]) -> Result<Vec<Decision>> {
        let mut table = self.header.clone();
        for sample in samples {
            let fields: Vec<_> = sample.iter().zip(&self.lsb).map(|(count, lsb)| (count * lsb).to_string()).collect();
            table += &format!("\n{}", fields.join(","));
        }
        let mut host = shell::command(&self.host.to_string_lossy(), &["--input", "-"]);
        shell::show(&host);
        let mut host = host.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("cannot start the example")?;
        let input = host.stdin.take().expect("stdin is piped");
        let writer = thread::spawn(move || { input }.write_all(table.as_bytes()));
        let output = host.wait_with_output()?;
        writer.join().expect("the thread only writes")?;
        ensure!(output.status.success(), "the example ended with {}", output.status);
        Ok(Run::parse(&String::from_utf8(output.stdout)?.lines().collect::<Vec<_>>())?.decisions)
    }

    /// Fails unless decisions are those of fresh starts, one a segment: samples that the model has seen, and which of them were held, so that
    /// there is no decision about them.
    fn expect(&self, decisions: &[Decision], limits: Limits, segments: &[(&[Sample], Range<usize>)]) -> Result<()> {
        let mut decisions = decisions.iter();
        for (samples, held) in segments {
            let fresh = self.fresh(samples)?.into_iter().enumerate().filter(|(step, _)| !held.contains(step));
            for ((_, expected), count) in fresh.zip(0..) {
                let found = decisions.next().context("expected more decisions")?;
                ensure!(found.logits == expected.logits, "expected the outputs of {expected:?}, found {found:?}");
                let settling = limits.settling.saturating_sub(count);
                ensure!(found.settling == settling, "expected {settling} more samples to settle, found {found:?}");
            }
        }
        ensure!(decisions.len() == 0, "expected {} decisions fewer", decisions.len());
        Ok(())
    }
}

/// Samples twice as fast as the model: every one is taken or counted as lost, and what follows on a loss is not trusted.
fn overload(scene: &Scene<'_>) -> Result<()> {
    let (log, limits) = scene.inject("overload", 0)?;
    let run = log.complete()?;
    let Summary { samples, overruns, held, restarts, .. } = run.summary;
    let deepest = run.decisions.iter().map(|decision| decision.queue).max().unwrap_or_default();
    eprintln!(
        "{samples} samples, {overruns} overruns, {held} held, {restarts} fresh starts, at most {deepest} waiting"
    );
    ensure!(overruns > 0, "expected overruns, found none");
    let (total, expected) = (samples + overruns, scene.recordings * scene.samples.len());
    ensure!(total as usize == expected, "expected {expected} samples taken or lost, found {total}");
    for (before, after) in run.decisions.iter().zip(&run.decisions[1..]) {
        let lost = before.recording == after.recording && after.step > before.step + 1 + limits.held;
        ensure!(!lost || after.settling == limits.settling, "expected a fresh start after a loss, found {after:?}");
    }
    Ok(())
}

/// The sensor falls silent twice: for a moment, which the last sample bridges, then for longer.
fn dropout(scene: &Scene<'_>) -> Result<()> {
    let (log, limits) = scene.inject("dropout", 0)?;
    let mut gaps = log.decisions.iter().zip(&log.decisions[1..]).filter(|(a, b)| a.step + 1 < b.step);
    let mut gap = || gaps.next().map(|(a, b)| a.step + 1..b.step).context("expected two gaps");
    let (moment, silence) = (gap()?, gap()?);
    ensure!(gaps.next().is_none(), "expected two gaps");
    ensure!(moment.len() <= limits.held && silence.len() > limits.held, "found gaps of steps {moment:?}, {silence:?}");

    let mut seen = scene.samples[..silence.start].to_vec();
    let last = seen[moment.start - 1].clone();
    seen[moment.clone()].fill(last);
    let after = &scene.samples[silence.end..];
    let Summary { dropouts, held, restarts, .. } = log.summary.context("the firmware did not come to its end")?;
    let expected = (moment.len() + silence.len(), moment.len(), 1);
    let found = (dropouts as usize, held as usize, restarts);
    ensure!(found == expected, "expected (dropouts, held, fresh starts) {expected:?}, found {found:?}");
    scene.expect(&log.decisions, limits, &[(&seen, moment), (after, 0..0)])
}

/// One channel freezes and another reaches the end of its range: known while it lasts, and a fresh start when both move again.
fn stuck(scene: &Scene<'_>) -> Result<()> {
    let (log, limits) = scene.inject("stuck", 0)?;
    let mut seen = scene.samples.clone();
    let mut ends = Vec::new();
    for run in log.decisions.chunk_by(|a, b| a.stuck == b.stuck).filter(|run| run[0].stuck != 0) {
        let (first, last, channel) = (run[0].step, run[run.len() - 1].step, run[0].stuck.trailing_zeros() as usize);
        ensure!(run[0].stuck.is_power_of_two(), "expected one channel at a time, found {:?}", run[0]);
        // As the samples were before anybody noticed.
        let (length, value) = match ends.len() {
            0 => (limits.stuck, scene.samples[first + 1 - limits.stuck][channel]),
            _ => (limits.rail, f32::from(i16::MAX)),
        };
        for sample in &mut seen[first + 1 - length..=last] {
            sample[channel] = value;
        }
        ends.push(last + 1);
    }
    let &[frozen, saturated] = &ends[..] else { bail!("expected two channels to be stuck, found {}", ends.len()) };
    let segments = [&seen[..frozen], &seen[frozen..saturated], &seen[saturated..]];
    scene.expect(&log.decisions, limits, &segments.map(|segment| (segment, 0..0)))
}

/// The processor is reset in the midst of a recording: no sample is lost, and the rest is a stream of its own.
fn reset(scene: &Scene<'_>) -> Result<()> {
    let (log, limits) = scene.inject("reset", 0)?;
    let restart = log.decisions.iter().skip(1).position(|decision| decision.step == 0);
    let (before, after) = scene.samples.split_at(restart.context("expected a reset")? + 1);
    scene.expect(&log.decisions, limits, &[(before, 0..0), (after, 0..0)])
}

/// The main loop hangs in a decision.
fn hang(scene: &Scene<'_>) -> Result<()> {
    let (log, _) = scene.inject("hang", WATCHDOG)?;
    ensure!(log.fault.as_deref() == Some("watchdog"), "expected a fault of the watchdog, found {:?}", log.fault);
    ensure!(!log.decisions.is_empty() && log.summary.is_none(), "expected a run that ends in its midst");
    Ok(())
}

/// Steps take twice what they may.
fn slow(scene: &Scene<'_>) -> Result<()> {
    let (log, limits) = scene.inject("slow", WATCHDOG)?;
    ensure!(log.fault.as_deref() == Some("watchdog"), "expected a fault of the watchdog, found {:?}", log.fault);
    let decisions = log.decisions.len();
    ensure!((1..=limits.timeout).contains(&decisions), "expected a decision a tick until the end, found {decisions}");
    Ok(())
}

/// Bits of the weights flip before the firmware starts, and one while it runs.
fn flash(scene: &Scene<'_>) -> Result<()> {
    let refused = |log: &Log| log.fault.as_deref() == Some("flash") && log.summary.is_none();
    for name in WEIGHTS {
        for (share, bit) in [(0, 0), (2, 7)] {
            let elf = flip(&scene.elf, name, share, bit)?;
            let log = qemu::inject(scene.core, &elf, None, FLASH, scene.show)?;
            ensure!(refused(&log) && log.decisions.is_empty(), "expected a refusal of {name} at boot, found {log:?}");
        }
        let elf = flip(&scene.elf, name, 3, 4)?;
        let log = qemu::inject(scene.core, &elf, Some("late"), FLASH, scene.show)?;
        let decisions = log.decisions.len();
        ensure!(refused(&log) && decisions > 0, "expected a refusal of {name} after decisions, found {log:?}");
        eprintln!("{name}: a bit that has flipped is found after {decisions} decisions");
    }
    Ok(())
}

/// A copy of a firmware with one bit of a symbol flipped, in its first byte or so great a part behind.
fn flip(elf: &Path, name: &str, part: u64, bit: u32) -> Result<PathBuf> {
    let mut bytes = fs::read(elf).with_context(|| format!("cannot read {}", elf.display()))?;
    let file = File::parse(&*bytes).with_context(|| format!("{} is not an ELF file", elf.display()))?;
    let symbol =
        file.symbols().find(|symbol| symbol.name().is_ok_and(|found| format!("{:#}", demangle(found)) == name));
    let symbol = symbol.with_context(|| format!("{} has no symbol {name}", elf.display()))?;
    let section = file.section_by_index(symbol.section_index().context("the symbol has no section")?)?;
    let (start, _) = section.file_range().context("the section is not in the file")?;
    let address = symbol.address() + symbol.size().checked_div(part).unwrap_or(0);
    let offset = usize::try_from(start + address - section.address())?;
    bytes[offset] ^= 1 << bit;
    let flipped = elf.with_extension("flipped.elf");
    fs::write(&flipped, bytes).with_context(|| format!("cannot write {}", flipped.display()))?;
    Ok(flipped)
}
