//! The products of a backend against the sums of their terms.

use super::random::Random;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use gru_core::backend::{Backend, Columns, I32Lane, Int8Lane, Lanes, Op, Prepared};
use gru_core::layout::{DenseShape, INT8_DEPTH, Order, SUM_BITS, UNITS};
use std::array;

/// The products of one and of several inputs are the sums of their terms.
pub struct Products;

impl Op for Products {
    type Output = ();

    fn run<B: Backend>(self, backend: B) {
        for columns in (1..=70).filter(|columns| !cfg!(miri) || [6, 19].contains(columns)) {
            for extreme in [false, true].into_iter().skip(usize::from(cfg!(miri))) {
                products::<B, 1, 1>(backend, columns, extreme);
                products::<B, 2, 1>(backend, columns, extreme);
                products::<B, 3, 1>(backend, columns, extreme);
                products::<B, 3, 2>(backend, columns, extreme);
                joined::<B, 1>(backend, columns, extreme);
                paired::<B, 1>(backend, columns, extreme);
                paired::<B, 2>(backend, columns, extreme);
                paired::<B, 3>(backend, columns, extreme);
                if !cfg!(miri) {
                    products::<B, 3, 8>(backend, columns, extreme);
                    joined::<B, 2>(backend, columns, extreme);
                }
            }
        }
    }
}

/// Only what calls the backend depends on its type: the rest is compiled once.
fn products<B: Backend, const G: usize, const S: usize>(backend: B, columns: usize, extreme: bool) {
    let case = Case::of(0, G, S, columns, extreme);
    let lanes = backend.lanes();

    let mut rooms = [(); S].map(|()| vec![Prepared::default(); columns]);
    let mut sums = [[lanes.load_i32(&[0; UNITS]); G]; S];
    let mut inputs = [Columns { values: &[], prepared: &[] }; S];
    for (s, room) in rooms.iter_mut().enumerate() {
        backend.prepare(&case.x[s], room);
        inputs[s] = Columns { values: &case.x[s], prepared: room };
        for (g, sum) in sums[s].iter_mut().enumerate() {
            *sum = lanes.load_i32(&case.before(s, g));
        }
    }
    let sums = backend.product_int8(sums, &case.panel, inputs);
    for (s, g) in case.pairs() {
        let mut found = [0; UNITS];
        lanes.store_i32(sums[s][g], &mut found);
        case.check_int8(s, g, found);
    }

    let mut sums = [[lanes.load_f32(&[Case::BEFORE; UNITS]); G]; S];
    let mut inputs: [&[f32]; S] = [&[]; S];
    for (input, x) in inputs.iter_mut().zip(&case.float_x) {
        *input = x;
    }
    sums = backend.product_f32(sums, &case.float_panel, inputs);
    for (s, g) in case.pairs() {
        let mut found = [0.0; UNITS];
        lanes.store_f32(sums[s][g], &mut found);
        case.check_f32(s, g, found);
    }
}

/// The products of pairs of panels with one input, where a backend has such.
fn joined<B: Backend, const P: usize>(backend: B, columns: usize, extreme: bool) {
    let lanes = backend.lanes();
    let mut sums = [[[lanes.load_i32(&[0; UNITS]); 3]; 2]; P];
    if !backend.product_int8_pairs(&mut sums, [[&[]; 2]; P], Columns { values: &[], prepared: &[] }) {
        return;
    }
    let cases: [[_; 2]; P] =
        array::from_fn(|p| array::from_fn(|b| Case::of((2 * p + b) as u64, 3, 1, columns, extreme)));
    let x = &cases[0][0].x[0];
    let mut room = vec![Prepared::default(); columns];
    backend.prepare(x, &mut room);
    let mut panels: [[&[Int8Lane]; 2]; P] = [[&[]; 2]; P];
    for p in 0..P {
        for b in 0..2 {
            panels[p][b] = &cases[p][b].panel;
            for (g, sums) in sums[p][b].iter_mut().enumerate() {
                *sums = lanes.load_i32(&cases[p][b].before(0, g));
            }
        }
    }
    assert!(backend.product_int8_pairs(&mut sums, panels, Columns { values: x, prepared: &room }));
    for (case, sums) in cases.as_flattened().iter().zip(sums.as_flattened()) {
        for (g, sums) in sums.iter().enumerate() {
            let mut found = [0; UNITS];
            lanes.store_i32(*sums, &mut found);
            case.check_int8(0, g, found);
        }
    }
}

/// The products of two panels with one f32 input, where a backend has such.
fn paired<B: Backend, const G: usize>(backend: B, columns: usize, extreme: bool) {
    if !B::F32_PAIRS {
        return;
    }
    let lanes = backend.lanes();
    let cases = [0, 1].map(|block| Case::of(block, G, 1, columns, extreme));
    let before = [[lanes.load_f32(&[Case::BEFORE; UNITS]); G]; 2];
    let panels = [&cases[0].float_panel[..], &cases[1].float_panel];
    let sums = backend.product_f32_pair(before, panels, &cases[0].float_x[0]);
    for (case, sums) in cases.iter().zip(sums) {
        for (g, sum) in sums.into_iter().enumerate() {
            let mut found = [0.0; UNITS];
            lanes.store_f32(sum, &mut found);
            case.check_f32(0, g, found);
        }
    }
}

