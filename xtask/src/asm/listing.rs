//! Assembly as the compiler prints it: functions, their loops, and what those do.

use std::collections::HashMap;
use std::fmt;

use petgraph::Direction::Incoming;
use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;

/// A family of instruction sets, by how its instructions are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// In Intel's syntax.
    X86,
    Aarch64,
    Arm,
    Riscv,
    Wasm,
}

impl Set {
    /// What begins a comment.
    fn comment(self) -> &'static str {
        match self {
            Self::X86 | Self::Riscv | Self::Wasm => "#",
            Self::Aarch64 => "//",
            Self::Arm => "@",
        }
    }

    /// Whether an instruction loads.
    fn loads(self, instruction: &str) -> bool {
        let (name, operands) = split(instruction);
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match self {
            Self::X86 => {
                let (first, others) = operands.split_once(',').unwrap_or(("", operands));
                let stores = begins(&["mov", "vmov", "vextract", "vpmov"]);
                name != "lea" && (others.contains('[') || first.contains('[') && !stores)
            }
            Self::Wasm => name.contains(".load"),
            Self::Aarch64 => begins(&["ld"]),
            Self::Arm => begins(&["ld", "vld"]),
            Self::Riscv => begins(&["lb", "lh", "lw", "flw"]),
        }
    }

    /// Whether an instruction multiplies.
    fn multiplies(self, instruction: &str) -> bool {
        let (name, _) = split(instruction);
        let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
        match self {
            Self::X86 => ["mul", "madd", "msub", "dpbusd"].iter().any(|part| name.contains(part)),
            Self::Wasm => ["mul", ".dot"].iter().any(|part| name.contains(part)),
            Self::Aarch64 => {
                begins(&["mul", "ml", "mad", "sm", "um", "fml", "fmul", "fmad", "sqrdm", "sqdm", "sdot"])
                    && !begins(&["smax", "smin", "smov", "umax", "umin", "umov"])
            }
            Self::Arm => {
                begins(&["mul", "ml", "sml", "smu", "smm", "uml", "umu", "vfm", "vml", "vmul", "vqrdm", "vqdm"])
            }
            Self::Riscv => begins(&["mul", "fmul", "fmad"]),
        }
    }

    /// Whether the next instruction never follows.
    fn leaves(self, instruction: &str) -> bool {
        let (name, operands) = split(instruction);
        match self {
            Self::X86 => ["jmp", "ret", "ud2"].contains(&name),
            Self::Aarch64 => ["b", "br", "ret", "brk"].contains(&name),
            Self::Arm => {
                let writes_pc = name.starts_with("pop") && operands.contains("pc") || operands.starts_with("pc,");
                ["b", "b.w", "b.n", "bx", "udf"].contains(&name) || writes_pc
            }
            Self::Riscv => ["j", "jr", "ret", "unimp"].contains(&name),
            Self::Wasm => false,
        }
    }
}

/// Mnemonic and operands, without the choice of an encoding.
fn split(instruction: &str) -> (&str, &str) {
    let instruction = instruction.trim_start_matches("{vex}").trim_start();
    instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""))
}

/// The label that an instruction may branch to.
fn target(instruction: &str) -> Option<&str> {
    let (name, operands) = split(instruction);
    let branches = !["adr", "ld", "lea", "vld"].iter().any(|prefix| name.starts_with(prefix));
    operands.rsplit([',', ' ', '\t']).next().filter(|_| branches)
}

/// A label or an instruction.
#[derive(Debug)]
enum Line {
    Label(String),
    Instruction(String),
}

/// One function.
#[derive(Debug)]
pub struct Function {
    /// As the linker sees it.
    pub symbol: String,
    set: Set,
    lines: Vec<Line>,
}

impl Function {
    /// The functions in a file.
    pub fn parse(set: Set, text: &str) -> Vec<Self> {
        let mut functions: Vec<Self> = Vec::new();
        let (mut declared, mut inside) = ("", false);
        for line in text.lines().map(str::trim) {
            if let Some((symbol, "@function" | "%function")) =
                line.strip_prefix(".type").and_then(|line| line.trim().split_once(','))
            {
                declared = symbol;
                continue;
            }
            let line = line.split(set.comment()).next().unwrap_or_default().trim_end();
            if line.strip_suffix(':') == Some(declared) {
                functions.push(Self { symbol: declared.to_owned(), set, lines: Vec::new() });
                inside = true;
            } else if line.starts_with(".Lfunc_end") || line == "end_function" {
                inside = false;
            } else if let (true, Some(function)) = (inside, functions.last_mut()) {
                match line.strip_suffix(':') {
                    Some(label) => function.lines.push(Line::Label(label.to_owned())),
                    None if line.is_empty() || line.starts_with('.') => {}
                    None => function.lines.push(Line::Instruction(line.to_owned())),
                }
            }
        }
        functions
    }

    /// As the source calls it.
    pub fn name(&self) -> String {
        format!("{:#}", rustc_demangle::demangle(&self.symbol))
    }

