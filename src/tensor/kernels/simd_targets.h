// Which instruction sets the SIMD loops are compiled for: included before Highway. Each one costs as much
// compile time as the first, so those that differ little from a neighbour are left out.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
