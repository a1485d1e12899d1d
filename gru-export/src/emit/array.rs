//! Nested array literals.

use std::fmt::{Debug, Write};

/// `values` as a literal of the given dimensions, one innermost row a line, indented by `depth` steps.
///
/// `Debug` of a float is the shortest decimal that reads back as the same bits.
///
/// # Panics
/// If there are not as many values as the dimensions say.
pub(super) fn literal<T: Debug>(dims: &[usize], values: &[T], depth: usize) -> String {
    assert_eq!(dims.iter().product::<usize>(), values.len(), "array of {dims:?}");
    let mut text = String::new();
    write(&mut text, dims, values, depth);
    text
}

fn write<T: Debug>(text: &mut String, dims: &[usize], values: &[T], depth: usize) {
    let indent = "    ".repeat(depth);
    match dims {
        [] | [_] => write!(text, "{values:?}"),
        [rows, inner @ ..] => {
            text.push_str("[\n");
            for row in values.chunks_exact(values.len() / rows) {
                text.push_str(&indent);
                text.push_str("    ");
                write(text, inner, row, depth + 1);
                text.push_str(",\n");
            }
            write!(text, "{indent}]")
        }
    }
    .expect("writing to a string");
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn one_row_a_line() {
        let expected = "[\n    [\n        [1, 2],\n        [3, 4],\n    ],\n]";
        assert_eq!(literal(&[1, 2, 2], &[1, 2, 3, 4], 0), expected);
    }

    #[test]
    fn floats_read_back_as_the_same_bits() {
        for bits in (0..u32::MAX).step_by(65_521).filter(|&bits| f32::from_bits(bits).is_finite()) {
            let text = literal(&[1], &[f32::from_bits(bits)], 0);
            let value: f32 = text.trim_matches(['[', ']']).parse().unwrap();
            assert_eq!(value.to_bits(), bits, "{text}");
        }
    }
}