    /// What instructions and operands are made of.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let instructions = self.lines.iter().filter_map(|line| match line {
            Line::Instruction(instruction) => Some(instruction),
            Line::Label(_) => None,
        });
        instructions.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && !"_.$".contains(c)))
    }

    /// The whole code.
    pub fn code(&self) -> Code<'_> {
        Code { set: self.set, lines: self.lines.iter().collect() }
    }

    /// The loops that hold no other loop.
    pub fn innermost_loops(&self) -> Vec<Code<'_>> {
        let code = |lines: Vec<usize>| Code { set: self.set, lines: lines.iter().map(|&at| &self.lines[at]).collect() };
        innermost(&self.flow()).into_iter().map(code).collect()
    }

    /// Which line may follow which. A loop of wasm goes from its end back to its start.
    fn flow(&self) -> DiGraphMap<usize, ()> {
        let mut flow = DiGraphMap::new();
        let mut labels = HashMap::new();
        let mut open = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            match line {
                Line::Label(label) => drop(labels.insert(label.as_str(), at)),
                Line::Instruction(text) if text == "loop" => open.push(at),
                Line::Instruction(text) if text == "end_loop" => {
                    flow.extend(open.pop().map(|start| (at, start)));
                }
                Line::Instruction(_) => {}
            }
        }
        for (at, line) in self.lines.iter().enumerate() {
            let Line::Instruction(text) = line else {
                flow.add_edge(at, at + 1, ());
                continue;
            };
            if !self.set.leaves(text) {
                flow.add_edge(at, at + 1, ());
            }
            flow.extend(target(text).and_then(|label| labels.get(label)).map(|&label| (at, label)));
        }
        flow
    }
}

/// The loops of a graph that hold no other loop, each in the order of its lines.
fn innermost(flow: &DiGraphMap<usize, ()>) -> Vec<Vec<usize>> {
    let mut found = Vec::new();
    for mut lines in kosaraju_scc(flow) {
        lines.sort_unstable();
        let inside = |line: usize| lines.binary_search(&line).is_ok();
        let entered = |&&line: &&usize| flow.neighbors_directed(line, Incoming).any(|from| !inside(from));
        let Some(&head) = lines.iter().find(entered).or(lines.first()).filter(|_| lines.len() > 1) else { continue };
        let edges = flow.all_edges().filter(|&(from, to, ())| inside(from) && inside(to) && to != head);
        let nested = innermost(&edges.map(|(from, to, ())| (from, to)).collect());
        if nested.is_empty() { found.push(lines) } else { found.extend(nested) }
    }
    found.sort_unstable();
    found
}

/// Some lines of a function.
pub struct Code<'a> {
    set: Set,
    lines: Vec<&'a Line>,
}

impl Code<'_> {
    /// What it does.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { instructions: 0, loads: 0, multiplies: 0 };
        for line in &self.lines {
            let Line::Instruction(instruction) = line else { continue };
            counts.instructions += 1;
            counts.loads += usize::from(self.set.loads(instruction));
            counts.multiplies += usize::from(self.set.multiplies(instruction));
        }
        counts
    }
}

impl fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| match line {
            Line::Label(label) => writeln!(f, "{label}:"),
            Line::Instruction(instruction) => {
                let (name, operands) = split(instruction);
                writeln!(f, "{}", format!("    {name:<11} {}", operands.trim()).trim_end())
            }
        })
    }
}

/// What some code does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub instructions: usize,
    pub loads: usize,
    pub multiplies: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { instructions, loads, multiplies } = self;
        write!(f, "{instructions} instructions: {loads} load, {multiplies} multiply")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOT: &str = "
\t.type\tdot,%function
dot:
\t.cpu\tcortex-m4
.Ltmp0:
\tmovs\tr4, #0
.Ltmp1:
\tldrd\tr5, r6, [r0], #8
\tsmlad\tr4, r5, r6, r4 @ dual
\tsmmulr\tr3, r4, r4
\tcmp\tr0, r1
\tbne\t.Ltmp1
\tadr\tr0, .Ltmp0
\tbne\t.Ltmp0
\tbx\tlr
.Lfunc_end0:
\t.size\tdot, .Lfunc_end0-dot
\t.long 7
";

    #[test]
    fn a_loop_ends_where_it_branches_back() {
        let functions = Function::parse(Set::Arm, DOT);
        let [function] = functions.as_slice() else { panic!("one function, found {functions:?}") };
        assert_eq!(function.code().counts(), Counts { instructions: 9, loads: 1, multiplies: 2 });
        let loops = function.innermost_loops();
        assert_eq!(loops.len(), 1);
        assert_eq!(loops[0].counts(), Counts { instructions: 5, loads: 1, multiplies: 2 });
        assert!(loops[0].to_string().starts_with(".Ltmp1:\n    ldrd        r5, r6, [r0], #8\n"));
    }

    #[test]
    fn loops_of_wasm_have_an_end() {
        let text =
            ".type f,@function\nf:\nloop    \nloop\nv128.load\t0\ni32x4.dot_i16x8_s\nend_loop\nend_loop\nend_function";
        let functions = Function::parse(Set::Wasm, text);
        let loops = functions[0].innermost_loops();
        assert_eq!(loops.len(), 1);
        assert_eq!(loops[0].counts(), Counts { instructions: 4, loads: 1, multiplies: 1 });
    }

    #[test]
    fn a_store_to_memory_is_no_load() {
        for (instruction, loads) in [
            ("vmovups zmmword ptr [rdi], zmm0", false),
            ("vpmovsdw ymmword ptr [rdi], zmm0", false),
            ("vmovups zmm0, zmmword ptr [rdi]", true),
            ("vfmadd231ps zmm0, zmm1, zmmword ptr [rdi]{1to16}", true),
            ("cmp qword ptr [rdi], 3", true),
            ("lea rax, [rdi + 8]", false),
            ("{vex}\tvpdpbusd ymm0, ymm1, ymmword ptr [rdi]", true),
        ] {
            assert_eq!(Set::X86.loads(instruction), loads, "{instruction}");
        }
    }
}
