// Stored floats of any alignment to f32, with a check that they are numbers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/tensor/dtype.h"

namespace visavis::load {

/// Whether the type is one that weights may be stored in: f32, bf16 or f16.
bool is_weight_type(tensor::DType dtype);

/// Writes `count` values as f32. Returns false if any is NaN or infinite (out then holds
/// something).
[[nodiscard]] bool widen(tensor::DType dtype, const std::byte* stored, int64_t count, float* out);

}  // namespace visavis::load
