//! Arrays as source text.

use std::fmt::{Debug, Write};

use gru_core::F16;

/// Most weights of a matrix that are written as numbers: the compiler takes ten microseconds for each.
const MOST_NUMBERS: usize = 4096;

/// A type of weights.
pub(super) trait Number: Debug + Copy {
    /// What a generated module calls it.
    const NAME: &'static str;

    /// Its bytes, the least significant first.
    fn le_bytes(self) -> impl AsRef<[u8]>;
}

impl Number for i8 {
    const NAME: &'static str = "i8";

    fn le_bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Number for i16 {
    const NAME: &'static str = "i16";

    fn le_bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Number for f32 {
    const NAME: &'static str = "f32";

    fn le_bytes(self) -> impl AsRef<[u8]> {
        self.to_le_bytes()
    }
}

impl Number for F16 {
    const NAME: &'static str = "F16";

    fn le_bytes(self) -> impl AsRef<[u8]> {
        self.0.to_le_bytes()
    }
}

/// The `weights` of a matrix, or of one for each gate, as an expression: a literal, or a string of their bytes where there are many. One innermost
/// row a line in both.
///
/// # Panics
/// If there are not as many weights as the dimensions say.
pub(super) fn matrix<T: Number>(dims: &[usize], weights: &[T], depth: usize) -> String {
    if weights.len() <= MOST_NUMBERS {
        return literal(dims, weights, depth);
    }
    assert_eq!(dims.iter().product::<usize>(), weights.len(), "array of {dims:?}");
    let kind = dims.iter().rev().fold(T::NAME.to_owned(), |element, size| format!("[{element}; {size}]"));
    let indent = "    ".repeat(depth);
    let mut text = format!("gru_core::from_le_bytes::<{kind}>(b\"\\\n");
    for row in weights.chunks_exact(*dims.last().expect("a matrix has rows")) {
        text.push_str(&indent);
        text.push_str("    ");
        for weight in row {
            for byte in weight.le_bytes().as_ref() {
                write!(text, "\\x{byte:02x}").expect("writing to a string");
            }
        }
        text.push_str("\\\n");
    }
    text + &indent + "\")"
}

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
    use super::*;

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

    #[test]
    fn many_weights_are_bytes() {
        let mut weights = vec![1i16; 2 * MOST_NUMBERS];
        weights[0] = -2;
        let text = matrix(&[1, MOST_NUMBERS, 2], &weights, 1);
        let start = "gru_core::from_le_bytes::<[[[i16; 2]; 4096]; 1]>(b\"\\\n        \\xfe\\xff\\x01\\x00\\\n        \\x01\\x00";
        assert!(text.starts_with(start), "{text:.200}");
        assert!(text.ends_with("\\x01\\x00\\\n    \")"));
        assert_eq!(text.lines().count(), 1 + MOST_NUMBERS + 1);
    }

    #[test]
    fn few_weights_are_numbers() {
        let weights = [F16(0x3800); MOST_NUMBERS];
        assert_eq!(matrix(&[2, MOST_NUMBERS / 2], &weights, 0), literal(&[2, MOST_NUMBERS / 2], &weights, 0));
    }

    /// The bytes that the compiler makes of the string in `text`.
    fn read(text: &str) -> Vec<u8> {
        let (_, string) = text.split_once("b\"").unwrap();
        let rows = string.strip_suffix("\")").unwrap().split("\\\n").flat_map(|row| row.trim_start().split("\\x"));
        rows.filter(|byte| !byte.is_empty()).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    #[test]
    fn bytes_read_back_as_the_same_bits() {
        let halves: Vec<F16> = (0..=u16::MAX).map(F16).collect();
        let found = read(&matrix(&[256, 256], &halves, 0));
        assert!(found.chunks_exact(2).map(|bytes| F16(u16::from_le_bytes([bytes[0], bytes[1]]))).eq(halves));
        let floats: Vec<f32> = (0..1 << 16).map(|at: u32| f32::from_bits(at * 65_521)).collect();
        let found = read(&matrix(&[4, 64, 256], &floats, 2));
        let bits = found.chunks_exact(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()));
        assert!(bits.eq(floats.iter().map(|value| value.to_bits())));
        let numbers: Vec<i8> = (0..1 << 13).map(|at: i32| at as i8).collect();
        assert!(read(&matrix(&[32, 256], &numbers, 1)).into_iter().map(u8::cast_signed).eq(numbers));
    }
}
