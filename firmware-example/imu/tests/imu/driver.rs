//! The driver and what becomes of its readings, against a simulated bus.

use std::array::from_fn;
use std::f64::consts::PI;

use embedded_hal::i2c::{ErrorKind, NoAcknowledgeSource};
use firmware_imu::counts::{Gravity, clipped, convert, saturate};
use firmware_imu::lsm6ds::{ADDRESSES, Error, IDENTITIES, Lsm6ds, Reading};
use firmware_imu::model::INPUT_LSB;

use crate::simulated::{BusError, CTRL1_XL, CTRL2_G, CTRL3_C, CTRL8_XL, Fault, Simulated};

const LOW: u8 = ADDRESSES[0];

/// Set up, and no sample yet.
fn configured() -> Simulated {
    let mut bus = Simulated::new(LOW, IDENTITIES[1]);
    Lsm6ds::new(&mut bus).configure().unwrap();
    bus
}

#[test]
fn every_supported_part_is_found_at_both_addresses() {
    for address in ADDRESSES {
        for identity in IDENTITIES {
            let mut sensor = Lsm6ds::new(Simulated::new(address, identity));
            assert_eq!(sensor.configure(), Ok(identity));
            assert_eq!(sensor.address(), address);
        }
    }
}

#[test]
fn what_an_earlier_program_left_is_reset() {
    let mut bus = Simulated::new(LOW, IDENTITIES[0]);
    bus.registers[usize::from(CTRL8_XL)] = 0xFF;
    assert_eq!(Lsm6ds::new(&mut bus).configure(), Ok(IDENTITIES[0]));
    assert_eq!(bus.registers[usize::from(CTRL8_XL)], 0);
    let [xl, g, c] = [CTRL1_XL, CTRL2_G, CTRL3_C].map(|register| bus.registers[usize::from(register)]);
    assert_eq!((xl, g), (0x4C, 0x4C), "104 Hz, ±8 g and ±2000 °/s");
    assert_eq!(c, 0x44, "block data update and automatic increment");
}

#[test]
fn another_part_is_refused_by_name() {
    // An LSM6DSV16X.
    let error = Lsm6ds::new(Simulated::new(LOW, 0x70)).configure().unwrap_err();
    assert_eq!(error, Error::WrongIdentity { expected: IDENTITIES, found: 0x70 });
    let text = error.to_string();
    assert!(text.contains("0x6c") && text.contains("found 0x70"), "{text}");
}

#[test]
fn every_failure_of_the_bus_is_reported_and_ends() {
    for (fault, kind) in [
        (Fault::Unplugged, ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)),
        (Fault::Stuck, ErrorKind::Bus),
        (Fault::NoData, ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data)),
    ] {
        let mut bus = configured();
        bus.fault = Some(fault);
        let error = Lsm6ds::new(&mut bus).read().unwrap_err();
        assert_eq!(error, Error::Bus(BusError(kind)));
        assert!(error.to_string().contains("check SDA, SCL"), "{error}");
        let found = Lsm6ds::new(&mut bus).configure();
        // At the address where nobody is, the last to be asked, nobody acknowledges.
        let expected =
            if fault == Fault::NoData { ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address) } else { kind };
        assert_eq!(found, Err(Error::Bus(BusError(expected))));
    }
}

#[test]
fn a_reset_that_does_not_end_is_given_up() {
    let mut bus = Simulated::new(LOW, IDENTITIES[1]);
    bus.reset_reads = u32::MAX;
    assert_eq!(Lsm6ds::new(&mut bus).configure(), Err(Error::Resetting));
    assert!(bus.transfers < 20);
}

#[test]
fn a_sample_is_read_once() {
    let mut bus = configured();
    assert_eq!(Lsm6ds::new(&mut bus).read(), Err(Error::NotReady));
    bus.measure([0.0, 0.0, 9.80665], [1.0, 0.0, 0.0]);
    let reading = Lsm6ds::new(&mut bus).read().unwrap();
    // 1 g is 1000 / 0.244 counts, 1 rad/s is 57.296 °/s / 0.07.
    assert_eq!(reading, Reading { acceleration: [0, 0, 4098], rotation: [819, 0, 0] });
    assert_eq!(Lsm6ds::new(&mut bus).read(), Err(Error::NotReady));
}

