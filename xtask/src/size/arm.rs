//! What instructions of Arm's M profile do to the stack pointer.

use anyhow::{Context, Result, bail, ensure};

use super::flow::{Flow, State, Value};
use super::image::{Image, Instruction, number};

/// What the stack pointer is a multiple of where a function begins (AAPCS).
const ALIGNMENT: i64 = 8;
/// Instructions of an IT block, at most.
const BLOCK: usize = 4;

/// Mnemonics that begin like this write no register outside of brackets, but for the stored one's base where it is written back.
const WRITE_NOTHING: [&str; 14] =
    ["str", "stm", "push", "vst", "vpush", "cmp", "cmn", "tst", "teq", "nop", "it", "dmb", "dsb", "isb"];
const CONDITIONS: [&str; 16] =
    ["eq", "ne", "hs", "cs", "lo", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le"];

/// Whether a call leaves a register as it is.
pub fn is_kept(register: &str) -> bool {
    ["r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"].contains(&register)
}

/// Whether an IT block makes an instruction depend on a condition.
pub fn is_conditional(image: &Image, address: u64) -> bool {
    let before = image.instructions.range(..address).rev().take(BLOCK);
    // One letter for each instruction: `itte`.
    let mut lengths = before.zip(1..).filter_map(|((_, instruction), distance)| {
        let letters = instruction.mnemonic.strip_prefix('i').filter(|letters| letters.starts_with('t'))?;
        letters.chars().all(|letter| "te".contains(letter)).then_some((letters.len(), distance))
    });
    lengths.any(|(length, distance)| distance <= length)
}

/// Follows one instruction; without its condition, where it has one.
pub fn execute(image: &Image, instruction: &Instruction, conditional: bool, state: &mut State) -> Result<Flow> {
    let operands: Vec<_> = instruction.operands.iter().map(String::as_str).collect();
    let name = instruction.mnemonic.split('.').next().unwrap_or_default();
    let name = if conditional { name.get(..name.len().saturating_sub(2)).unwrap_or(name) } else { name };
    if let Some(flow) = branch(name, &operands)? {
        return Ok(flow);
    }
    if let Some(flow) = transfer(name, &operands, state)? {
        return Ok(flow);
    }
    if let (Some(target), Some(value)) = (operands.first(), arithmetic(name, &operands, instruction, image, state)) {
        state.set(target, value)?;
        return Ok(Flow::Next);
    }
    ensure!(!may_write_stack_pointer(name, &operands), "may write the stack pointer in a way that is not known");
    for register in written(name, &operands) {
        ensure!(register != "pc", "goes where is not known");
        state.set(register, None)?;
    }
    Ok(Flow::Next)
}

fn branch(name: &str, operands: &[&str]) -> Result<Option<Flow>> {
    let target = || -> Result<u64> {
        let target = operands.last().and_then(|operand| number(operand));
        Ok(target.context("the branch has no target")?.try_into()?)
    };
    let conditional = name.strip_prefix('b').is_some_and(|condition| CONDITIONS.contains(&condition));
    Ok(Some(match name {
        "b" => Flow::Jump(target()?),
        "bl" => Flow::Call(target()?),
        "cbz" | "cbnz" | "le" | "letp" | "wls" | "wlstp" => Flow::Branch(target()?),
        _ if conditional => Flow::Branch(target()?),
        "bx" if operands == ["lr"] => Flow::Return,
        "tbb" | "tbh" => Flow::Inside,
        "ldr" if operands.first() == Some(&"pc") && operands.len() == 2 => Flow::Inside,
        "mov" if operands == ["pc", "lr"] => Flow::Return,
        "bx" | "bxns" => bail!("goes where is not known"),
        _ if operands.first() == Some(&"pc") => bail!("goes where is not known"),
        "blx" | "blxns" => bail!("calls what is not known: the stack is not bounded"),
        "udf" | "bkpt" => Flow::Stop,
        "svc" => bail!("raises an exception"),
        _ => return Ok(None),
    }))
}

/// Pushes and pops, however they are written.
fn transfer(name: &str, operands: &[&str], state: &mut State) -> Result<Option<Flow>> {
    let (bytes, registers) = match (name, operands) {
        ("push" | "vpush", [list]) => (list_bytes(list)?, None),
        ("pop" | "vpop", [list]) => (-list_bytes(list)?, Some(*list)),
        ("stmdb" | "vstmdb", ["sp!", list]) => (list_bytes(list)?, None),
        ("ldm" | "ldmia" | "vldmia", ["sp!", list]) => (-list_bytes(list)?, Some(*list)),
        ("str" | "strd", [.., address]) => match offset(address, "[sp, ", "]!") {
            Some(bytes) => (-bytes, None),
            None => return Ok(None),
        },
        ("ldr", [register, "[sp]", by]) => (-number(by).context("expected a number of bytes")?, Some(*register)),
        ("ldrd", [_, _, "[sp]", by]) => (-number(by).context("expected a number of bytes")?, None),
        _ => return Ok(None),
    };
    state.grow(bytes)?;
    for register in operands.iter().flat_map(|operand| registers_in(operand)).filter(|_| bytes < 0) {
        if register != "sp" {
            state.set(register, None)?;
        }
    }
    let returns = registers.is_some_and(|list| registers_in(list).any(|register| register == "pc"));
    Ok(Some(if returns { Flow::Return } else { Flow::Next }))
}

/// `[sp, #-8]!`
fn offset(address: &str, before: &str, behind: &str) -> Option<i64> {
    number(address.strip_prefix(before)?.strip_suffix(behind)?)
}

/// Bytes of the registers of a list; the stack pointer is never among them.
fn list_bytes(list: &str) -> Result<i64> {
    let mut bytes = 0;
    for register in registers_in(list) {
        bytes += match register.as_bytes().first() {
            Some(b'd') => 8,
            Some(b'q') => 16,
            Some(_) if register != "sp" => 4,
            _ => bail!("expected a list of registers, found {list}"),
        };
    }
    Ok(bytes)
}

/// Names of registers in an operand.
fn registers_in(operand: &str) -> impl Iterator<Item = &str> {
    let words = operand.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| {
        ["sp", "lr", "pc", "vpr"].contains(word)
            || word.strip_prefix(['r', 's', 'd', 'q']).is_some_and(|number| number.parse::<u8>().is_ok())
    })
}

