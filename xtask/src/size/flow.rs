//! What a function's instructions do to the stack pointer, whichever way they are taken.
//!
//! The code of a function is followed from its entry, branch by branch, with what is known of its registers: constants, and addresses in its
//! frame. Every address is reached with one depth of the stack or the analysis fails; so it does on an instruction that may write the stack
//! pointer and is none of those that it knows, and on a jump whose target it does not know. The depth is a bound: where code rounds the stack
//! pointer down, the most that this may take is counted.
//!
//! One thing is taken on trust: that a jump through a table or through a slot of the stack stays in its function, and leads to where the stack
//! is as deep as at the jump.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use object::Architecture;

use super::image::{DATA, Image, Instruction};
use super::{arm, riscv};

/// What a register holds, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// So many bytes below the stack pointer at the function's entry.
    Stack(i64),
    /// A number.
    Constant(u32),
}

impl Value {
    /// A sum; known where at most one of both is an address.
    pub fn add(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Stack(depth), Self::Constant(bytes)) | (Self::Constant(bytes), Self::Stack(depth)) => {
                Some(Self::Stack(depth - i64::from(bytes as i32)))
            }
            (Self::Constant(a), Self::Constant(b)) => Some(Self::Constant(a.wrapping_add(b))),
            (Self::Stack(_), Self::Stack(_)) => None,
        }
    }

    /// A difference.
    pub fn subtract(self, other: Self) -> Option<Self> {
        match other {
            Self::Constant(bytes) => self.add(Self::Constant(bytes.wrapping_neg())),
            Self::Stack(_) => None,
        }
    }

    /// An address rounded down to a multiple of `alignment`, a power of two, at the worst; `entry` is what the stack pointer at the function's
    /// entry is a multiple of.
    pub fn align(self, alignment: i64, entry: i64) -> Self {
        match self {
            Self::Stack(depth) => {
                // Whatever the entry is a multiple of, the address is a multiple of this.
                let known = if depth == 0 { entry } else { entry.min(1 << depth.trailing_zeros()) };
                Self::Stack(depth + (alignment - known).max(0))
            }
            Self::Constant(number) => Self::Constant(number & (alignment as u32).wrapping_neg()),
        }
    }
}

/// What is known where an instruction begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// Bytes of stack in use.
    pub depth: i64,
    registers: BTreeMap<String, Value>,
}

impl State {
    /// What a register holds.
    pub fn get(&self, register: &str) -> Option<Value> {
        if register == "sp" { Some(Value::Stack(self.depth)) } else { self.registers.get(register).copied() }
    }

    /// Fails where the stack pointer would hold something that is not known.
    pub fn set(&mut self, register: &str, value: Option<Value>) -> Result<()> {
        match (register, value) {
            ("sp", Some(Value::Stack(depth))) => {
                ensure!(depth >= 0, "the stack pointer rises above where it was at the entry");
                self.depth = depth;
            }
            ("sp", _) => bail!("what the stack pointer becomes is not known"),
            (_, Some(value)) => drop(self.registers.insert(register.to_owned(), value)),
            (_, None) => drop(self.registers.remove(register)),
        }
        Ok(())
    }

    /// Takes so many bytes of stack, or gives them back.
    pub fn grow(&mut self, bytes: i64) -> Result<()> {
        self.set("sp", Some(Value::Stack(self.depth + bytes)))
    }

    /// Keeps the registers that `keep` picks: what a call leaves.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.registers.retain(|register, _| keep(register));
    }

    /// Keeps what both know; whether that is less than before.
    fn meet(&mut self, other: &Self) -> Result<bool> {
        ensure!(
            self.depth == other.depth,
            "expected one depth of the stack however it is reached, found {} and {} bytes",
            self.depth,
            other.depth
        );
        let known = self.registers.len();
        self.registers.retain(|register, value| other.registers.get(register) == Some(value));
        Ok(self.registers.len() < known)
    }
}

/// Where control goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Next,
    Jump(u64),
    /// There or on.
    Branch(u64),
    /// There, and on when it returns.
    Call(u64),
    Return,
    /// To somewhere in the same function where the stack is as deep: by a table, or into a loop that is written out.
    Inside,
    /// Nowhere.
    Stop,
}

/// What a function does to the stack.
#[derive(Debug, Default)]
pub struct Frame {
    /// Bytes that it takes itself, at most.
    pub depth: i64,
    /// The functions that it calls or leaves to, with the bytes that it then holds.
    pub calls: BTreeSet<(i64, u64)>,
}

impl Frame {
    /// Follows a function from its entry.
    pub fn of(image: &Image, entry: u64) -> Result<Self> {
        let function = image.functions.get(&entry).context("no function begins there")?;
        Follower {
            image,
            entry,
            end: entry + function.size,
            frame: Self::default(),
            states: BTreeMap::new(),
            inside: BTreeSet::new(),
        }
        .follow()
        .with_context(|| function.name.clone())
    }
}