/// One block of some gates, and some inputs.
struct Case {
    columns: usize,
    /// `[G][UNITS, columns]`.
    weights: Vec<Vec<i8>>,
    panel: Vec<Int8Lane>,
    x: Vec<Vec<i8>>,
    float_panel: Vec<[f32; UNITS]>,
    float_x: Vec<Vec<f32>>,
}

impl Case {
    /// What an f32 product is added to.
    const BEFORE: f32 = 0.5;

    /// One of several blocks that have the same inputs. Made once for all backends: Miri takes longer for it than for a product.
    fn of(block: u64, gates: usize, inputs: usize, columns: usize, extreme: bool) -> Arc<Self> {
        type Arguments = (u64, usize, usize, usize, bool);
        static MADE: Mutex<BTreeMap<Arguments, Arc<Case>>> = Mutex::new(BTreeMap::new());
        let mut made = MADE.lock().expect("making a case does not panic");
        let case = made
            .entry((block, gates, inputs, columns, extreme))
            .or_insert_with(|| Arc::new(Self::random(block, gates, inputs, columns, extreme)));
        Arc::clone(case)
    }

    fn random(block: u64, gates: usize, inputs: usize, columns: usize, extreme: bool) -> Self {
        let int8 = |random: &mut Random, len: usize| -> Vec<i8> {
            let value = |_| {
                let value = (random.unit() * 127.9) as i8;
                if extreme { value.signum() * 127 } else { value }
            };
            (0..len).map(value).collect()
        };
        let (mut of_weights, mut of_inputs) = (Random(3 + block), Random(2));
        let weights: Vec<_> = (0..gates).map(|_| int8(&mut of_weights, UNITS * columns)).collect();
        let x: Vec<_> = (0..inputs).map(|_| int8(&mut of_inputs, columns)).collect();
        // Every gate packed as a dense layer of one block, then merged into one panel.
        let shape = DenseShape { input_size: columns, output_size: UNITS, order: Order::INT8 };
        let mut panel: Vec<Int8Lane> = vec![[[0; INT8_DEPTH]; UNITS]; Order::INT8.panel(gates, columns)];
        for (gate, weight) in weights.iter().enumerate() {
            let mut alone = vec![[[0; INT8_DEPTH]; UNITS]; shape.lanes()];
            shape.pack_int8(weight, &mut alone);
            for (offset, &lane) in alone.iter().enumerate().take(Order::INT8.offsets) {
                panel[offset * gates + gate] = lane;
            }
            for group in 0..Order::INT8.groups(columns) {
                panel[Order::INT8.lane(gates, columns, gate, group)] = alone[Order::INT8.lane(1, columns, 0, group)];
            }
        }
        let float_panel = (0..columns * gates)
            .map(|at| array::from_fn(|u| f32::from(weights[at % gates][u * columns + at / gates]) * 1e-3));
        let float_x = x.iter().map(|x| x.iter().map(|&x| f32::from(x) / 127.0).collect());
        Self { float_panel: float_panel.collect(), float_x: float_x.collect(), columns, weights, panel, x }
    }

    /// What an int8 product is added to.
    fn before(&self, input: usize, gate: usize) -> I32Lane {
        array::from_fn(|u| (input * 7000 + gate * 1000 + u) as i32)
    }

    /// Every input with every gate.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let gates = self.weights.len();
        (0..self.x.len() * gates).map(move |at| (at / gates, at % gates))
    }

    fn check_int8(&self, input: usize, gate: usize, found: I32Lane) {
        let before = self.before(input, gate);
        for (u, weights) in self.weights[gate].chunks(self.columns).enumerate() {
            let terms = weights.iter().zip(&self.x[input]).map(|(&w, &x)| i32::from(w) * i32::from(x));
            let exact = before[u] + (terms.sum::<i32>() << SUM_BITS);
            assert_eq!(found[u], exact, "{} columns, gate {gate}, input {input}, unit {u}", self.columns);
        }
    }

    fn check_f32(&self, input: usize, gate: usize, found: [f32; UNITS]) {
        let columns = self.float_panel.chunks(self.weights.len());
        for (u, found) in found.into_iter().enumerate() {
            let start = (f64::from(Self::BEFORE), f64::from(Self::BEFORE));
            let (exact, size) = columns.clone().zip(&self.float_x[input]).fold(start, |(sum, size), (column, &x)| {
                let term = f64::from(column[gate][u]) * f64::from(x);
                (sum + term, size + term.abs())
            });
            let bound = self.columns as f64 * size * f64::from(f32::EPSILON);
            assert!((f64::from(found) - exact).abs() <= bound, "{found} for {exact}, gate {gate}, input {input}");
        }
    }
}