/// What the first operand becomes; `None` where the instruction is none of those known, and `Some(None)` where what it gives is not.
fn arithmetic(
    name: &str,
    operands: &[&str],
    instruction: &Instruction,
    image: &Image,
    state: &State,
) -> Option<Option<Value>> {
    let value = |operand: &str| match number(operand) {
        Some(number) => Some(Value::Constant(number as u32)),
        None => state.get(operand),
    };
    let constant = |operand: &str| match value(operand) {
        Some(Value::Constant(number)) => Some(number),
        _ => None,
    };
    // Two operands: the first is also a source.
    let (left, right) = match operands {
        [target, right] => (*target, *right),
        [_, left, right] => (*left, *right),
        _ => return None,
    };
    Some(match name {
        "add" | "adds" | "addw" => value(left).zip(value(right)).and_then(|(left, right)| left.add(right)),
        "sub" | "subs" | "subw" => value(left).zip(value(right)).and_then(|(left, right)| left.subtract(right)),
        "rsb" | "rsbs" => constant(left).zip(constant(right)).map(|(a, b)| Value::Constant(b.wrapping_sub(a))),
        "lsl" | "lsls" => constant(left).zip(constant(right)).map(|(a, b)| Value::Constant(a << (b & 31))),
        "mov" | "movs" | "movw" if operands.len() == 2 => value(right),
        "mvn" | "mvns" if operands.len() == 2 => constant(right).map(|number| Value::Constant(!number)),
        "movt" if operands.len() == 2 => {
            constant(left).zip(constant(right)).map(|(low, high)| Value::Constant(low & 0xFFFF | high << 16))
        }
        "ldr" if operands.len() == 2 && right.starts_with("[pc") => {
            instruction.loads.and_then(|address| image.word(address).ok()).map(Value::Constant)
        }
        // Clears the lowest bits: `bfc r4, #0, #4`, `bic r4, r4, #0xf`.
        "bfc" if left == "#0x0" || left == "#0" => {
            let bits = number(right)?;
            value(operands.first()?).map(|value| value.align(1 << bits, ALIGNMENT))
        }
        "bic" | "bics" => match (value(left), constant(right).and_then(|mask| mask.checked_add(1))) {
            (Some(left), Some(alignment)) if alignment.is_power_of_two() => {
                Some(left.align(alignment.into(), ALIGNMENT))
            }
            _ => None,
        },
        _ => return None,
    })
}

