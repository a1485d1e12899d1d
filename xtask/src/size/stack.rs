//! The worst-case stack of a function with all that it calls, proven from machine code.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};

use super::flow::Frame;
use super::image::Image;

/// What a function needs, with all that it calls.
#[derive(Debug, Clone)]
pub struct Need {
    /// Bytes of stack, at most.
    pub stack: u64,
    /// Bytes of code, each function once.
    pub code: u64,
    /// The functions that the most stack is needed in, each called by the one before.
    pub deepest: Vec<String>,
}

impl Need {
    /// Follows the calls from a function. Fails where they come back to a function, or lead where is not known.
    pub fn of(image: &Image, entry: u64) -> Result<Self> {
        let mut calls = Calls { image, known: HashMap::new(), open: Vec::new() };
        let stack = calls.stack(entry)?;
        let code = calls.known.keys().map(|address| image.functions[address].size).sum();
        let mut deepest = Vec::new();
        let mut next = Some(entry);
        while let Some(address) = next {
            deepest.push(image.functions[&address].name.clone());
            next = calls.known[&address].1;
        }
        Ok(Self { stack: stack.try_into()?, code, deepest })
    }
}

struct Calls<'a> {
    image: &'a Image,
    /// Stack of each function, and the callee that it needs the most with.
    known: HashMap<u64, (i64, Option<u64>)>,
    /// Functions that call each other, the last of which is looked at.
    open: Vec<u64>,
}

impl Calls<'_> {
    fn stack(&mut self, entry: u64) -> Result<i64> {
        if let Some((stack, _)) = self.known.get(&entry) {
            return Ok(*stack);
        }
        let name = &self.image.functions.get(&entry).with_context(|| format!("no function begins at {entry:#x}"))?.name;
        ensure!(!self.open.contains(&entry), "{name} calls itself, directly or not: its stack is not bounded");
        self.open.push(entry);
        let frame = Frame::of(self.image, entry)?;
        let mut most = (frame.depth, None);
        for (depth, callee) in frame.calls {
            let with = depth + self.stack(callee).with_context(|| format!("called by {name}"))?;
            if with > most.0 {
                most = (with, Some(callee));
            }
        }
        self.open.pop();
        self.known.insert(entry, most);
        Ok(most.0)
    }
}

#[cfg(test)]
mod tests {
    use object::Architecture::Arm;

    use super::super::image::tests::image;
    use super::*;

    const STEP: &str = "
      10:      \tpush\t{r4, r5, r7, lr}
      12:      \tbl\t0x40 <g>    @ imm = #0x2a
      16:      \tsub\tsp, #0x20
      18:      \tbl\t0x60 <h>    @ imm = #0x44
      1c:      \tadd\tsp, #0x20
      1e:      \tpop.w\t{r4, r5, r7, lr}
      22:      \tb.w\t0x40 <g>   @ imm = #0x1a
";
    const LEAF: &str = "      60:      \tpush\t{r4, lr}\n      62:      \tpop\t{r4, pc}\n";

    #[test]
    fn calls_add_what_the_caller_holds() {
        let large = "      40:      \tsub\tsp, #0x28\n      42:      \tadd\tsp, #0x28\n      44:      \tbx\tlr\n";
        let image = image(Arm, &[("step", STEP), ("g", large), ("h", LEAF)]);
        let need = Need::of(&image, 0x10).unwrap();
        // 16 + 32 + 8 in h, 16 + 40 in g.
        assert_eq!((need.stack, need.deepest), (56, vec!["step".to_owned(), "g".to_owned()]));
        assert_eq!(need.code, 0x14 + 6 + 4);
    }

    #[test]
    fn recursion_names_the_function() {
        let recursive = "      40:      \tb.w\t0x10 <step>\n";
        let image = image(Arm, &[("step", STEP), ("g", recursive), ("h", LEAF)]);
        let error = format!("{:#}", Need::of(&image, 0x10).unwrap_err());
        assert!(error.contains("step calls itself") && error.contains("called by g"), "{error}");
    }

    #[test]
    fn an_unknown_callee_is_refused() {
        let image = image(Arm, &[("step", STEP), ("h", LEAF)]);
        let error = format!("{:#}", Need::of(&image, 0x10).unwrap_err());
        assert!(error.contains("no function begins at 0x40"), "{error}");
    }
}
