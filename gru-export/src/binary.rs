//! Powers and logarithms to the base 2, exact. Those of the standard library may differ between machines, and with them the bytes of a module.

/// 2 to an integer power.
pub(crate) fn power_of_two(exponent: impl Into<f64>) -> f64 {
    libm::ldexp(1.0, exponent.into() as i32)
}

/// The integer part of the logarithm of a positive number; of another what IEEE 754 says.
pub(crate) fn floor_log2(x: f64) -> f64 {
    if x.is_finite() && x > 0.0 { libm::ilogb(x).into() } else { libm::log2(x) }
}

/// The least integer that is no smaller than the logarithm of a positive number; of another what IEEE 754 says.
pub(crate) fn ceil_log2(x: f64) -> f64 {
    let floor = floor_log2(x);
    if floor.is_finite() && power_of_two(floor) != x { floor + 1.0 } else { floor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_beside_every_power_of_two() {
        for exponent in -1074..=1023 {
            let (power, exponent) = (power_of_two(exponent), f64::from(exponent));
            assert_eq!((floor_log2(power), ceil_log2(power)), (exponent, exponent));
            assert_eq!(ceil_log2(power.next_up()), exponent + 1.0, "{power:e}");
            assert_eq!(
                floor_log2(power.next_up()),
                if power.next_up() == 2.0 * power { exponent + 1.0 } else { exponent }
            );
            if exponent > -1074.0 {
                assert_eq!(floor_log2(power.next_down()), exponent - 1.0, "{power:e}");
                assert_eq!(
                    ceil_log2(power.next_down()),
                    if power.next_down() == power / 2.0 { exponent - 1.0 } else { exponent }
                );
            }
        }
    }

    #[test]
    fn of_what_has_no_integer() {
        for log2 in [floor_log2, ceil_log2] {
            assert_eq!((log2(0.0), log2(f64::INFINITY)), (f64::NEG_INFINITY, f64::INFINITY));
            assert!(log2(f64::NAN).is_nan() && log2(-1.0).is_nan());
        }
    }
}
