//! How far work that can take more than a second has come.

/// Told about the steps of each stage.
pub trait Progress {
    /// A stage of so many steps begins, and ends the one before.
    fn begin(&self, stage: &'static str, steps: usize);

    /// One step more.
    fn step(&self);
}

/// Says nothing.
impl Progress for () {
    fn begin(&self, _: &'static str, _: usize) {}

    fn step(&self) {}
}
