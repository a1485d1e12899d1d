//! Flash and RAM of whole models on every core: code and stack proven from the machine code of the firmware of `benches/mcu`, the stack held
//! against what its steps use under QEMU.

mod arm;
mod budget;
mod debugger;
mod flow;
mod image;
mod riscv;
mod sections;
mod stack;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::install;
use crate::matrix::{Core, Precision};
use crate::pages::Section;
use crate::qemu;
use crate::shell;
use crate::table;
use budget::Budget;
use image::Image;
pub use sections::Size;
use stack::Need;

/// A function of the firmware that is one step of its model and nothing else.
const STEP: &str = "::model_step";
/// Bytes of flash that a firmware needs besides weights, at most.
const CODE: u64 = 32 << 10;
/// Bytes of stack that are painted below what a step may need.
const MARGIN: u64 = 256;

/// A model that a binary of `benches/mcu` holds.
struct Model {
    binary: &'static str,
    title: &'static str,
    weights: u64,
}

const MODELS: [Model; 2] = [
    Model { binary: "size-6-32", title: "(6, 32) + head", weights: 3 * 32 * (6 + 32) + 32 * 4 },
    Model {
        binary: "size-28-128",
        title: "(28, 128) × 2 + head",
        weights: 3 * 128 * (28 + 128) + 3 * 128 * (128 + 128) + 128 * 4,
    },
];

/// What one model takes on one core, in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Name for people.
    core: String,
    model: String,
    precision: Precision,
    /// Instructions of a step and of all that it calls, with the constants among them.
    code: u64,
    /// Instructions of the whole firmware, which starts, makes inputs and steps.
    firmware_code: u64,
    /// Weights, scales and tables.
    constants: u64,
    /// What is kept from step to step, with the outputs of the layers.
    state: u64,
    /// Of a step, at most: from the machine code.
    stack: u64,
    /// Of steps under QEMU.
    measured_stack: u64,
}

/// The table for the datasheet.
fn markdown(rows: &[Row]) -> String {
    table::markdown_of(HEADER, rows.iter().map(Row::cells))
}

/// Measures, prints the table, and compares it with the budget or, where it is accepted, makes it the budget. Of all cores JSON is written
/// below Cargo's target directory.
pub fn size(cores: &[&Core], all: bool, accept: bool) -> Result<ExitCode> {
    install::firmware_tools(cores)?;
    let rows = measure(cores)?;
    println!("\nBytes of a model and its step; RAM is its state and the proven stack of a step");
    println!("{}", table::render(HEADER, rows.iter().map(Row::cells)));
    if all {
        println!("{}", table::write_json("size.json", &rows)?.display());
    }
    if accept {
        Budget::write(&rows)?;
        Section::SIZE.write(&markdown(&rows))?;
    } else {
        Budget::read()?.check(&rows)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails where a model has outgrown its budget, or the datasheet shows another.
pub fn check(cores: &[&Core]) -> Result<()> {
    let budget = Budget::read()?;
    budget.check(&measure(cores)?)?;
    Section::SIZE.check(&markdown(budget.rows()))
}

fn measure(cores: &[&Core]) -> Result<Vec<Row>> {
    let objdump = install::objdump()?;
    let (mut firmwares, mut rows): (Vec<Firmware<'_>>, _) = (Vec::new(), Vec::new());
    for &core in cores {
        for precision in Precision::ALL {
            let runs = |firmware: &&Firmware<'_>| firmware.precision == precision && firmware.core.runs_the_same(core);
            if !firmwares.iter().any(|firmware| runs(&firmware)) {
                let built = Firmware::build(core, precision, &objdump);
                firmwares.extend(built.with_context(|| format!("{} {precision}", core.title))?);
            }
            for firmware in firmwares.iter().filter(runs) {
                rows.push(firmware.measure(core).with_context(|| format!("{} {precision}", core.title))?);
            }
        }
    }
    Ok(rows)
}

/// A model as a core of one kind runs it.
struct Firmware<'c> {
    core: &'c Core,
    precision: Precision,
    model: &'static Model,
    elf: PathBuf,
    /// Address of the step.
    entry: u64,
    need: Need,
    firmware_code: u64,
    constants: u64,
    state: u64,
}

impl<'c> Firmware<'c> {
    /// Builds and looks into the models that the flash of a core holds.
    fn build(core: &'c Core, precision: Precision, objdump: &Path) -> Result<Vec<Self>> {
        let fitting = || MODELS.iter().filter(|model| model.fits(core, precision));
        let mut build = qemu::cargo_build(core, precision, "gru-bench-mcu")?;
        shell::run(build.args(fitting().flat_map(|model| ["--bin", model.binary])))?;
        fitting().map(|model| Self::read(core, precision, model, objdump).context(model.title)).collect()
    }

    fn read(core: &'c Core, precision: Precision, model: &'static Model, objdump: &Path) -> Result<Self> {
        let elf = qemu::keep(core, model.binary, &format!("{}-{}-{precision}", model.binary, core.name))?;
        let image = Image::read(&elf, objdump, core.cpu.as_deref())?;
        let entry = image.entry(STEP)?;
        let need = Need::of(&image, entry)?;
        println!("{} {precision}, {}: {}", core.title, model.title, need.deepest.join(" → "));
        let (firmware_code, constants, state) = (image.code()?, image.constants()?, image.state()?);
        Ok(Self { core, precision, model, elf, entry, need, firmware_code, constants, state })
    }

    /// Runs it on a core that may be another with the same processor.
    fn measure(&self, core: &Core) -> Result<Row> {
        let Need { stack, code, .. } = self.need;
        let painted = (stack + MARGIN).next_multiple_of(4);
        let measured_stack = debugger::measure(core, &self.elf, self.entry, painted)?;
        ensure!(
            measured_stack <= stack,
            "{}: expected a step to use no more than the {stack} bytes of stack that its code shows, found {measured_stack}",
            self.model.title
        );
        Ok(Row {
            core: core.title.clone(),
            model: self.model.title.to_owned(),
            precision: self.precision,
            code,
            firmware_code: self.firmware_code,
            constants: self.constants,
            state: self.state,
            stack,
            measured_stack,
        })
    }
}

impl Model {
    fn fits(&self, core: &Core, precision: Precision) -> bool {
        let bytes = match precision {
            Precision::Int8 => 1,
            Precision::F32 => 4,
        };
        bytes * self.weights + CODE <= core.flash.length
    }
}

const HEADER: [&str; 10] = [
    "core",
    "model",
    "precision",
    "code",
    "code of the\nfirmware",
    "constants",
    "state",
    "stack,\nproven",
    "stack,\nmeasured",
    "RAM",
];

impl Row {
    /// Bytes that are there while a step runs.
    fn ram(&self) -> u64 {
        self.state + self.stack
    }

    fn name(&self) -> String {
        format!("{}, {}, {}", self.core, self.model, self.precision)
    }

    fn cells(&self) -> [String; HEADER.len()] {
        let Self { code, firmware_code, constants, state, stack, measured_stack, .. } = *self;
        let bytes = [code, firmware_code, constants, state, stack, measured_stack, self.ram()];
        let [code, firmware_code, constants, state, stack, measured, ram] = bytes.map(|bytes| bytes.to_string());
        let (core, model, precision) = (self.core.clone(), self.model.clone(), self.precision.to_string());
        [core, model, precision, code, firmware_code, constants, state, stack, measured, ram]
    }
}
