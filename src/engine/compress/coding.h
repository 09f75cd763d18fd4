// How the values of a matrix become the codes of a checkpoint that other engines read: bits, inputs
// per scale, with or without zero points. One row at a time; writing files is export_packed.h.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/load/loss.h"
#include "engine/tensor/dtype.h"

namespace visavis::compress {

struct Coding {
  int bits = 4;              // 4 or 8
  int64_t group = 128;       // inputs per scale: 32, 64 or 128
  bool zero_points = false;  // of 4 bits: by half-quadratic splitting (hqq.h); else symmetric codes

  /// Stored bits per weight: codes, 16-bit scales, zero points.
  double bits_per_weight() const;
  friend bool operator==(const Coding&, const Coding&) = default;
};

/// Where one row of codes goes.
struct CodedRow {
  uint8_t* codes = nullptr;    // cols * bits / 8 bytes, unsigned, of 4 bits the even column low
  uint16_t* scales = nullptr;  // cols / group, the bits of f16 or bf16
  uint8_t* zeros = nullptr;    // cols / group, unsigned; null without zero points
};

/// Codes a row of a multiple of `group` columns. `weights`: how much the squared error of each
/// column counts, all positive; empty: all alike (8 bits: no matter). scale_type: f16 or bf16.
/// `back` gets what the codes stand for. False if a value is too large for an f16 scale. The values
/// must be finite.
[[nodiscard]] bool code_row(std::span<const float> row, std::span<const float> weights,
                            const Coding& coding, tensor::DType scale_type, const CodedRow& out,
                            std::span<float> back);

/// The same for a caller who only wants `back`.
[[nodiscard]] bool code_row(std::span<const float> row, std::span<const float> weights,
                            const Coding& coding, tensor::DType scale_type, std::span<float> back);

/// Weights from the mean squares of a matrix's inputs, each at least a hundredth of their mean: a
/// calibration that has not seen an input does not say that nothing comes through it.
std::vector<float> weights_from(std::span<const double> input_powers);

/// What coding changed.
load::Loss loss_between(std::span<const float> values, std::span<const float> back);

}  // namespace visavis::compress
