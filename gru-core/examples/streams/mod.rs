//! What the other steps have in common in either precision.

/// A stream of each model: a step, the reset, a new one. Batches and windows are loops around steps here.
macro_rules! streams {
    ($($name:ident: $model:ty = $value:expr;)+) => {$(
        #[allow(missing_docs, reason = "named after its cell")]
        #[inline(never)]
        pub fn $name(
            stream: &mut Stream<'static, $model>,
            input: Option<&<$model as Layer>::Input>,
        ) -> Option<<$model as Layer>::Output> {
            static MODEL: $model = $value;
            match input {
                Some(input) => Some(*stream.step(input)),
                None => {
                    stream.reset();
                    *stream = Stream::new(&MODEL);
                    None
                }
            }
        }
    )+};
}
