//! A layer, and inputs of it, on one backend and on the specification: int8 equal bit for bit, f32 within a bound.

use arbitrary::{Result, Unstructured};
use gru_core::backend::{Backend, Op, scalar::Scalar};
use gru_core::layout::{self, Gates, GruShape, INT8_DEPTH, Order, Scales, UNITS};
use gru_core::math::Rational;
use gru_core::slices::{GruInput, GruSlice, QGruInput, QGruSlice};
use gru_core::{F16, Quantized, Requantization, quant};

use super::random::Random;
use super::room::Room;

/// Largest difference of an f32 state to that of the specification: both are within 2e-6 of f64.
const F32_BOUND: f32 = 4e-6;

/// Most steps of a layer.
const STEPS: usize = 24;

/// Runs what the bytes describe.
pub struct Agreement<'a>(pub &'a [u8]);

impl Op for Agreement<'_> {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        let mut bytes = Unstructured::new(self.0);
        let done = match bytes.int_in_range(0..=4) {
            Ok(0) => int8::<B, i16>(backend, &mut bytes),
            Ok(1) => float(backend, &mut bytes),
            Ok(2) => half(backend, &mut bytes),
            _ => int8::<B, i8>(backend, &mut bytes),
        };
        done.expect("zeros follow the last byte");
    }
}

/// Sizes mostly of up to 40, and any gates.
fn shape(bytes: &mut Unstructured<'_>, order: Order) -> Result<GruShape> {
    let mut size = || -> Result<usize> {
        let most = if bytes.ratio(1, 8)? { 150 } else { 40 };
        bytes.int_in_range(1..=most)
    };
    let (input_size, hidden_size) = (size()?, size()?);
    Ok(GruShape { input_size, hidden_size, order, gates: *bytes.choose(&Gates::ALL)? })
}

/// Integers of up to `most` in magnitude: random ones, the extremes alone, or a single one.
fn integers(bytes: &mut Unstructured<'_>, len: usize, most: i32) -> Result<Vec<i32>> {
    let (kind, mut random) = (bytes.int_in_range(0..=3)?, Random(bytes.arbitrary()?));
    let single = bytes.int_in_range(-most..=most)?;
    let span = 2 * i64::from(most) + 1;
    let mut integer = || match kind {
        0 => single,
        1 if random.next() >> 63 == 0 => -most,
        1 => most,
        // A few among zeros.
        2 if random.next() >> 61 != 0 => 0,
        _ => ((random.next() >> 16) as i64 % span) as i32 - most,
    };
    Ok((0..len).map(|_| integer()).collect())
}

fn int8<B: Backend, V: Quantized + PartialEq + TryFrom<i32>>(backend: B, bytes: &mut Unstructured<'_>) -> Result<()> {
    let shape = shape(bytes, Order::INT8)?;
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let rows = gates.count() * hidden_size;
    let mut weights = |columns: usize| -> Result<Vec<i8>> {
        Ok(integers(bytes, rows * columns, 127)?.into_iter().map(|weight| weight as i8).collect())
    };
    let (weight_ih, weight_hh) = (weights(input_size)?, weights(hidden_size)?);
    let (input_shift, bias) = fitting(bytes, shape, &weight_ih, &weight_hh)?;
    let scaled = 4 * hidden_size;
    let multiplier: Vec<_> =
        integers(bytes, scaled, i16::MAX.into())?.iter().map(|m| m.unsigned_abs() as i16).collect();
    let shift: Vec<_> = integers(bytes, scaled, 31)?.iter().map(|shift| shift.unsigned_abs() as u8).collect();
    let requantization = Requantization { input_shift, view: bytes.int_in_range(1..=i16::MAX)? };

    let mut lanes = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
    shape.pack_int8(&weight_ih, &weight_hh, &mut lanes);
    let mut scales = vec![Scales::ZERO; layout::blocks(hidden_size)];
    Scales::pack(hidden_size, &bias, &multiplier, &shift, &mut scales);
    let layer = QGruSlice { shape, lanes: &lanes, scales: &scales, requantization };

    // A state is between candidates, which are tanh in Q0.15.
    let h: Vec<i32> = integers(bytes, hidden_size, i32::from(i16::MAX) << 15)?;
    let most = if size_of::<V>() == 1 { 127 } else { quant::WIDE_MAX.into() };
    let view = integers(bytes, hidden_size, most)?.into_iter().map(|q| V::try_from(q).unwrap_or_default());
    let mut found = (h, view.collect::<Vec<_>>());
    let mut expected = found.clone();
    let mut room = Room::new(input_size, hidden_size);
    for step in 0..bytes.int_in_range(1..=STEPS)? {
        let x = integers(bytes, input_size, quant::WIDE_MAX.into())?;
        let (high, low): (Vec<_>, Vec<_>) = x.iter().map(|&x| quant::split(x as i16)).unzip();
        let input = match bytes.int_in_range(0..=3)? {
            0 => QGruInput::OneHot(bytes.int_in_range(0..=input_size + 9)?),
            1 => QGruInput::Wide { high: &high, low: &low },
            _ => QGruInput::Dense(&high),
        };
        layer.step_on(Scalar, input, &mut expected.0, &mut expected.1, room.borrow()).expect("lengths fit");
        layer.step_on(backend, input, &mut found.0, &mut found.1, room.borrow()).expect("lengths fit");
        assert!(found == expected, "{}: {layer:?}, step {step}, {input:?}", B::NAME);
    }
    Ok(())
}

