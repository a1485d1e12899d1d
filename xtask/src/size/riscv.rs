//! What RISC-V's instructions do to the stack pointer, by their names without aliases.

use anyhow::{Context, Result, bail};

use super::flow::{Flow, State, Value};
use super::image::{Instruction, number};

/// What the stack pointer is a multiple of where a function begins (psABI).
const ALIGNMENT: i64 = 16;

/// Whether a call leaves a register as it is.
pub fn is_kept(register: &str) -> bool {
    let saved = register.strip_prefix('s').is_some_and(|number| number.parse::<u8>().is_ok());
    saved || ["zero", "gp", "tp"].contains(&register)
}

/// Follows one instruction.
pub fn execute(address: u64, instruction: &Instruction, state: &mut State) -> Result<Flow> {
    let name = instruction.mnemonic.strip_prefix("c.").unwrap_or(&instruction.mnemonic);
    let operands: Vec<_> = instruction.operands.iter().map(String::as_str).collect();
    if let Some(flow) = branch(name, &operands, state)? {
        return Ok(flow);
    }
    let stores = ["sb", "sh", "sw", "swsp", "fsw", "fence", "fence.i", "nop"].contains(&name);
    if let (false, Some(target)) = (stores, operands.first()) {
        let value = arithmetic(address, name, &operands, state);
        // Nothing is written there.
        if *target != "zero" {
            state.set(target, value)?;
        }
    }
    Ok(Flow::Next)
}

fn branch(name: &str, operands: &[&str], state: &mut State) -> Result<Option<Flow>> {
    let target = || -> Result<u64> {
        let target = operands.last().and_then(|operand| number(operand));
        Ok(target.context("the branch has no target")?.try_into()?)
    };
    Ok(Some(match (name, operands) {
        ("j", _) | ("jal", ["zero", _]) => Flow::Jump(target()?),
        ("jal", [_] | ["ra", _]) => Flow::Call(target()?),
        ("beq" | "bne" | "blt" | "bge" | "bltu" | "bgeu" | "beqz" | "bnez", _) => Flow::Branch(target()?),
        ("jr", [register]) => indirect("zero", register, 0, state)?,
        ("jalr", [register]) => indirect("ra", register, 0, state)?,
        ("jalr", [link, place]) => {
            let (offset, register) =
                place.strip_suffix(')').and_then(|place| place.split_once('(')).context("no register")?;
            indirect(link, register, number(offset).context("no offset")?, state)?
        }
        ("jal", _) => bail!("calls what is not known: the stack is not bounded"),
        ("ebreak" | "unimp" | "mret", _) => Flow::Stop,
        ("ecall", _) => bail!("raises an exception"),
        _ => return Ok(None),
    }))
}

/// A jump to a register's address, far from here or back to the caller.
fn indirect(link: &str, register: &str, offset: i64, state: &State) -> Result<Flow> {
    match (link, state.get(register)) {
        ("zero", Some(Value::Constant(address))) => Ok(Flow::Jump(address.wrapping_add(offset as u32).into())),
        ("ra", Some(Value::Constant(address))) => Ok(Flow::Call(address.wrapping_add(offset as u32).into())),
        ("zero", None) if register == "ra" && offset == 0 => Ok(Flow::Return),
        ("zero", _) => bail!("goes where is not known"),
        _ => bail!("calls what is not known: the stack is not bounded"),
    }
}

/// What the first operand becomes, where that is known.
fn arithmetic(address: u64, name: &str, operands: &[&str], state: &State) -> Option<Value> {
    let value = |operand: &str| match (operand, number(operand)) {
        ("zero", _) => Some(Value::Constant(0)),
        (_, Some(number)) => Some(Value::Constant(number as u32)),
        _ => state.get(operand),
    };
    // Two operands: the first is also a source.
    let (left, right) = match operands {
        [target, right] => (*target, *right),
        [_, left, right] => (*left, *right),
        _ => return None,
    };
    let upper = || Some((number(right)? as u32) << 12);
    match name {
        "add" | "addi" | "addi16sp" | "addi4spn" => value(left)?.add(value(right)?),
        "sub" => value(left)?.subtract(value(right)?),
        "mv" | "li" => value(right),
        "lui" => upper().map(Value::Constant),
        "auipc" => upper().map(|upper| Value::Constant(upper.wrapping_add(address as u32))),
        "andi" => {
            let mask = number(right)?;
            let alignment = mask.checked_neg().filter(|alignment| *alignment > 0 && alignment.count_ones() == 1)?;
            Some(value(left)?.align(alignment, ALIGNMENT))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use object::Architecture::Riscv32;

    use super::super::flow::Frame;
    use super::super::image::tests::image;

    fn frame(text: &str) -> Result<Frame, String> {
        Frame::of(&image(Riscv32, &[("f", text)]), 0x8000_0010).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn frames_larger_than_an_immediate_are_followed() {
        let text = "
80000010:      \tc.addi\tsp, -0x10
80000012:      \tc.swsp\tra, 0xc(sp)
80000014:      \tc.addi4spn\ts0, sp, 0x10
80000016:      \tc.lui\ta0, 0x1
80000018:      \taddi\ta0, a0, -0x800
8000001c:      \tsub\tsp, sp, a0
80000020:      \tc.addi16sp\tsp, -0x40
80000022:      \tandi\tsp, sp, -0x40
80000026:      \tauipc\tra, 0x1
8000002a:      \tjalr\tra, 0x7f4(ra) <g>
8000002e:      \taddi\tsp, s0, -0x10
80000032:      \tc.lwsp\tra, 0xc(sp)
80000034:      \tc.addi\tsp, 0x10
80000036:      \tc.jr\tra
";
        let frame = frame(text).unwrap();
        // Rounding down to 64 takes at most 48: the stack pointer is a multiple of 16 before.
        assert_eq!(frame.depth, 16 + 0x800 + 64 + 48);
        assert_eq!(frame.calls.into_iter().collect::<Vec<_>>(), [(16 + 0x800 + 64 + 48, 0x8000_1026 + 0x7F4)]);
    }

    #[test]
    fn a_jump_out_of_a_function_is_a_call() {
        let text = "80000010:  \tbeq\ta0, zero, 0x80000020 <g>\n80000014:  \tauipc\tt1, 0x0\n80000018:  \tjalr\tzero, 0x2c(t1) <h>\n";
        let frame = frame(text).unwrap();
        assert_eq!(frame.calls.into_iter().collect::<Vec<_>>(), [(0, 0x8000_0020), (0, 0x8000_0040)]);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (text, reason) in [
            ("\tc.jalr\ta0", "not bounded"),
            ("\tjal\tt0, 0x80000400 <g>", "not bounded"),
            ("\tc.jr\ta5", "goes where"),
            ("\tjalr\tzero, 0x8(ra)", "goes where"),
            ("\tlw\tsp, 0x0(a0)", "what the stack pointer becomes"),
            ("\tsub\tsp, sp, a0", "what the stack pointer becomes"),
            ("\tcsrrw\tsp, mscratch, sp", "what the stack pointer becomes"),
            ("\tc.addi\tsp, 0x10", "rises above"),
        ] {
            let found = frame(&format!("80000010:  {text}\n")).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
    }
}
