//! Readings of the IMU in the counts that the model was calibrated for.
//!
//! The model knows the smartwatch's channels, `[ax, ay, az, gx, gy, gz]`, in counts of [`INPUT_LSB`]: acceleration
//! without gravity in m/s², rotation in rad/s. Its axes are those of the watch; the sensor's are taken as they are, x for x.

use crate::lsm6ds::{ACCELERATION_PER_COUNT, ROTATION_PER_COUNT, Reading};
use crate::model::{INPUT_LSB, INPUT_SIZE};

/// What the model takes: x, y, z of acceleration without gravity, then of rotation.
pub type Counts = [i16; INPUT_SIZE];

/// Fraction bits of [`SCALES`]: the error of a product is below 2⁻⁹ counts.
const SCALE_BITS: u32 = 24;

/// The model's counts of one count of the sensor, by channel.
const SCALES: [i64; INPUT_SIZE] = {
    let mut scales = [0; INPUT_SIZE];
    let mut channel = 0;
    while channel < INPUT_SIZE {
        let unit = if channel < 3 { ACCELERATION_PER_COUNT } else { ROTATION_PER_COUNT };
        scales[channel] = (unit / INPUT_LSB[channel] as f64 * (1 << SCALE_BITS) as f64 + 0.5) as i64;
        channel += 1;
    }
    scales
};

/// A reading in the model's counts, rounded to the nearest, with gravity in it and beyond the model's range where the sensor's is larger.
///
/// ```
/// use firmware_imu::{counts::convert, lsm6ds::Reading};
///
/// // 1 g along z, one radian a second about x.
/// let reading = Reading { acceleration: [0, 0, 4098], rotation: [819, 0, 0] };
/// assert_eq!(convert(&reading), [0, 0, 10_041, 376, 0, 0]);
/// ```
#[must_use]
pub fn convert(reading: &Reading) -> [i32; INPUT_SIZE] {
    let Reading { acceleration: [ax, ay, az], rotation: [gx, gy, gz] } = *reading;
    let raw = [ax, ay, az, gx, gy, gz];
    // At most 2¹⁵ · 2.5.
    core::array::from_fn(|channel| {
        ((i64::from(raw[channel]) * SCALES[channel] + (1 << (SCALE_BITS - 1))) >> SCALE_BITS) as i32
    })
}

/// Takes gravity out of the acceleration: a slow average of it, which the first sample starts.
///
/// What is constant for some seconds is taken for gravity, and what turns faster than that is not: the model is less often right than over
/// acceleration that has none, which `tests/recordings.rs` measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Gravity {
    /// In the model's counts, with [`AVERAGE_BITS`] fraction bits.
    average: Option<[i32; 3]>,
}

/// The average moves by 2⁻³ of the difference at every sample: at ten a second, a time constant of 0.8 s.
const AVERAGE_BITS: u32 = 3;

impl Gravity {
    /// Converted counts without it, to within a count.
    pub fn remove(&mut self, mut counts: [i32; INPUT_SIZE]) -> [i32; INPUT_SIZE] {
        let [ax, ay, az, _, _, _] = counts;
        let average = self.average.get_or_insert([ax, ay, az].map(|count| count << AVERAGE_BITS));
        for (count, average) in counts.iter_mut().zip(average) {
            *average += *count - (*average >> AVERAGE_BITS);
            *count -= *average >> AVERAGE_BITS;
        }
        counts
    }
}

/// What the model takes of converted counts.
#[must_use]
pub fn saturate(counts: [i32; INPUT_SIZE]) -> Counts {
    counts.map(|count| count.clamp(i16::MIN.into(), i16::MAX.into()) as i16)
}

/// Whether a channel is at the end of its range, in the sensor or in the model: the value is not what was there.
#[must_use]
pub fn clipped(reading: &Reading, counts: &Counts) -> bool {
    let at_end = |count: &i16| matches!(*count, i16::MIN | i16::MAX);
    reading.acceleration.iter().chain(&reading.rotation).chain(counts).any(at_end)
}
