// The block formats of GGUF files: sizes and the plain reference that unpacks one block. Fast
// kernels live in ops/; reading GGUF files is a container's business.
#pragma once

#include <cstddef>
#include <string_view>

#include "engine/tensor/weight.h"

namespace visavis::tensor {

/// Values in the largest block of any format.
inline constexpr int64_t kLargestBlock = 256;

/// "q4_0", "q6_k", ...
std::string_view name_of(BlockFormat format);

/// Writes block_values(format) values of the block at `block` (block_bytes(format) bytes, any
/// alignment). Source: the GGUF block layouts; each function in block_format.cpp states its own.
void dequantize_block(BlockFormat format, const std::byte* block, float* out);

}  // namespace visavis::tensor
