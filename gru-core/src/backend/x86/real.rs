//! f32 arithmetic on one register of each width.

use crate::backend::registers::real;
use core::arch::x86_64::*;

real!(
    F32x16,
    __m512,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    |x, a, b| _mm512_fmadd_ps(x, a, b)
);
real!(
    F32x8,
    __m256,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    |x, a, b| _mm256_fmadd_ps(x, a, b)
);
real!(
    F32x4,
    __m128,
    4,
    _mm_set1_ps,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps,
    _mm_sub_ps,
    _mm_mul_ps,
    _mm_div_ps,
    _mm_min_ps,
    _mm_max_ps,
    |x, a, b| _mm_add_ps(_mm_mul_ps(x, a), b)
);
