//! Layers put together: tuples, symbols, windows, heads.

use std::array;

use gru_core::backend::scalar::Scalar;
use gru_core::layout::{self, Gates};
use gru_core::math::Rational;
use gru_core::{
    Dense, DenseWeights, Embedding, Gating, Gru, GruWeights, Layer, NoReset, NoUpdate, OneHot, QDense, QDenseWeights,
    QGru, QGruWeights, Quantize, QuantizeReal, Requantization, ResetAfter, ResetBefore, Stream, Wide, argmax, quant,
    softmax, softmax_q15,
};

mod random;
use random::Random;

const I: usize = 5;
const H: usize = 18;
const LANES: usize = layout::gru_f32_lanes(I, H);
const QLANES: usize = layout::gru_int8_lanes(I, H);
const BLOCKS: usize = layout::blocks(H);

/// A weight for every place, made at compile time.
const fn noise(seed: usize) -> i8 {
    ((seed as u32).wrapping_mul(0x9E37_79B1) >> 24) as i8 / 2
}

const fn weights_int8<const C: usize>(salt: usize) -> [[[i8; C]; H]; 3] {
    let mut weights = [[[0; C]; H]; 3];
    let mut at = 0;
    while at < 3 * H * C {
        weights[at / (H * C)][at / C % H][at % C] = noise(at + salt);
        at += 1;
    }
    weights
}

const fn weights_f32<const C: usize>(salt: usize) -> [[[f32; C]; H]; 3] {
    let source = weights_int8::<C>(salt);
    let mut weights = [[[0.0; C]; H]; 3];
    let mut at = 0;
    while at < 3 * H * C {
        weights[at / (H * C)][at / C % H][at % C] = source[at / (H * C)][at / C % H][at % C] as f32 / 256.0;
        at += 1;
    }
    weights
}

const WEIGHT_IH: [[[f32; I]; H]; 3] = weights_f32(0);
const WEIGHT_HH: [[[f32; H]; H]; 3] = weights_f32(1000);
const BIAS: [[f32; H]; 4] = [[0.1; H], [-0.2; H], [0.3; H], [-0.4; H]];
const QWEIGHT_IH: [[[i8; I]; H]; 3] = weights_int8(0);
const QWEIGHT_HH: [[[i8; H]; H]; 3] = weights_int8(1000);
const QBIAS: [[i32; H]; 4] = [[500; H], [-200; H], [300; H], [77; H]];
const MULTIPLIER: [[i16; H]; 4] = [[20_000; H], [30_000; H], [25_000; H], [17_000; H]];
const SHIFT: [[u8; H]; 4] = [[10; H], [11; H], [10; H], [5; H]];
const REQUANTIZATION: Requantization = Requantization { input_shift: 1, view: 140 };

static AFTER: GruWeights<I, H, ResetAfter, LANES, BLOCKS> = GruWeights::pack(&WEIGHT_IH, &WEIGHT_HH, &BIAS);
static BEFORE: GruWeights<I, H, ResetBefore, LANES, BLOCKS> = GruWeights::pack(&WEIGHT_IH, &WEIGHT_HH, &BIAS);
static QAFTER: QGruWeights<I, H, ResetAfter, QLANES, BLOCKS> =
    QGruWeights::pack(&QWEIGHT_IH, &QWEIGHT_HH, &QBIAS, &MULTIPLIER, &SHIFT, REQUANTIZATION);
static QBEFORE: QGruWeights<I, H, ResetBefore, QLANES, BLOCKS> =
    QGruWeights::pack(&QWEIGHT_IH, &QWEIGHT_HH, &QBIAS, &MULTIPLIER, &SHIFT, REQUANTIZATION);
static HEAD: DenseWeights<H, 3, { layout::dense_f32_lanes(H, 3) }, { layout::blocks(3) }> =
    DenseWeights::pack(&[[0.1; H], [-0.2; H], [0.3; H]], &[0.0, 0.1, 0.2]);
