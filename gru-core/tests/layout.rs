//! Packing is a bijection onto the packed stream, less its padding.

use gru_core::layout::{self, DenseShape, Gates, GruShape, Order, UNITS};
use gru_core::{Dense, DenseWeights, Embedding, Quantize};

/// Every order that some family packs in, without what encoding adds.
const ORDERS: [Order; 4] = [
    Order::F32,
    Order { depth: 4, interleaved: true, offsets: 1 },
    Order { depth: 4, interleaved: false, offsets: 0 },
    Order { depth: 16, interleaved: false, offsets: 0 },
];

#[test]
fn every_weight_has_one_place_and_the_rest_is_padding() {
    for gates in Gates::ALL {
        for order in ORDERS {
            for (input_size, hidden_size) in [(1, 1), (3, 2), (6, 17), (5, 32), (9, 48)] {
                let shape = GruShape { input_size, hidden_size, order, gates };
                let ih: Vec<u32> = (1..).take(gates.count() * hidden_size * input_size).collect();
                let hh: Vec<u32> = (100_000..).take(gates.count() * hidden_size * hidden_size).collect();
                let mut packed = vec![0; shape.lanes() * UNITS * order.depth];
                shape.pack(&ih, &hh, &mut packed);
                let mut kept: Vec<u32> = packed.into_iter().filter(|&w| w != 0).collect();
                kept.sort_unstable();
                assert_eq!(kept, [ih, hh].concat());
            }
        }
    }
}

#[test]
fn dense_weights_have_one_place_each() {
    for order in ORDERS {
        for (input_size, output_size) in [(1, 1), (3, 2), (6, 17), (33, 4)] {
            let shape = DenseShape { input_size, output_size, order };
            let weight: Vec<u32> = (1..).take(output_size * input_size).collect();
            let mut packed = vec![0; shape.lanes() * UNITS * order.depth];
            shape.pack(&weight, &mut packed);
            let mut kept: Vec<u32> = packed.into_iter().filter(|&w| w != 0).collect();
            kept.sort_unstable();
            assert_eq!(kept, weight);
        }
    }
}

#[test]
fn bytes_are_known_in_constants_as_they_lie_in_memory() {
    static WEIGHTS: DenseWeights<2, 1, { layout::dense_f32_lanes(2, 1) }, { layout::blocks(1) }> =
        DenseWeights::pack(&[[0.5, -3.0]], &[-2.0]);
    static DENSE: Dense<2, 1> = Dense::new(&WEIGHTS);
    const PARTS: [&[u8]; 2] = DENSE.bytes();
    let lane = |value: f32| [&value.to_ne_bytes()[..], &[0; 4 * (UNITS - 1)]].concat();
    assert_eq!(PARTS, [&[lane(0.5), lane(-3.0)].concat()[..], &lane(-2.0)]);

    const QUANTIZE: Quantize<2> = Quantize::new([-2, 1], [3, 4], [5, 6]);
    assert_eq!(
        QUANTIZE.bytes(),
        [&[-2i16, 1].map(i16::to_ne_bytes).concat()[..], &[3i16, 4].map(i16::to_ne_bytes).concat(), &[5, 6]]
    );
    static TABLE: [[i8; 2]; 2] = [[1, 2], [3, -1]];
    assert_eq!(Embedding::new(&TABLE).bytes(), [&[1, 2, 3, 255][..]]);
}