/// The largest shift up to one drawn, and biases, with which no accumulator can reach its bound.
fn fitting(
    bytes: &mut Unstructured<'_>,
    shape: GruShape,
    weight_ih: &[i8],
    weight_hh: &[i8],
) -> Result<(u8, Vec<i32>)> {
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let sum = |weights: &[i8], columns: usize, row: usize| -> i64 {
        weights[row * columns..][..columns].iter().map(|w| i64::from(w.unsigned_abs())).sum()
    };
    let (ih, hh) = (|row| sum(weight_ih, input_size, row), |row| sum(weight_hh, hidden_size, row));
    let room = |input: i64, hidden: i64| quant::ACCUMULATOR_BOUND - 1 - 127 * (input + hidden);
    let candidate = gates.count() - 1;
    let fits = |shift: u8| (0..candidate * hidden_size).all(|row| room(ih(row) << shift, hh(row)) >= 0);
    let drawn: u8 = bytes.int_in_range(0..=15)?;
    let input_shift = (0..=drawn).rev().find(|&shift| fits(shift)).expect("so few columns fit without a shift");

    let mut bias = integers(bytes, 4 * hidden_size, quant::ACCUMULATOR_BOUND as i32 - 1)?;
    let mut limit = |gate: usize, unit: usize, room: i64| {
        let bias = &mut bias[gate * hidden_size + unit];
        *bias = (*bias).clamp(-room as i32, room as i32);
    };
    for unit in 0..hidden_size {
        for place in 0..candidate {
            let row = place * hidden_size + unit;
            limit(gates.gate(place), unit, room(ih(row) << input_shift, hh(row)));
        }
        let row = candidate * hidden_size + unit;
        limit(2, unit, room(ih(row), 0));
        limit(3, unit, room(0, hh(row)));
    }
    Ok((input_shift, bias))
}

/// f32 numbers of up to `scale`.
fn reals(bytes: &mut Unstructured<'_>, len: usize, scale: f32) -> Result<Vec<f32>> {
    let mut random = Random(bytes.arbitrary()?);
    Ok((0..len).map(|_| random.unit() * scale).collect())
}

/// What an input holds.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    /// Up to 2.
    Ordinary,
    /// Those, and infinities, NaN, subnormal numbers and zeros: sums in any order give the same infinity or NaN.
    Special,
    /// Any.
    Wild,
}

impl Values {
    fn draw(self, bytes: &mut Unstructured<'_>, len: usize) -> Result<Vec<f32>> {
        const SPECIAL: [f32; 7] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-40, 0.0, -0.0];
        let mut x = reals(bytes, len, 2.0)?;
        match self {
            Self::Ordinary => {}
            Self::Special => {
                for _ in 0..bytes.int_in_range(0..=3)? {
                    x[bytes.choose_index(len)?] = *bytes.choose(&SPECIAL)?;
                }
            }
            Self::Wild => {
                let mut random = Random(bytes.arbitrary()?);
                x.fill_with(|| f32::from_bits((random.next() >> 32) as u32));
            }
        }
        Ok(x)
    }
}

