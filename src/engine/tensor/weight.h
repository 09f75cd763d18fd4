// The in-memory layouts of a linear layer's weight. Published formats are normalised into these few
// (AWQ, GPTQ, HQQ and NF4 into Int4; GGUF K-quants stay BlockQ). A weight is [rows = outputs,
// cols = inputs], row-major; groups run along a row, and a row's last group may be short.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/tensor/buffer.h"

namespace visavis::tensor {

/// Plain values: f32, bf16 or f16.
struct Dense {
  DType dtype = DType::f32;
  Buffer values;  // [rows, cols]
  /// bf16 and f16: linear may round its input to that type, too, where that is faster.
  bool round_input = false;
};

/// value = code * scale.
struct Int8 {
  int64_t group = 0;  // inputs per scale; 0 = one scale for the whole row
  Buffer codes;       // i8 [rows, cols]
  Buffer scales;      // f16 [rows, groups]
  /// Codes and scales lie as interleave.h says, for a CPU, which then rounds its input.
  bool interleaved = false;
  /// linear may round its input: to int8, or to bf16 where that is faster for many rows.
  bool round_input = false;
};

enum class ZeroPoint { none, u4, f16 };

/// value = (level - zero) * scale, level = lookup ? lookup[code] : code.
/// Without zero points and without lookup the zero is 8 (symmetric codes 0..15 stand for -8..7).
struct Int4 {
  int64_t group = 128;  // 32, 64 or 128; 0 = one scale for the whole row
  Buffer codes;         // u4 [rows, ceil(cols / 2)], the even column in the low nibble
  Buffer scales;        // f16 [rows, groups]
  ZeroPoint zero = ZeroPoint::none;
  Buffer zeros;  // u4: [rows, ceil(groups / 2)] low nibble first; f16: [rows, groups]
  std::optional<std::array<float, 16>> lookup;  // e.g. NF4's levels
  Buffer permutation;  // empty, or i32 [cols]: code column i multiplies input permutation[i]
  /// As Int8's; only without zero points, lookup and permutation.
  bool interleaved = false;
  bool round_input = false;
};

/// Block formats of GGUF kept in their own bytes.
enum class BlockFormat { q4_0, q4_1, q5_0, q5_1, q8_0, q4_k, q5_k, q6_k };

struct BlockQ {
  BlockFormat format = BlockFormat::q4_k;
  Buffer blocks;  // [rows, cols / block_size] blocks
};

/// A linear layer's weight.
struct Weight {
  std::string name;  // the checkpoint's own, for errors
  int64_t rows = 0;
  int64_t cols = 0;
  std::variant<Dense, Int8, Int4, BlockQ> layout;

  /// Bytes held, scales and zero points included.
  int64_t bytes() const;
  /// "bf16", "int8 g128", "int4 g128 sym", "q4_k", ...
  std::string layout_name() const;
  /// Whether linear may round what it multiplies the weight with.
  bool rounds_input() const;
};

/// Groups of one row: ceil(cols / group), 1 if group is 0.
int64_t groups_of(int64_t cols, int64_t group);
/// Values in one block and bytes of one block of a GGUF format.
int64_t block_values(BlockFormat format);
int64_t block_bytes(BlockFormat format);

/// Writes row `row` as f32 in input order (permutation undone): the plain reference that every
/// kernel is measured against. out.size() == cols. Weight must be on the host.
void dequantize_row(const Weight& weight, int64_t row, std::span<float> out);

}  // namespace visavis::tensor