/// Whether an instruction that is none of those known may write the stack pointer.
fn may_write_stack_pointer(name: &str, operands: &[&str]) -> bool {
    let only_reads = WRITE_NOTHING.iter().any(|prefix| name.starts_with(prefix));
    let moves_many = name.starts_with("ldm") || name.starts_with("vldm");
    operands.iter().enumerate().any(|(place, &operand)| match operand {
        "sp!" => true,
        "sp" => place == 0 && !only_reads && !moves_many,
        _ if operand.starts_with('{') => !only_reads && registers_in(operand).any(|register| register == "sp"),
        // `[sp, #4]!`, `[sp], #4`
        _ if operand.starts_with("[sp") => operand.ends_with('!') || place + 1 < operands.len(),
        // `msr msp, r0`
        _ => place == 0 && name == "msr" && (operand.starts_with("msp") || operand.starts_with("psp")),
    })
}

/// Registers that an instruction may write: all that it names, but for addresses.
fn written<'a>(name: &str, operands: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    let nothing = WRITE_NOTHING.iter().any(|prefix| name.starts_with(prefix));
    let with_post_index = operands.windows(2).any(|pair| pair[0].starts_with('[') && pair[0].ends_with(']'));
    let of_operand = move |operand: &'a str| {
        let address = operand.starts_with('[');
        let writes =
            if address { operand.ends_with('!') || with_post_index } else { !nothing || operand.ends_with('!') };
        writes.then(|| registers_in(operand))
    };
    operands.iter().copied().filter_map(of_operand).flatten().filter(|&register| register != "sp")
}

#[cfg(test)]
mod tests {
    use object::Architecture::Arm;

    use super::super::flow::Frame;
    use super::super::image::tests::image;

