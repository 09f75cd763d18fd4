// A matrix that a checkpoint keeps in codes of a published format (4-bit integers, GGUF's blocks,
// 8-bit floats), or in another order than its name promises. Readers of formats implement it, the
// loader asks it for rows: as f32 for any layout, or as codes where a layout of ours holds them
// without another rounding. Rows are outputs in the model's order. Any thread may ask.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/tensor/weight.h"

namespace visavis::checkpoint {

/// The layout of tensor/weight.h that takes an encoded tensor's codes as they are.
struct CodeForm {
  enum class Kind { none, int8, int4, blocks };
  Kind kind = Kind::none;
  int64_t group = 0;  // of int8 and int4
  tensor::ZeroPoint zero = tensor::ZeroPoint::none;
  std::optional<std::array<float, 16>> lookup = {};
  bool permuted = false;
  tensor::BlockFormat blocks = tensor::BlockFormat::q4_0;
};

/// Where rows of codes go: each points at the first row's bytes, rows follow each other as in
/// tensor::Int4, Int8 (scales f16) and BlockQ (codes only).
struct CodeRows {
  std::byte* codes = nullptr;
  std::byte* scales = nullptr;
  std::byte* zeros = nullptr;
};

class EncodedTensor {
 public:
  virtual ~EncodedTensor() = default;
  /// As people call it: "awq int4 g128".
  virtual std::string format() const = 0;
  /// Bytes in the files, scales and all.
  virtual int64_t stored_bytes() const = 0;
  /// Rows that are best asked for at once (formats that pack across rows).
  virtual int64_t grain() const { return 16; }
  /// Rows [begin, end) as f32, one after the other. False if a value is NaN or infinite.
  [[nodiscard]] virtual bool values(int64_t begin, int64_t end, float* out) const = 0;

  /// Which layout holds the codes as they are; scales may be rounded to f16.
  virtual CodeForm form() const { return {}; }
  /// Rows [begin, end) of that layout. False if a scale is NaN, infinite or too large for f16.
  [[nodiscard]] virtual bool codes(int64_t begin, int64_t end, const CodeRows& out) const;
  /// tensor::Int4's permutation, one entry per input, if the form is permuted.
  virtual void permutation(std::span<int32_t> out) const;

  /// All bytes will be read soon; none will be read again soon.
  virtual void prefetch() const {}
  virtual void drop() const {}
};

/// Rows [begin, ...) of another encoded tensor, which must outlive this.
std::unique_ptr<EncodedTensor> encoded_rows(const EncodedTensor& whole, int64_t begin,
                                            int64_t stored_bytes);

}  // namespace visavis::checkpoint
