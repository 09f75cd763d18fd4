// Arithmetic of quantising: one row of floats to codes and f16 scales. Deterministic on every CPU
// and for every thread count (sums run in one order). Not where rows come from or go (loader.h).
#pragma once

#include <cstdint>
#include <span>

#include "engine/load/fit_kernels.h"
#include "engine/tensor/dtype.h"

namespace visavis::load {

/// Symmetric 4-bit codes (levels -8..7 stored as 0..15, even column in the low nibble), one f16
/// scale per group, which may be negative. The scale minimises the squared error: 8 candidates (the
/// largest value kept or clipped), then 4 finer ones around the best with either sign, each with
/// its least-squares scale. No data needed. codes: ceil(n / 2) bytes; scales: ceil(n / group).
/// False if a value is too large for an f16 scale. The values must be finite.
/// group: 32, 64 or 128. Every kernel gives the same bits.
[[nodiscard]] bool quantize_int4_row(std::span<const float> row, int64_t group, uint8_t* codes,
                                     tensor::F16* scales, const FitKernel& kernel = fit_kernel());

/// Codes -127..127 with scale = largest magnitude / 127; group 0 = one scale for the row.
[[nodiscard]] bool quantize_int8_row(std::span<const float> row, int64_t group, int8_t* codes,
                                     tensor::F16* scales);

}  // namespace visavis::load