static QHEAD: QDenseWeights<H, 3, { layout::dense_int8_lanes(H, 3) }, { layout::blocks(3) }> =
    QDenseWeights::pack(&[[10; H], [-20; H], [30; H]], &[0, 100, 200], &[20_000; 3], &[9; 3]);

fn inputs(steps: usize) -> Vec<[f32; I]> {
    let mut random = Random(3);
    (0..steps).map(|_| array::from_fn(|_| random.unit())).collect()
}

fn int8_inputs(steps: usize) -> Vec<[i8; I]> {
    inputs(steps).into_iter().map(|x| x.map(|v| (v * 127.0) as i8)).collect()
}

fn readings(steps: usize) -> Vec<[i16; I]> {
    int8_inputs(steps).into_iter().map(|x| x.map(|x| i16::from(x) + 3)).collect()
}

#[test]
fn reset_placement_matters() {
    let (after, before): (Gru<I, H>, Gru<I, H, ResetBefore>) = (Gru::new(&AFTER), Gru::new(&BEFORE));
    let (mut a, mut b) = (Default::default(), Default::default());
    for x in inputs(3) {
        after.forward(Scalar, &x, &mut a);
        before.forward(Scalar, &x, &mut b);
    }
    assert_ne!(a, b);
}

static MODEL: (Gru<I, H>, Dense<H, 3>) = (Gru::new(&AFTER), Dense::new(&HEAD));
static QMODEL: (Quantize<I>, (QGru<I, H>, QDense<H, 3>)) =
    (Quantize::new([3; I], [20_000; I], [15; I]), (QGru::new(&QAFTER), QDense::new(&QHEAD)));

#[test]
fn a_tuple_feeds_each_layer_with_the_one_before() {
    let (mut state, mut cell_state) = (Default::default(), Default::default());
    for x in inputs(10) {
        let h = *MODEL.0.forward(Scalar, &x, &mut cell_state);
        assert_eq!(MODEL.forward(Scalar, &x, &mut state), MODEL.1.forward(Scalar, &h, &mut Default::default()));
    }
}

#[test]
fn tuples_nest() {
    let (mut state, mut flat) = (Default::default(), Default::default());
    for x in int8_inputs(10) {
        let readings = x.map(|x| i16::from(x) + 3);
        let quantized = readings.map(|r| quant::saturate_i8(quant::quantize(r, 3, 20_000, 15)));
        let view = *QMODEL.1.0.forward(Scalar, &quantized, &mut flat);
        assert_eq!(
            QMODEL.forward(Scalar, &readings, &mut state),
            QMODEL.1.1.forward(Scalar, &view, &mut Default::default())
        );
    }
}

/// A window and a step sum the products of f32 in different orders.
fn near(a: &[f32], b: &[f32]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6)
}

#[test]
fn a_window_is_its_steps_and_goes_on_from_the_state() {
    let xs = inputs(31);
    let mut outputs = [[0.0; 3]; 31];
    let mut state = Default::default();
    MODEL.window(&xs[..17], &mut outputs[..17], &mut state);
    MODEL.window(&xs[17..], &mut outputs[17..], &mut state);
    let mut stream = Stream::new(&MODEL);
    for (x, output) in xs.iter().zip(&outputs) {
        assert!(near(stream.step(x), output));
    }

    let readings = readings(31);
    let mut outputs = [[0; 3]; 31];
    let mut state = Default::default();
    QMODEL.window(&readings[..17], &mut outputs[..17], &mut state);
    QMODEL.window(&readings[17..], &mut outputs[17..], &mut state);
    let mut stream = Stream::new(&QMODEL);
    for (x, output) in readings.iter().zip(&outputs) {
        assert_eq!(stream.step(x), output);
    }
    assert_eq!(stream.state(), &state);
}

