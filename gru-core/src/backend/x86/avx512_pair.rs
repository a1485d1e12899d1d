//! The int8 gates of pairs of blocks: 32 halves in a register.
//!
//! The gates of a block are one chain of some ninety cycles, which fills the schedulers while the next product waits behind it; a register holds
//! the halves of two blocks, and the chains of two registers run side by side. `vpackssdw` puts four halves of the one block and four of the
//! other in turn side by side; everything in between works in that order, and unpacking undoes it.

use super::avx512::I32x16;
use crate::{
    layout::{Scales, UNITS},
    math::fixed::{FAR, TANH_CUBICS},
    quant::HEADROOM_BITS,
};
use core::arch::x86_64::*;

/// The next state of `P` pairs of blocks and the view of it, from the sums of r, z and n of the recurrent half and of n of the input half.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
pub(super) fn gates<const P: usize>(
    sums: &[[[I32x16; 3]; 2]; P],
    n_input: &[[I32x16; 2]; P],
    scales: [[&Scales<4>; 2]; P],
    multiplier: i16,
    h: &mut [i32],
    view: &mut [i8],
) {
    let zero = _mm512_setzero_si512();
    let half = _mm512_set1_epi16(1 << 14);
    let [mut r, mut z, mut n, mut n_hidden] = [[zero; P]; 4];
    for p in 0..P {
        let [first, second] = &sums[p];
        r[p] = requantize([first[0], second[0]], scales[p], 0);
        z[p] = requantize([first[1], second[1]], scales[p], 1);
        n[p] = requantize(n_input[p], scales[p], 2);
        n_hidden[p] = requantize([first[2], second[2]], scales[p], 3);
    }
    let r = Cubic::all(r);
    for p in 0..P {
        let reset = _mm512_add_epi16(_mm512_srai_epi16::<1>(r[p].tanh()), half);
        n[p] = _mm512_adds_epi16(n[p], _mm512_mulhrs_epi16(n_hidden[p], reset));
    }
    let z = Cubic::all(z);
    let n = Cubic::all(n);

    let [mut complements, mut shifts, mut candidates] = [[[zero; 2]; P]; 3];
    for p in 0..P {
        let magnitude = z[p].magnitude();
        let minus_tanh = _mm512_mask_sub_epi16(magnitude, !z[p].negative, zero, magnitude);
        let open = _mm512_add_epi16(_mm512_srai_epi16::<1>(minus_tanh), half);
        let nearly_closed = z[p].far & !z[p].negative;
        complements[p] = unpack(_mm512_mask_mov_epi16(open, nearly_closed, z[p].value));
        shifts[p] = unpack(_mm512_maskz_set1_epi16(nearly_closed, 5));
        candidates[p] = unpack(n[p].tanh());
    }
    for (p, h) in h.as_chunks_mut::<{ 2 * UNITS }>().0.iter_mut().enumerate().take(P) {
        let mut q15 = [zero; 2];
        for (block, h) in h.as_chunks_mut::<UNITS>().0.iter_mut().enumerate() {
            // SAFETY: a block is as large as the register.
            let before = unsafe { _mm512_loadu_epi32(h.as_ptr()) };
            // (n, h >> 15) · (complement, −complement) by one instruction.
            let pair = _mm512_mask_mov_epi16(candidates[p][block], 0xaaaa_aaaa, _mm512_slli_epi32::<1>(before));
            let complement = complements[p][block];
            let factors = _mm512_sub_epi32(complement, _mm512_slli_epi32::<16>(complement));
            let change = _mm512_srav_epi32(_mm512_madd_epi16(pair, factors), shifts[p][block]);
            let next = _mm512_add_epi32(before, change);
            // SAFETY: a block is as large as the register.
            unsafe { _mm512_storeu_epi32(h.as_mut_ptr(), next) };
            q15[block] = _mm512_srai_epi32::<16>(_mm512_slli_epi32::<1>(next));
        }
        candidates[p] = q15;
    }
    let multiplier = _mm512_set1_epi16(multiplier);
    // Of every four values of the one block and four of the other, those of the one to the front.
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 4, 8, 12, 1, 5, 9, 13);
    for (view, q15) in view.as_chunks_mut::<{ 2 * UNITS }>().0.iter_mut().zip(candidates) {
        let steps = _mm512_mulhrs_epi16(_mm512_packs_epi32(q15[0], q15[1]), multiplier);
        let steps = _mm512_max_epi16(steps, _mm512_set1_epi16(-127));
        let bytes = _mm512_permutexvar_epi32(order, _mm512_packs_epi16(steps, steps));
        // SAFETY: half a register holds the view of both blocks.
        unsafe { _mm256_storeu_si256(view.as_mut_ptr().cast(), _mm512_castsi512_si256(bytes)) };
    }
}