struct Follower<'a> {
    image: &'a Image,
    entry: u64,
    end: u64,
    frame: Frame,
    states: BTreeMap<u64, State>,
    /// Depth of the stack at jumps to somewhere inside.
    inside: BTreeSet<i64>,
}

impl Follower<'_> {
    fn follow(mut self) -> Result<Frame> {
        self.states.insert(self.entry, State::default());
        self.drain(vec![self.entry])?;
        if let Some(&depth) = self.inside.first() {
            while let Some(address) = self.not_reached() {
                self.states.insert(address, State { depth, ..State::default() });
                self.drain(vec![address])?;
            }
            // Such a jump brings nothing that is known.
            let targets = self.states.iter_mut().filter(|(_, state)| state.depth == depth);
            let targets = targets.map(|(&address, state)| (address, state.registers.clear()).0).collect();
            self.drain(targets)?;
        }
        ensure!(self.inside.len() < 2, "jumps to somewhere inside from {} depths of the stack", self.inside.len());
        Ok(self.frame)
    }

    fn not_reached(&self) -> Option<u64> {
        let mut code = self.image.instructions.range(self.entry..self.end);
        let open = code.find(|(address, line)| line.mnemonic != DATA && !self.states.contains_key(address));
        open.map(|(&address, _)| address)
    }

    /// Follows all ways from some addresses, as far as they tell anything new.
    fn drain(&mut self, mut open: Vec<u64>) -> Result<()> {
        while let Some(address) = open.pop() {
            let state = self.states[&address].clone();
            let instruction = self.image.instructions.get(&address);
            let instruction = instruction.filter(|instruction| instruction.mnemonic != DATA);
            let instruction = instruction.with_context(|| format!("expected an instruction at {address:#x}"))?;
            let line = || format!("{address:#x}: {} {}", instruction.mnemonic, instruction.operands.join(", "));
            for (next, state) in self.step(address, instruction, state).with_context(line)? {
                let changed = match self.states.get_mut(&next) {
                    Some(known) => known.meet(&state).with_context(line)?,
                    None => self.states.insert(next, state).is_none(),
                };
                if changed {
                    open.push(next);
                }
            }
        }
        Ok(())
    }

    /// What follows an instruction, with what is known there.
    fn step(&mut self, address: u64, instruction: &Instruction, before: State) -> Result<Vec<(u64, State)>> {
        let mut state = before.clone();
        let (flow, conditional) = match self.image.architecture {
            Architecture::Arm => {
                let conditional = arm::is_conditional(self.image, address);
                (arm::execute(self.image, instruction, conditional, &mut state)?, conditional)
            }
            Architecture::Riscv32 => (riscv::execute(address, instruction, &mut state)?, false),
            other => bail!("instructions of {other:?} are not known"),
        };
        self.frame.depth = self.frame.depth.max(state.depth);
        let next = self.image.instructions.range(address + 1..).next().map_or(self.end, |(&next, _)| next);
        let mut following = Vec::new();
        if conditional {
            following.push((next, before));
        }
        match flow {
            Flow::Next => following.push((next, state)),
            Flow::Jump(target) => following.extend(self.jump(target, state)),
            Flow::Branch(target) => {
                following.extend(self.jump(target, state.clone()));
                following.push((next, state));
            }
            // A branch that reaches further than others, where an instruction set has none.
            Flow::Call(target) if (self.entry + 1..self.end).contains(&target) => {
                ensure!(state.depth > 0, "expected a far branch where the link register is saved, found a call");
                following.extend(self.jump(target, state));
            }
            Flow::Call(target) => {
                self.frame.calls.insert((state.depth, target));
                let is_arm = self.image.architecture == Architecture::Arm;
                state.retain(if is_arm { arm::is_kept } else { riscv::is_kept });
                // Behind a call that never returns there may be no code.
                following.extend((next < self.end).then_some((next, state)));
            }
            Flow::Return => ensure!(state.depth == 0, "returns with {} bytes on the stack", state.depth),
            Flow::Inside => drop(self.inside.insert(state.depth)),
            Flow::Stop => {}
        }
        let outside = following.iter().find(|(next, _)| !(self.entry..self.end).contains(next));
        ensure!(outside.is_none(), "runs past the end of the function");
        Ok(following)
    }

    /// A jump out of the function leaves it to another.
    fn jump(&mut self, target: u64, state: State) -> Option<(u64, State)> {
        if (self.entry..self.end).contains(&target) {
            Some((target, state))
        } else {
            self.frame.calls.insert((state.depth, target));
            None
        }
    }
}