#[test]
fn a_sensor_that_lost_its_supply_has_no_samples() {
    let mut bus = configured();
    bus.restore_defaults();
    bus.measure([1.0; 3], [1.0; 3]);
    assert_eq!(Lsm6ds::new(&mut bus).read(), Err(Error::NotReady));
}

#[test]
fn one_g_and_one_turn_are_what_the_model_means_by_them() {
    let mut bus = configured();
    bus.measure([9.80665, -9.80665, 0.0], [2.0 * PI, -2.0 * PI, 0.0]);
    let counts = saturate(convert(&Lsm6ds::new(&mut bus).read().unwrap()));
    let units: Vec<f64> = counts.iter().zip(INPUT_LSB).map(|(&count, lsb)| f64::from(count) * f64::from(lsb)).collect();
    let expected = [9.80665, -9.80665, 0.0, 2.0 * PI, -2.0 * PI, 0.0];
    for (unit, expected) in units.iter().zip(expected) {
        // Half a count of the sensor and half a one of the model.
        assert!((unit - expected).abs() < 0.002, "{units:?}");
    }
}

#[test]
fn the_ends_of_both_ranges_are_seen() {
    let at = |acceleration, rotation| {
        let reading = Reading { acceleration: [acceleration, 0, 0], rotation: [0, 0, rotation] };
        let counts = saturate(convert(&reading));
        (counts[0], counts[5], clipped(&reading, &counts))
    };
    assert_eq!(at(4098, 819), (10041, 376, false));
    // The model ends at ±32 m/s², the sensor at ±8 g.
    assert_eq!(at(13_373, 0), (i16::MAX, 0, true));
    assert_eq!(at(-13_374, 0), (i16::MIN, 0, true));
    assert_eq!(at(13_372, 0), (32765, 0, false));
    assert_eq!(at(0, i16::MAX), (0, 15031, true));
    assert_eq!(at(0, i16::MIN), (0, -15031, true));
}

#[test]
fn gravity_is_taken_out_however_the_sensor_lies() {
    for gravity in [[0, 0, 10041], [-10041, 0, 0], [5797, -5797, 5797]] {
        let with = |[x, y, z]: [i32; 3], [a, b, c]: [i32; 3]| [x + a, y + b, z + c, 7, -8, 9];
        let mut filter = Gravity::default();
        for _ in 0..100 {
            assert_eq!(filter.remove(with(gravity, [0; 3])), [0, 0, 0, 7, -8, 9]);
        }
        // A shock passes at once, but for an eighth.
        let [x, ..] = filter.remove(with(gravity, [16_000, 0, 0]));
        assert!((13_999..=14_001).contains(&x), "{x}");
    }
}

/// Every value on every channel, each with others beside it.
#[test]
fn whatever_registers_hold_becomes_the_counts_of_the_definition() {
    let mut bus = configured();
    for value in 0..=u16::MAX {
        // x, y, z of the gyroscope, then of the accelerometer.
        let raw: [i16; 6] = from_fn(|register| value.wrapping_add(0x2B4D * register as u16) as i16);
        let bytes: Vec<u8> = raw.iter().flat_map(|raw| raw.to_le_bytes()).collect();
        bus.hold(bytes.try_into().unwrap());
        let counts = convert(&Lsm6ds::new(&mut bus).read().unwrap());
        for (channel, count) in counts.into_iter().enumerate() {
            let raw = f64::from(raw[(channel + 3) % 6]);
            let unit = if channel < 3 { raw * 0.244e-3 * 9.80665 } else { raw * 0.07 * PI / 180.0 };
            let exact = unit / f64::from(INPUT_LSB[channel]);
            assert!((f64::from(count) - exact).abs() <= 0.5 + 0.002, "channel {channel}: {count}, {exact}");
        }
    }
}

#[test]
fn no_acceleration_overflows_the_average() {
    let mut filter = Gravity::default();
    for acceleration in [i16::MAX, i16::MIN].repeat(50).into_iter().chain([i16::MIN; 100]).chain([i16::MAX; 100]) {
        let counts = convert(&Reading { acceleration: [acceleration; 3], rotation: [0; 3] });
        let [x, y, z, _, _, _] = filter.remove(counts);
        // What is left is at most the distance between the ends of the range.
        assert!((x, y) == (y, z) && x.abs() <= 2 * 80_300, "{x}, {y}, {z}");
    }
}
