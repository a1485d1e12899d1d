//! An LSM6DS behind an I²C bus, register by register. What it measures is given in m/s² and rad/s and becomes counts by the ranges that it was
//! set to, so that a driver which sets others is seen.

use std::cell::RefCell;
use std::f64::consts::PI;

use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

pub const WHO_AM_I: u8 = 0x0F;
pub const CTRL1_XL: u8 = 0x10;
pub const CTRL2_G: u8 = 0x11;
pub const CTRL3_C: u8 = 0x12;
pub const CTRL8_XL: u8 = 0x17;
pub const STATUS: u8 = 0x1E;
pub const OUTX_L_G: u8 = 0x22;
const OUTX_L_XL: u8 = 0x28;
const OUTZ_H_XL: u8 = 0x2D;

/// How the bus fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nobody answers.
    Unplugged,
    /// The sensor acknowledges its address and nothing else.
    NoData,
    /// Somebody holds a line down.
    Stuck,
}

/// What the bus reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BusError(pub ErrorKind);

impl Error for BusError {
    fn kind(&self) -> ErrorKind {
        self.0
    }
}

/// The bus with its sensor.
#[derive(Debug, Clone)]
pub struct Simulated {
    pub registers: [u8; 0x80],
    pub address: u8,
    pub fault: Option<Fault>,
    /// How often `CTRL3_C` is read before a reset is over.
    pub reset_reads: u32,
    /// Transfers so far.
    pub transfers: u32,
    identity: u8,
    pointer: u8,
    resetting: u32,
}

impl Simulated {
    /// As after power-on.
    pub fn new(address: u8, identity: u8) -> Self {
        let (registers, reset_reads) = ([0; 0x80], 2);
        let mut sensor =
            Self { registers, address, fault: None, reset_reads, transfers: 0, identity, pointer: 0, resetting: 0 };
        sensor.restore_defaults();
        sensor
    }

    /// What a reset, or the loss of its supply, leaves.
    pub fn restore_defaults(&mut self) {
        self.registers = [0; 0x80];
        self.registers[usize::from(WHO_AM_I)] = self.identity;
        // IF_INC
        self.registers[usize::from(CTRL3_C)] = 0b100;
    }

    /// A sample in m/s² and rad/s: what registers hold of it, by the ranges that are set, where the sensor is on.
    pub fn measure(&mut self, acceleration: [f64; 3], rotation: [f64; 3]) {
        // FS_XL: ±2, ±16, ±4, ±8 g.
        let [xl, g] = [CTRL1_XL, CTRL2_G].map(|register| self.registers[usize::from(register)]);
        let mg = [0.061, 0.488, 0.122, 0.244][usize::from(xl >> 2 & 0b11)];
        // FS_G: ±250, ±500, ±1000, ±2000 °/s, or by FS_125 ±125.
        let mdps = if g & 0b10 != 0 { 4.375 } else { [8.75, 17.5, 35.0, 70.0][usize::from(g >> 2 & 0b11)] };
        if g >> 4 != 0 {
            self.put(OUTX_L_G, rotation.map(|value| value * 180.0 / PI * 1000.0 / mdps));
            self.registers[usize::from(STATUS)] |= 0b10;
        }
        if xl >> 4 != 0 {
            self.put(OUTX_L_XL, acceleration.map(|value| value / 9.80665 * 1000.0 / mg));
            self.registers[usize::from(STATUS)] |= 0b01;
        }
    }

    /// The data registers as they are, ready to be read.
    pub fn hold(&mut self, bytes: [u8; 12]) {
        self.registers[usize::from(OUTX_L_G)..][..12].copy_from_slice(&bytes);
        self.registers[usize::from(STATUS)] |= 0b11;
    }

    fn put(&mut self, first: u8, counts: [f64; 3]) {
        let bytes = counts.iter().flat_map(|count| (count.round() as i16).to_le_bytes());
        for (register, byte) in self.registers[usize::from(first)..].iter_mut().zip(bytes) {
            *register = byte;
        }
    }

    fn write(&mut self, byte: u8) {
        match self.pointer {
            CTRL3_C if byte & 1 != 0 => {
                self.resetting = self.reset_reads;
                self.registers[usize::from(CTRL3_C)] |= 1;
            }
            WHO_AM_I | STATUS..=OUTZ_H_XL => {}
            register => self.registers[usize::from(register)] = byte,
        }
        self.advance();
    }

    fn read(&mut self) -> u8 {
        let byte = self.registers[usize::from(self.pointer)];
        match self.pointer {
            CTRL3_C if byte & 1 != 0 && self.resetting == 0 => self.restore_defaults(),
            CTRL3_C => self.resetting = self.resetting.saturating_sub(1),
            // The high byte of its last axis was read: the sample is no longer new.
            0x27 => self.registers[usize::from(STATUS)] &= !0b10,
            OUTZ_H_XL => self.registers[usize::from(STATUS)] &= !0b01,
            _ => {}
        }
        self.advance();
        byte
    }

    fn advance(&mut self) {
        if self.registers[usize::from(CTRL3_C)] & 0b100 != 0 {
            self.pointer = (self.pointer + 1) % 0x80;
        }
    }
}

impl ErrorType for Simulated {
    type Error = BusError;
}

impl I2c for Simulated {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        self.transfers += 1;
        let error = match self.fault {
            Some(Fault::Stuck) => Some(ErrorKind::Bus),
            Some(Fault::NoData) if address == self.address => Some(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Data)),
            None if address == self.address => None,
            _ => Some(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address)),
        };
        if let Some(kind) = error {
            return Err(BusError(kind));
        }
        for operation in operations {
            match operation {
                Operation::Write(bytes) => {
                    let (&register, values) = bytes.split_first().expect("a transfer begins with a register");
                    self.pointer = register;
                    values.iter().for_each(|&value| self.write(value));
                }
                Operation::Read(bytes) => bytes.iter_mut().for_each(|byte| *byte = self.read()),
            }
        }
        Ok(())
    }
}

/// The bus for a driver that keeps it, while the test still has its hands on the sensor.
pub struct Wired<'a>(pub &'a RefCell<Simulated>);

impl ErrorType for Wired<'_> {
    type Error = BusError;
}

impl I2c for Wired<'_> {
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Result<(), BusError> {
        self.0.borrow_mut().transaction(address, operations)
    }
}
