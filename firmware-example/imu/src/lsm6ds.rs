//! ST's LSM6DS accelerometer and gyroscope over I²C.
//!
//! Registers, codes and sensitivities: data sheets DS12140 (LSM6DSO) and DS11927 (LSM6DS3TR-C); of the registers that are used here both have the same.

use core::f64::consts::PI;
use core::fmt;

use embedded_hal::i2c::{self, I2c};

/// Where it can answer: with pin SA0 at ground, and at the supply.
pub const ADDRESSES: [u8; 2] = [0x6A, 0x6B];

/// What `WHO_AM_I` can say: of LSM6DSL, LSM6DSM and LSM6DS3TR-C, and of LSM6DSO and LSM6DSOX.
///
/// An LSM6DSO32 says the same as an LSM6DSO, and means twice as much acceleration by a count.
pub const IDENTITIES: [u8; 2] = [0x6A, 0x6C];

/// m/s² of a count at ±8 g: 0.244 mg.
pub const ACCELERATION_PER_COUNT: f64 = 0.244e-3 * 9.80665;

/// rad/s of a count at ±2000 °/s: 70 m°/s.
pub const ROTATION_PER_COUNT: f64 = 70e-3 * PI / 180.0;

/// Registers; those behind one another are read and written in one transfer.
mod register {
    pub const WHO_AM_I: u8 = 0x0F;
    /// Accelerometer; the gyroscope's follows.
    pub const CTRL1_XL: u8 = 0x10;
    pub const CTRL3_C: u8 = 0x12;
    pub const STATUS: u8 = 0x1E;
    /// The first of twelve bytes: the gyroscope's x, y, z, and the accelerometer's, each low byte first.
    pub const OUTX_L_G: u8 = 0x22;
}

/// 104 samples a second, ±8 g.
const CTRL1_XL: u8 = (0b0100 << 4) | (0b11 << 2);
/// 104 samples a second, ±2000 °/s.
const CTRL2_G: u8 = (0b0100 << 4) | (0b11 << 2);
/// All registers to their defaults; clears itself.
const SW_RESET: u8 = 1;
/// Addresses advance within a transfer.
const IF_INC: u8 = 1 << 2;
/// A sample is not replaced while it is being read.
const BDU: u8 = 1 << 6;
/// New values of the accelerometer and of the gyroscope.
const READY: u8 = 0b11;

/// A reset takes 50 µs, and to ask whether it is over takes longer, at 400 kHz.
const RESET_POLLS: usize = 10;

/// What kept a sample from being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error<E> {
    /// The bus reports it: no acknowledge where nothing is connected.
    Bus(E),
    /// Something else answers at the sensor's address.
    WrongIdentity {
        /// What is supported: [`IDENTITIES`].
        expected: [u8; 2],
        /// What `WHO_AM_I` says.
        found: u8,
    },
    /// A reset did not end.
    Resetting,
    /// There was no new sample: the sensor has stopped, or is asked sooner than it measures.
    NotReady,
}

impl<E> From<E> for Error<E> {
    fn from(error: E) -> Self {
        Self::Bus(error)
    }
}

impl<E: i2c::Error> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bus(error) => write!(f, "I²C: {error:?}; check SDA, SCL, ground, supply and pull-ups"),
            Self::WrongIdentity { expected: [first, second], found } => write!(
                f,
                "WHO_AM_I: expected {first:#04x} (LSM6DSL, LSM6DSM, LSM6DS3TR-C) or {second:#04x} (LSM6DSO, LSM6DSOX), found {found:#04x}; \
                 connect one of these sensors"
            ),
            Self::Resetting => f.write_str("the sensor did not end its reset; take its supply away for a moment"),
            Self::NotReady => f.write_str("the sensor has no new sample; is its supply stable?"),
        }
    }
}

impl<E: i2c::Error> core::error::Error for Error<E> {}

/// One sample, in the sensor's own axes and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// x, y, z in [`ACCELERATION_PER_COUNT`], gravity included.
    pub acceleration: [i16; 3],
    /// About x, y, z in [`ROTATION_PER_COUNT`].
    pub rotation: [i16; 3],
}

/// The sensor on its bus.
#[derive(Debug)]
pub struct Lsm6ds<I> {
    bus: I,
    address: u8,
}

impl<I: I2c> Lsm6ds<I> {
    /// Asks nothing of the bus.
    pub const fn new(bus: I) -> Self {
        Self { bus, address: ADDRESSES[0] }
    }

    /// Where it was found.
    pub const fn address(&self) -> u8 {
        self.address
    }

    /// Looks for the sensor at both addresses, resets it, and has it measure 104 times a second, ±8 g and ±2000 °/s. Returns its identity.
    ///
    /// # Errors
    ///
    /// All but [`Error::NotReady`].
    pub fn configure(&mut self) -> Result<u8, Error<I::Error>> {
        let identity = self.find()?;
        self.write(&[register::CTRL3_C, SW_RESET])?;
        self.await_reset()?;
        self.write(&[register::CTRL3_C, BDU | IF_INC])?;
        self.write(&[register::CTRL1_XL, CTRL1_XL, CTRL2_G])?;
        Ok(identity)
    }

    /// The sample that the sensor made last, unless it was read before.
    ///
    /// Samples that nobody reads are replaced; the sensor does not say how many.
    ///
    /// # Errors
    ///
    /// [`Error::Bus`] and [`Error::NotReady`].
    pub fn read(&mut self) -> Result<Reading, Error<I::Error>> {
        let [status] = self.read_registers(register::STATUS)?;
        if status & READY != READY {
            return Err(Error::NotReady);
        }
        let bytes = self.read_registers::<12>(register::OUTX_L_G)?;
        let [gx, gy, gz, ax, ay, az] =
            core::array::from_fn(|at| i16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]));
        Ok(Reading { acceleration: [ax, ay, az], rotation: [gx, gy, gz] })
    }

    /// Stays with the address where the sensor is.
    fn find(&mut self) -> Result<u8, Error<I::Error>> {
        let mut stranger = None;
        let mut silence = None;
        for address in ADDRESSES {
            self.address = address;
            match self.read_registers(register::WHO_AM_I) {
                Ok([found]) if IDENTITIES.contains(&found) => return Ok(found),
                Ok([found]) => stranger = Some(Error::WrongIdentity { expected: IDENTITIES, found }),
                Err(error) => silence = Some(error),
            }
        }
        Err(stranger.or(silence).unwrap_or(Error::NotReady))
    }

    fn await_reset(&mut self) -> Result<(), Error<I::Error>> {
        for _ in 0..RESET_POLLS {
            let [control] = self.read_registers(register::CTRL3_C)?;
            if control & SW_RESET == 0 {
                return Ok(());
            }
        }
        Err(Error::Resetting)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error<I::Error>> {
        Ok(self.bus.write(self.address, bytes)?)
    }

    fn read_registers<const N: usize>(&mut self, first: u8) -> Result<[u8; N], Error<I::Error>> {
        let mut bytes = [0; N];
        self.bus.write_read(self.address, &[first], &mut bytes)?;
        Ok(bytes)
    }
}