/// The sums of one gate as fixed-point values.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn requantize(sums: [I32x16; 2], scales: [&Scales<4>; 2], gate: usize) -> __m512i {
    let (mut shifted, mut multipliers) = ([_mm512_setzero_si512(); 2], [_mm512_setzero_si512(); 2]);
    for block in 0..2 {
        let (shift, multiplier) = (&scales[block].shift[gate], &scales[block].multiplier[gate]);
        // SAFETY: both arrays are as large as what is loaded.
        let (shift, multiplier) =
            unsafe { (_mm_loadu_si128(shift.as_ptr().cast()), _mm256_loadu_si256(multiplier.as_ptr().cast())) };
        let sum = _mm512_slli_epi32::<HEADROOM_BITS>(sums[block].0);
        shifted[block] = _mm512_srav_epi32(sum, _mm512_cvtepu8_epi32(shift));
        multipliers[block] = _mm512_castsi256_si512(multiplier);
    }
    let order = _mm512_setr_epi64(0, 8, 1, 9, 2, 10, 3, 11);
    let multiplier = _mm512_permutex2var_epi64(multipliers[0], order, multipliers[1]);
    _mm512_mulhrs_epi16(_mm512_packs_epi32(shifted[0], shifted[1]), multiplier)
}

/// The halves of each block, with zeros above them.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn unpack(values: __m512i) -> [__m512i; 2] {
    let zero = _mm512_setzero_si512();
    [_mm512_unpacklo_epi16(values, zero), _mm512_unpackhi_epi16(values, zero)]
}

/// A cubic of `|t|` in its segment, and where that is a far one.
#[derive(Clone, Copy)]
struct Cubic {
    value: __m512i,
    far: __mmask32,
    negative: __mmask32,
}

impl Cubic {
    /// Of several registers at once, whose chains run side by side.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn all<const P: usize>(t: [__m512i; P]) -> [Self; P] {
        /// The coefficients of one power, a lane a segment.
        const fn table(power: usize) -> [i16; 32] {
            let mut table = [0; 32];
            let mut segment = 0;
            while segment < 16 {
                table[segment] = TANH_CUBICS[segment][power];
                segment += 1;
            }
            table
        }
        static TABLES: [[i16; 32]; 4] = [table(0), table(1), table(2), table(3)];
        let mut cubics = [Self { value: _mm512_setzero_si512(), far: 0, negative: 0 }; P];
        let [mut segment, mut fraction] = [[_mm512_setzero_si512(); P]; 2];
        for p in 0..P {
            let magnitude = _mm512_min_epu16(_mm512_abs_epi16(t[p]), _mm512_set1_epi16(i16::MAX));
            segment[p] = _mm512_srli_epi16::<11>(magnitude);
            fraction[p] = _mm512_slli_epi16::<4>(_mm512_and_si512(magnitude, _mm512_set1_epi16(0x7ff)));
            cubics[p].far = _mm512_cmpgt_epi16_mask(magnitude, _mm512_set1_epi16((FAR << 11) as i16 - 1));
            cubics[p].negative = _mm512_movepi16_mask(t[p]);
        }
        for (power, table) in TABLES.iter().enumerate().rev() {
            // SAFETY: a table is as large as the register.
            let table = unsafe { _mm512_loadu_epi16(table.as_ptr()) };
            for p in 0..P {
                let coefficient = _mm512_permutexvar_epi16(segment[p], table);
                cubics[p].value = match power {
                    3 => coefficient,
                    _ => _mm512_add_epi16(coefficient, _mm512_mulhrs_epi16(fraction[p], cubics[p].value)),
                };
            }
        }
        cubics
    }

    /// tanh of the magnitude.
    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn magnitude(self) -> __m512i {
        let short_of_one = _mm512_srai_epi16::<4>(self.value);
        _mm512_mask_sub_epi16(self.value, self.far, _mm512_set1_epi16(i16::MAX), short_of_one)
    }

    #[target_feature(enable = "avx512f,avx512bw")]
    #[inline]
    fn tanh(self) -> __m512i {
        let magnitude = self.magnitude();
        _mm512_mask_sub_epi16(magnitude, self.negative, _mm512_setzero_si512(), magnitude)
    }
}