/// Weights as layers begin with.
fn float<B: Backend>(backend: B, bytes: &mut Unstructured<'_>) -> Result<()> {
    let shape = shape(bytes, Order::F32)?;
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let scale = 1.0 / (hidden_size as f32).sqrt();
    let rows = gates.count() * hidden_size;
    let (weight_ih, weight_hh) = (reals(bytes, rows * input_size, scale)?, reals(bytes, rows * hidden_size, scale)?);
    let mut lanes = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&weight_ih, &weight_hh, lanes.as_flattened_mut());
    let mut bias = vec![[[0.0; UNITS]; 4]; layout::blocks(hidden_size)];
    layout::pack_rows(&reals(bytes, 4 * hidden_size, scale)?, hidden_size, &mut bias);
    let layer = GruSlice { shape, lanes: &lanes, bias: &bias };

    let values = *bytes.choose(&[Values::Ordinary, Values::Special, Values::Wild])?;
    let mut found = reals(bytes, hidden_size, 1.0)?;
    let mut expected = found.clone();
    let [mut first, mut second] = [(); 2].map(|()| vec![0.0; hidden_size]);
    for step in 0..bytes.int_in_range(1..=STEPS)? {
        let x = values.draw(bytes, input_size)?;
        let one_hot = bytes.ratio(1, 4)?;
        let input =
            if one_hot { GruInput::OneHot(bytes.int_in_range(0..=input_size + 9)?) } else { GruInput::Dense(&x) };
        layer.step_on::<_, Rational>(Scalar, input, &mut expected, [&mut first, &mut second]).expect("lengths fit");
        layer.step_on::<_, Rational>(backend, input, &mut found, [&mut first, &mut second]).expect("lengths fit");
        let agree = |(found, expected): (&f32, &f32)| match values {
            Values::Wild => found.is_nan() || found.abs() < 1.0 + F32_BOUND,
            _ => found.is_nan() && expected.is_nan() || (found - expected).abs() < F32_BOUND,
        };
        let context = || format!("{}: {shape:?}, step {step}, {input:?}: {found:?} for {expected:?}", B::NAME);
        assert!(found.iter().zip(&expected).all(agree), "{}", context());
        if !one_hot && x.iter().any(|x| x.is_nan()) {
            assert!(found.iter().all(|h| h.is_nan()), "{}", context());
        }
    }
    Ok(())
}

/// Any finite weights in f16, which give the bits that the same numbers give in f32.
fn half<B: Backend>(backend: B, bytes: &mut Unstructured<'_>) -> Result<()> {
    let shape = shape(bytes, Order::F32)?;
    let GruShape { input_size, hidden_size, gates, .. } = shape;
    let mut weights = |columns: usize| -> Result<Vec<F16>> {
        let mut random = Random(bytes.arbitrary()?);
        // An exponent of ones is that of infinities and NaN.
        let weight = |bits: u16| F16(if bits & 0x7c00 == 0x7c00 { bits ^ 0x4000 } else { bits });
        Ok((0..gates.count() * hidden_size * columns).map(|_| weight((random.next() >> 48) as u16)).collect())
    };
    let (weight_ih, weight_hh) = (weights(input_size)?, weights(hidden_size)?);
    let wide = |weights: &[F16]| weights.iter().map(|weight| weight.to_f32()).collect::<Vec<_>>();
    let mut halves = vec![[F16(0); UNITS]; shape.lanes()];
    shape.pack(&weight_ih, &weight_hh, halves.as_flattened_mut());
    let mut floats = vec![[0.0; UNITS]; shape.lanes()];
    shape.pack(&wide(&weight_ih), &wide(&weight_hh), floats.as_flattened_mut());
    let mut bias = vec![[[0.0; UNITS]; 4]; layout::blocks(hidden_size)];
    layout::pack_rows(&reals(bytes, 4 * hidden_size, 1.0)?, hidden_size, &mut bias);
    let (half, float) =
        (GruSlice { shape, lanes: &halves, bias: &bias }, GruSlice { shape, lanes: &floats, bias: &bias });

    let mut found = reals(bytes, hidden_size, 1.0)?;
    let mut expected = found.clone();
    let [mut first, mut second] = [(); 2].map(|()| vec![0.0; hidden_size]);
    for step in 0..bytes.int_in_range(1..=STEPS / 4)? {
        let x = Values::Special.draw(bytes, input_size)?;
        let input = GruInput::Dense(&x);
        half.step_on::<_, Rational>(backend, input, &mut found, [&mut first, &mut second]).expect("lengths fit");
        float.step_on::<_, Rational>(backend, input, &mut expected, [&mut first, &mut second]).expect("lengths fit");
        let same = |(found, expected): (&f32, &f32)| {
            found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan()
        };
        assert!(found.iter().zip(&expected).all(same), "{}: {shape:?}, step {step}: {found:?}", B::NAME);
    }
    Ok(())
}
