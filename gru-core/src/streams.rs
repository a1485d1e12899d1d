//! Arrays of streams: what a batch takes apart and puts together.

/// Pairs of the elements of both.
pub(crate) fn zip<A, B, const S: usize>(a: [A; S], b: [B; S]) -> [(A, B); S] {
    let mut b = b.into_iter();
    a.map(|a| match b.next() {
        Some(b) => (a, b),
        None => unreachable!("both have S elements"),
    })
}

/// The elements of pairs.
pub(crate) fn unzip<A, B, const S: usize>(pairs: [(A, B); S]) -> ([A; S], [B; S]) {
    let mut seconds = [const { None }; S];
    let a = zip(pairs, seconds.each_mut()).map(|((a, b), second)| {
        *second = Some(b);
        a
    });
    (
        a,
        seconds.map(|second| match second {
            Some(second) => second,
            None => unreachable!("every element was written"),
        }),
    )
}