#[test]
fn a_batch_is_a_step_of_each_stream() {
    const STREAMS: usize = 19;
    let (mut outputs, mut states) = ([[0.0; 3]; STREAMS], array::from_fn::<_, STREAMS, _>(|_| Default::default()));
    let (mut ints, mut qstates) = ([[0; 3]; STREAMS], array::from_fn::<_, STREAMS, _>(|_| Default::default()));
    let mut streams: [_; STREAMS] = array::from_fn(|_| Stream::new(&MODEL));
    let mut qstreams: [_; STREAMS] = array::from_fn(|_| Stream::new(&QMODEL));
    for (xs, readings) in inputs(4 * STREAMS).chunks(STREAMS).zip(readings(4 * STREAMS).chunks(STREAMS)) {
        MODEL.step_batch(xs, &mut outputs, &mut states);
        QMODEL.step_batch(readings, &mut ints, &mut qstates);
        for s in 0..STREAMS {
            assert!(near(streams[s].step(&xs[s]), &outputs[s]));
            assert_eq!(qstreams[s].step(&readings[s]), &ints[s]);
            assert_eq!(qstreams[s].state(), &qstates[s]);
        }
    }
}

#[test]
fn a_window_stops_at_the_shorter_slice() {
    let xs = inputs(4);
    let mut outputs = [[7.0; 3]; 6];
    MODEL.window(&xs, &mut outputs, &mut Default::default());
    assert_eq!(outputs[4..], [[7.0; 3]; 2]);
    assert!(outputs[..4].iter().all(|y| y != &[7.0; 3]));
}

#[test]
fn reset_forgets_and_clone_remembers() {
    let xs = inputs(3);
    let mut stream = Stream::new(&MODEL);
    let first = *stream.step(&xs[0]);
    let mut fork = stream.clone();
    let second = *stream.step(&xs[1]);
    assert_eq!(fork.step(&xs[1]), &second);
    stream.reset();
    assert_eq!(stream.step(&xs[0]), &first);
    let mut state = stream.state().clone();
    MODEL.reset(&mut state);
    assert_eq!(state, Default::default());
}

#[test]
fn a_symbol_is_its_one_hot_vector() {
    let (dense, symbols) = (Gru::<I, H>::new(&AFTER), OneHot(Gru::<I, H>::new(&AFTER)));
    let (qdense, qsymbols) =
        (QGru::<I, H, ResetBefore>::new(&QBEFORE), OneHot(QGru::<I, H, ResetBefore>::new(&QBEFORE)));
    let (mut a, mut b, mut qa, mut qb) =
        (Default::default(), Default::default(), Default::default(), Default::default());
    // Symbols 5 and 7 have no column; 7 lies in the padding of the last int8 group.
    for symbol in [0, 4, 2, 5, 1, 7, 3, u16::MAX] {
        let hot = |one: i8| array::from_fn(|c| if c == usize::from(symbol) { one } else { 0 });
        let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(
            symbols
                .forward(Scalar, &symbol, &mut b)
                .iter()
                .zip(dense.forward(Scalar, &hot(1).map(f32::from), &mut a))
                .all(close)
        );
        assert_eq!(qsymbols.forward(Scalar, &symbol, &mut qb), qdense.forward(Scalar, &hot(127), &mut qa));
    }
}

#[test]
fn a_wide_input_is_an_int8_input_with_more_digits() {
    static WIDE: (Quantize<I, i16>, Wide<QGru<I, H>>) =
        (Quantize::new([0; I], [1 << 14; I], [14; I]), Wide(QGru::new(&QAFTER)));
    let narrow = QGru::<I, H>::new(&QAFTER);
    let (mut wide_state, mut narrow_state) = (Default::default(), Default::default());
    for x in int8_inputs(20) {
        let whole = x.map(|x| i16::from(x) << quant::WIDE_BITS);
        assert_eq!(WIDE.forward(Scalar, &whole, &mut wide_state), narrow.forward(Scalar, &x, &mut narrow_state));
    }
    // Less than half a step of int8 moves the wide layer alone.
    let (mut moved, mut still) = (Default::default(), Default::default());
    WIDE.forward(Scalar, &[60; I], &mut moved);
    WIDE.forward(Scalar, &[0; I], &mut still);
    assert_ne!(moved, still);
}