    /// Bytes that a function takes, or why that is not known.
    fn depth(text: &str) -> Result<i64, String> {
        Frame::of(&image(Arm, &[("f", text)]), 0x10).map(|frame| frame.depth).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn frames_are_pushed_and_subtracted() {
        let text = "
      10:      \tpush\t{r4, r5, r6, r7, lr}
      12:      \tadd\tr7, sp, #0xc
      14:      \tpush.w\t{r8, r9, r10, r11}
      18:      \tvpush\t{d8, d9}
      1c:      \tsub.w\tsp, sp, #0x208
      20:      \tstr\tr8, [sp, #-4]!
      24:      \tldr\tr8, [sp], #4
      28:      \tcbz\tr0, 0x20 <f+0x10>   @ imm = #-0x8
      2a:      \tadd.w\tsp, sp, #0x208
      2e:      \tvpop\t{d8, d9}
      32:      \tpop.w\t{r8, r9, r10, r11}
      36:      \tpop\t{r4, r5, r6, r7, pc}
";
        assert_eq!(depth(text), Ok(20 + 16 + 16 + 0x208 + 4));
    }

    #[test]
    fn a_frame_pointer_gives_back_what_was_rounded_down() {
        let text = "
      10:      \tpush\t{r4, r6, r7, lr}
      12:      \tadd\tr7, sp, #0x8
      14:      \tsub\tsp, #0x48
      16:      \tmov\tr4, sp
      18:      \tbfc\tr4, #0, #4
      1c:      \tmov\tsp, r4
      1e:      \tstr\tr0, [r7, #-0xc]
      20:      \tsub.w\tr4, r7, #0x8
      24:      \tmov\tsp, r4
      26:      \tpop\t{r4, r6, r7, pc}
";
        assert_eq!(depth(text), Ok(16 + 0x48 + 8));
    }

    #[test]
    fn constants_come_from_instructions() {
        let text = "
      10:      \tpush\t{r6, lr}
      12:      \tmovs\tr6, #0x81
      14:      \tlsls\tr6, r6, #0x3
      16:      \trsbs\tr6, r6, #0
      18:      \tadd\tsp, r6
      1a:      \tmovw\tr6, #0x408
      1e:      \tadd\tsp, r6
      20:      \tpop\t{r6, pc}
";
        assert_eq!(depth(text), Ok(8 + 0x408));
    }

    #[test]
    fn a_conditional_return_leaves_the_stack_to_what_follows() {
        let text = "
      10:      \tpush\t{r7, lr}
      12:      \tit\teq
      14:      \tpopeq\t{r7, pc}
      16:      \tsub\tsp, #0x10
      18:      \tadd\tsp, #0x10
      1a:      \tpop\t{r7, pc}
";
        assert_eq!(depth(text), Ok(24));
    }

    #[test]
    fn a_call_into_the_function_is_a_far_branch() {
        let text = "
      10:      \tpush\t{r4, lr}
      12:      \tbl\t0x1a <f+0xa>
      16: cd cc fc 40  \t.word\t0x40fccccd
      1a:      \tsub\tsp, #0x10
      1c:      \tadd\tsp, #0x10
      1e:      \tpop\t{r4, pc}
";
        assert_eq!(depth(text), Ok(24));
        assert!(depth(&text.replace("push\t{r4, lr}", "nop")).unwrap_err().contains("far branch"));
    }

    #[test]
    fn a_jump_by_a_table_reaches_what_nothing_else_does() {
        let text = "
      10:      \tpush\t{r4, lr}
      12:      \ttbb\t[pc, r0]
      16: 02 0a  \t.short\t0x0a02
      18:      \tsub\tsp, #0x10
      1a:      \tadd\tsp, #0x10
      1c:      \tpop\t{r4, pc}
      1e:      \tsub\tsp, #0x20
      20:      \tadd\tsp, #0x20
      22:      \tpop\t{r4, pc}
";
        assert_eq!(depth(text), Ok(8 + 0x20));
        let kept = text.replace("tbb\t[pc, r0]", "ldr.w\tpc, [sp, #0x8]");
        assert_eq!(depth(&kept), Ok(8 + 0x20));
        assert!(depth(&text.replace("add\tsp, #0x20", "nop")).unwrap_err().contains("returns with 32 bytes"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (text, reason) in [
            ("\tblx\tr3", "not bounded"),
            ("\tbx\tr3", "not known"),
            ("\tmov\tpc, r3", "not known"),
            ("\tldm\tr3!, {r4, pc}", "not known"),
            ("\tmov\tsp, r3", "not known"),
            ("\tsub.w\tsp, sp, r3, lsl #2", "may write the stack pointer"),
            ("\tldr\tsp, [r0]", "may write the stack pointer"),
            ("\tvldrw.u32\tq0, [sp], #16", "may write the stack pointer"),
            ("\tstmia\tsp!, {r0}", "may write the stack pointer"),
            ("\tmsr\tmsp, r0", "may write the stack pointer"),
            ("\tpop\t{r0}", "rises above"),
            ("\tnop", "runs past the end"),
        ] {
            let found = depth(&format!("  10:  {text}\n")).unwrap_err();
            assert!(found.contains(reason), "{text}: {found}");
        }
        let unbalanced = "  10: \tpush\t{r4, lr}\n  12: \tcbz\tr0, 0x10 <f>\n  14: \tpop\t{r4, pc}\n";
        assert!(depth(unbalanced).unwrap_err().contains("one depth"));
        let kept = "  10: \tpush\t{r4, lr}\n  12: \tbx\tlr\n";
        assert!(depth(kept).unwrap_err().contains("returns with 8 bytes"));
    }
}
