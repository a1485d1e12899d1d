//! The int8 gates of one block on AVX-512: sixteen halves in half a register. Pairs of blocks have [theirs](super::avx512_pair).

use crate::math::fixed::{FAR, TANH_CUBICS};
use core::arch::x86_64::*;

/// A cubic of `|t|` in its segment, and where that is a far one.
#[derive(Clone, Copy)]
struct Cubic {
    value: __m256i,
    far: __mmask16,
    negative: __mmask16,
}

impl Cubic {
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn new(t: __m256i) -> Self {
        /// The coefficients of one power, a lane a segment.
        const fn table(power: usize) -> [i16; 16] {
            let mut table = [0; 16];
            let mut segment = 0;
            while segment < 16 {
                table[segment] = TANH_CUBICS[segment][power];
                segment += 1;
            }
            table
        }
        static TABLES: [[i16; 16]; 4] = [table(0), table(1), table(2), table(3)];
        let magnitude = _mm256_min_epu16(_mm256_abs_epi16(t), _mm256_set1_epi16(i16::MAX));
        let segment = _mm256_srli_epi16::<11>(magnitude);
        let fraction = _mm256_slli_epi16::<4>(_mm256_and_si256(magnitude, _mm256_set1_epi16(0x7ff)));
        let [c0, c1, c2, c3] = TABLES.each_ref().map(|table| {
            // SAFETY: a table is as large as the register.
            _mm256_permutexvar_epi16(segment, unsafe { _mm256_loadu_si256(table.as_ptr().cast()) })
        });
        let value = _mm256_add_epi16(c2, _mm256_mulhrs_epi16(fraction, c3));
        let value = _mm256_add_epi16(c1, _mm256_mulhrs_epi16(fraction, value));
        let value = _mm256_add_epi16(c0, _mm256_mulhrs_epi16(fraction, value));
        let far = _mm256_cmpgt_epi16_mask(magnitude, _mm256_set1_epi16((FAR << 11) as i16 - 1));
        Self { value, far, negative: _mm256_movepi16_mask(t) }
    }

    /// tanh of the magnitude.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn magnitude(self) -> __m256i {
        let short_of_one = _mm256_srai_epi16::<4>(self.value);
        _mm256_mask_sub_epi16(self.value, self.far, _mm256_set1_epi16(i16::MAX), short_of_one)
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
    #[inline]
    fn tanh(self) -> __m256i {
        let magnitude = self.magnitude();
        _mm256_mask_sub_epi16(magnitude, self.negative, _mm256_setzero_si256(), magnitude)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
pub(super) fn tanh(t: __m256i) -> __m256i {
    Cubic::new(t).tanh()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
pub(super) fn reset(t: __m256i, v: __m256i) -> __m256i {
    let half_tanh = _mm256_srai_epi16::<1>(tanh(t));
    _mm256_mulhrs_epi16(v, _mm256_add_epi16(half_tanh, _mm256_set1_epi16(1 << 14)))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
#[inline]
pub(super) fn update(z: __m256i, n: __m256i, h: __m512i) -> __m512i {
    let cubic = Cubic::new(z);
    let magnitude = cubic.magnitude();
    let minus_tanh = _mm256_mask_sub_epi16(magnitude, !cubic.negative, _mm256_setzero_si256(), magnitude);
    let open = _mm256_add_epi16(_mm256_srai_epi16::<1>(minus_tanh), _mm256_set1_epi16(1 << 14));
    let nearly_closed = cubic.far & !cubic.negative;
    let complement = _mm512_cvtepu16_epi32(_mm256_mask_mov_epi16(open, nearly_closed, cubic.value));
    // (n, h >> 15) · (complement, −complement) by one instruction.
    let n = _mm512_cvtepu16_epi32(Cubic::new(n).tanh());
    let pair = _mm512_mask_mov_epi16(n, 0xaaaa_aaaa, _mm512_slli_epi32::<1>(h));
    let factors = _mm512_sub_epi32(complement, _mm512_slli_epi32::<16>(complement));
    let change = _mm512_madd_epi16(pair, factors);
    _mm512_add_epi32(h, _mm512_mask_srai_epi32::<5>(change, nearly_closed, change))
}