#[test]
fn every_wide_value_is_split_exactly() {
    for value in i16::MIN..=i16::MAX {
        let (high, low) = quant::split(value);
        let whole = (i32::from(high) << quant::WIDE_BITS) + i32::from(low);
        assert_eq!(whole, i32::from(value.clamp(-quant::WIDE_MAX, quant::WIDE_MAX)));
        assert!(high > i8::MIN && (-64..64).contains(&low));
    }
}

#[test]
fn an_embedding_feeds_a_cell() {
    static TABLE: [[f32; I]; 3] = [[0.5; I], [-0.5; I], [0.25; I]];
    static CELL: Gru<I, H> = Gru::new(&AFTER);
    let model = (Embedding::new(&TABLE), Gru::<I, H>::new(&AFTER));
    let (mut state, mut cell) = (Default::default(), Default::default());
    for symbol in [2, 0, 1, 9] {
        let row = TABLE.get(usize::from(symbol)).copied().unwrap_or_default();
        assert_eq!(model.forward(Scalar, &symbol, &mut state), CELL.forward(Scalar, &row, &mut cell));
    }
}

#[test]
fn a_nan_stays_until_reset_and_an_infinity_saturates() {
    let mut stream = Stream::new(&MODEL.0);
    stream.step(&[f32::NAN; I]);
    assert!(stream.step(&[0.0; I]).iter().all(|h| h.is_nan()));
    stream.reset();
    assert!(stream.step(&[0.0; I]).iter().all(|h| h.is_finite()));
}

#[test]
fn argmax_takes_the_first_of_equals_and_no_nan() {
    assert_eq!(argmax::<f32>(&[]), 0);
    assert_eq!(argmax(&[f32::NAN, f32::NAN]), 0);
    assert_eq!(argmax(&[f32::NAN, f32::NEG_INFINITY]), 1);
    assert_eq!(argmax(&[1, 3, 3, 2]), 1);
}

