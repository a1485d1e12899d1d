//! Words and numbers as they stand on the page.

use std::fmt::{self, Write};

/// A text that is a text wherever it stands: between tags, or in quotes. What is invisible or turns the direction of writing becomes �.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' => f.write_char('\u{FFFD}'),
            other if other.is_control() => f.write_char('\u{FFFD}'),
            other => f.write_char(other),
        })
    }
}

/// A text of at most so many characters, its middle left out where it is longer.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= most {
        return text.to_owned();
    }
    let (head, tail) = (most.div_ceil(2) - 1, most / 2);
    characters[..head].iter().chain(&['…']).chain(&characters[characters.len() - tail..]).collect()
}

/// A number to three digits.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() { "not a number".to_owned() } else { "∞".to_owned() };
    }
    let scientific = format!("{value:.2e}");
    let (digits, exponent) = scientific.split_once('e').expect("scientific notation");
    let exponent: i32 = exponent.parse().expect("an exponent");
    let text = match exponent {
        _ if value == 0.0 => return "0".to_owned(),
        3..=5 => thousands(value.round() as i64),
        -3..=2 => trimmed(&format!("{value:.0$}", usize::try_from(2 - exponent).unwrap_or(0))).to_owned(),
        _ => format!("{}·10{}", trimmed(digits), superscript(exponent)),
    };
    text.replace('-', "−")
}

fn trimmed(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digit = |character: char| character.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize]);
    exponent.to_string().chars().map(digit).collect()
}

/// A count with narrow spaces between thousands.
pub(super) fn thousands(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = if count < 0 { "−".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202F}');
        }
        text.push(digit);
    }
    text
}

/// A share of one.
pub(super) fn percent(share: f64) -> String {
    match 100.0 * share {
        0.0 => "0\u{A0}%".to_owned(),
        percent if percent < 0.01 => "<\u{A0}0.01\u{A0}%".to_owned(),
        percent => format!("{percent:.2}\u{A0}%"),
    }
}

/// A size in memory.
pub(super) fn bytes(count: usize) -> String {
    if count < 1024 { format!("{count}\u{A0}B") } else { format!("{:.1}\u{A0}KiB", count as f64 / 1024.0) }
}

/// `one` of something, or how many.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(count as i64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, 1.0, -0.5, 0.012_34, 123.4, 12_345.6, 1.5e-7, -2e9, 0.000_999_9];
        let texts = ["0", "1", "−0.5", "0.0123", "123", "12\u{202F}346", "1.5·10⁻⁷", "−2·10⁹", "0.001"];
        assert_eq!(numbers.map(number), texts);
    }

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("encoder.gru.weight", 9), "enco…ight");
        assert_eq!(shortened("gru", 9), "gru");
    }

    #[test]
    fn hidden_characters_show() {
        assert_eq!(Escaped("a\u{202E}b\u{0}<").to_string(), "a\u{FFFD}b\u{FFFD}&lt;");
    }
}
