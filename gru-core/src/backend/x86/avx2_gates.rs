//! The int8 gates of AVX2: sixteen halves in a register.

use super::both;
use crate::math::fixed::{FAR, TANH_CUBICS};
use core::arch::x86_64::*;

/// A cubic of `|t|` in its segment.
#[derive(Clone, Copy)]
struct Cubic {
    value: __m256i,
    /// tanh of the magnitude.
    magnitude: __m256i,
    /// All ones where the segment is a far one.
    far: __m256i,
}

impl Cubic {
    #[target_feature(enable = "avx2")]
    #[inline]
    fn new(t: __m256i) -> Self {
        /// The low bytes of the coefficients of one power, then the high bytes.
        const fn table(power: usize) -> [u8; 32] {
            let mut table = [0; 32];
            let mut segment = 0;
            while segment < 16 {
                let [low, high] = TANH_CUBICS[segment][power].to_le_bytes();
                (table[segment], table[16 + segment]) = (low, high);
                segment += 1;
            }
            table
        }
        static TABLES: [[u8; 32]; 4] = [table(0), table(1), table(2), table(3)];
        let magnitude = _mm256_min_epu16(_mm256_abs_epi16(t), _mm256_set1_epi16(i16::MAX));
        let segment = _mm256_srli_epi16::<11>(magnitude);
        let fraction = _mm256_slli_epi16::<4>(_mm256_and_si256(magnitude, _mm256_set1_epi16(0x7ff)));
        // An index with its top bit set gives zero.
        let low = _mm256_or_si256(segment, _mm256_set1_epi16(i16::MIN));
        let high = _mm256_or_si256(_mm256_slli_epi16::<8>(segment), _mm256_set1_epi16(0x80));
        let [c0, c1, c2, c3] = TABLES.each_ref().map(|table| {
            // SAFETY: a table is as large as the register.
            let table = unsafe { _mm256_loadu_si256(table.as_ptr().cast()) };
            let (lows, highs) = (_mm256_permute4x64_epi64::<0x44>(table), _mm256_permute4x64_epi64::<0xee>(table));
            _mm256_or_si256(_mm256_shuffle_epi8(lows, low), _mm256_shuffle_epi8(highs, high))
        });
        let value = _mm256_add_epi16(c2, _mm256_mulhrs_epi16(fraction, c3));
        let value = _mm256_add_epi16(c1, _mm256_mulhrs_epi16(fraction, value));
        let value = _mm256_add_epi16(c0, _mm256_mulhrs_epi16(fraction, value));
        let far = _mm256_cmpgt_epi16(magnitude, _mm256_set1_epi16((FAR << 11) as i16 - 1));
        let near_one = _mm256_sub_epi16(_mm256_set1_epi16(i16::MAX), _mm256_srai_epi16::<4>(value));
        Self { value, magnitude: _mm256_blendv_epi8(value, near_one, far), far }
    }
}

/// tanh. Its magnitude is zero where `t` is, so that the sign of zero does not matter.
#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn tanh(t: __m256i) -> __m256i {
    _mm256_sign_epi16(Cubic::new(t).magnitude, t)
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn reset(t: __m256i, v: __m256i) -> __m256i {
    let sigmoid = _mm256_add_epi16(_mm256_srai_epi16::<1>(tanh(t)), _mm256_set1_epi16(1 << 14));
    _mm256_mulhrs_epi16(v, sigmoid)
}

/// The low or high half of a register of i16 with zeros above each.
#[target_feature(enable = "avx2")]
#[inline]
fn halves(values: __m256i) -> [__m256i; 2] {
    let (low, high) = (_mm256_castsi256_si128(values), _mm256_extracti128_si256::<1>(values));
    [_mm256_cvtepu16_epi32(low), _mm256_cvtepu16_epi32(high)]
}

#[target_feature(enable = "avx2")]
#[inline]
pub(super) fn update(z: __m256i, n: __m256i, h: [__m256i; 2]) -> [__m256i; 2] {
    let cubic = Cubic::new(z);
    let minus_tanh = _mm256_sub_epi16(_mm256_setzero_si256(), _mm256_sign_epi16(cubic.magnitude, z));
    let open = _mm256_add_epi16(_mm256_srai_epi16::<1>(minus_tanh), _mm256_set1_epi16(1 << 14));
    let nearly_closed = _mm256_andnot_si256(_mm256_srai_epi16::<15>(z), cubic.far);
    let complement = halves(_mm256_blendv_epi8(open, cubic.value, nearly_closed));
    let shift = halves(_mm256_and_si256(nearly_closed, _mm256_set1_epi16(5)));
    let n = halves(tanh(n));
    both!(i => {
        // (n, h >> 15) · (complement, −complement) by one instruction.
        let pair = _mm256_blend_epi16::<0xaa>(n[i], _mm256_slli_epi32::<1>(h[i]));
        let factors = _mm256_sub_epi32(complement[i], _mm256_slli_epi32::<16>(complement[i]));
        let change = _mm256_madd_epi16(pair, factors);
        _mm256_add_epi32(h[i], _mm256_srav_epi32(change, shift[i]))
    })
}