#[test]
fn softmax_of_any_finite_logits_sums_to_one() {
    let mut random = Random(9);
    for scale in [0.0, 1.0, 30.0, 1e30] {
        let mut y: [f32; 7] = array::from_fn(|_| random.unit() * scale);
        let top = argmax(&y);
        softmax::<Rational>(&mut y);
        assert!((y.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert_eq!(argmax(&y), top);
    }
}

#[test]
fn integer_softmax_is_within_its_bound() {
    let mut random = Random(10);
    for frac_bits in 0..=15 {
        for _ in 0..500 {
            let logits: [i16; 6] = array::from_fn(|_| (random.next() >> 48) as i16);
            let top = logits.into_iter().max().unwrap();
            let exact: [f64; 6] = logits.map(|y| ((f64::from(y) - f64::from(top)) / f64::from(1 << frac_bits)).exp());
            let sum: f64 = exact.iter().sum();
            for (p, exact) in softmax_q15(&logits, frac_bits).iter().zip(exact) {
                let error = f64::from(*p) / 32768.0 - exact / sum;
                assert!(error.abs() < 3e-4, "{error:e}");
            }
        }
    }
}

#[test]
fn readings_are_quantised_by_the_rounding_rule() {
    for reading in i16::MIN..=i16::MAX {
        let exact = (f64::from(reading) - 3.0).clamp(-32768.0, 32767.0) * 20_000.0 / 32768.0;
        assert_eq!(
            quant::saturate_i8(quant::quantize(reading, 3, 20_000, 15)),
            (exact + 0.5).floor().clamp(-127.0, 127.0) as i8,
            "{reading}"
        );
    }
}

#[test]
fn a_shift_beyond_the_documented_is_one_within() {
    for shift in 0..=u8::MAX {
        for reading in [i16::MIN, -1, 0, i16::MAX] {
            let within = if shift & 31 == 0 { 1 } else { shift & 31 };
            assert_eq!(
                quant::quantize(reading, -7, i16::MAX, shift),
                quant::quantize(reading, -7, i16::MAX, within),
                "{shift}"
            );
        }
    }
}

#[test]
fn what_is_outside_is_counted_by_the_first_layer() {
    static INPUT: Quantize<I> = Quantize::new([100; I], [1 << 14; I], [15; I]);
    static MODEL: (Quantize<I>, QGru<I, H>) = (INPUT, QGru::new(&QAFTER));
    // Steps of two counts around 100; the difference to i16::MIN saturates besides.
    for (reading, outside) in [(100, 0), (354, 0), (355, 1), (-154, 0), (-156, 1), (i16::MIN, 1), (i16::MAX, 1)] {
        let mut x = [100; I];
        x[3] = reading;
        assert_eq!(MODEL.outside(&x), outside, "{reading}");
        assert_eq!(Stream::new(&MODEL).outside(&[reading; I]), outside * I, "{reading}");
    }
    let real = QuantizeReal::<4, i16>::new([0.0; 4], [128.0; 4]);
    assert_eq!(real.outside(&[127.0, -127.0, 0.0, 1e-40]), 0);
    assert_eq!(real.outside(&[127.1, -1e38, f32::NAN, f32::INFINITY]), 4);
    assert_eq!(
        Wide(QGru::<I, H>::new(&QAFTER)).outside(&[quant::WIDE_MAX, -quant::WIDE_MAX, i16::MAX, i16::MIN, 0]),
        2
    );
    assert_eq!(QGru::<I, H>::new(&QAFTER).outside(&[127, -127, -128, 0, 1]), 1);
    assert_eq!(Gru::<I, H>::new(&AFTER).outside(&[f32::MAX, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0]), 3);
    let symbols = OneHot(QGru::<I, H>::new(&QAFTER));
    assert_eq!([4, 5, u16::MAX].map(|symbol| symbols.outside(&symbol)), [0, 1, 1]);
}

#[test]
fn the_state_never_leaves_the_interval_to_its_target_and_never_stalls() {
    let mut random = Random(11);
    for _ in 0..200_000 {
        let (t, n) = ((random.next() >> 48) as i16, ((random.next() >> 48) as i16).max(-32767));
        let h = (random.unit() * (1 << quant::STATE_BITS) as f32) as i32;
        let next = quant::update(t, n, h);
        let (low, high) = ((h >> 15).min(i32::from(n)), (h >> 15).max(i32::from(n)));
        assert!((low..=high).contains(&(next >> 15)), "t {t}, n {n}, h {h}");
        if t < 4096 * 5 && h >> 15 != i32::from(n) {
            assert_ne!(next, h, "t {t}, n {n}");
        }
    }
}

#[test]
fn gatings_are_what_they_say() {
    let gatings = [
        ResetAfter::GATES,
        ResetBefore::GATES,
        NoReset::GATES,
        NoUpdate::<ResetAfter>::GATES,
        NoUpdate::<ResetBefore>::GATES,
        NoUpdate::<NoReset>::GATES,
    ];
    assert_eq!(gatings, Gates::ALL);
    assert_eq!(Gates::ALL.map(|gates| gates.count()), [3, 3, 2, 2, 2, 1]);
}

#[test]
fn layers_are_described_by_their_sizes() {
    assert_eq!(format!("{QMODEL:?}"), format!("({:?}, (QGru[5, 18], QDense[18, 3]))", QMODEL.0));
    assert_eq!(format!("{:?}", Embedding::<i8, 2, 1>::new(&[[1], [2]])), "Embedding[2, 1]");
    assert!(
        format!("{:?}", Stream::new(&MODEL))
            .starts_with("Stream { model: (Gru[5, 18], Dense[18, 3]), state: (GruState { h: [0.0")
    );
}
