//! Commands, shown before they run so that they can be repeated by hand.

use std::process::{Command, Stdio};

use anstyle::{AnsiColor, Style};
use anyhow::{Context, Result, bail};

use crate::matrix::root;

const COMMAND: Style = AnsiColor::Cyan.on_default();

/// A command that starts at the top of the repository.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// `cargo` of the toolchain in use.
pub fn cargo(arguments: &[&str]) -> Command {
    command("cargo", arguments)
}

/// The command as one would type it.
pub fn line(command: &Command) -> String {
    let variables =
        command.get_envs().filter_map(|(name, value)| Some(format!("{}={}", name.display(), value?.display())));
    let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.into_owned() }
    });
    variables.chain(words).collect::<Vec<_>>().join(" ")
}

/// Shows the command.
pub fn show(command: &Command) {
    anstream::eprintln!("{COMMAND}$ {}{COMMAND:#}", line(command));
}

/// Shows and runs the command; its output goes where ours goes.
pub fn run(command: &mut Command) -> Result<()> {
    show(command);
    let status = command.status().with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Shows and runs the command, and returns what it prints.
pub fn read(command: &mut Command) -> Result<String> {
    show(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not text", line(command)))
}

/// Whether the command can be started and succeeds; prints nothing.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
