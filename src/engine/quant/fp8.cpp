// 8-bit floats (e4m3 or e5m2) with a scale for the whole matrix, per output, or per block of both
// sides. The scale multiplies, also under the name weight_scale_inv.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "engine/quant/module.h"

namespace visavis::quant {
namespace {

using checkpoint::ConfigReader;
using tensor::DType;
using tensor::Shape;

// e4m3 has no infinities: all ones in exponent and mantissa are NaN. e5m2 is the upper byte of f16.
float decode(DType type, unsigned byte) {
  if (type == DType::f8_e5m2)
    return tensor::to_float(tensor::F16{static_cast<uint16_t>(byte << 8)});
  const int exponent = static_cast<int>(byte >> 3 & 15);
  const auto mantissa = static_cast<float>(byte & 7);
  const float size =
      exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  if ((byte & 127) == 127) return std::numeric_limits<float>::quiet_NaN();
  return byte >= 128 ? -size : size;
}

class Fp8 : public checkpoint::EncodedTensor {
 public:
  struct Scales {
    Numbers numbers;
    int64_t block_rows = 1;
    int64_t block_cols = 1;
  };
  Fp8(Module module, Numbers codes, Scales scales)
      : module_(std::move(module)),
        codes_(codes),
        scales_(scales),
        rows_(codes.shape()[0]),
        cols_(codes.shape()[1]) {
    for (unsigned i = 0; i < 256; ++i) table_[i] = decode(codes.dtype(), i);
  }

  std::string format() const override {
    std::string text(tensor::name_of(codes_.dtype()));
    if (scales_.block_rows >= rows_) return text + " per tensor";
    if (scales_.block_cols >= cols_) return text + " per row";
    return text + " block " + std::to_string(scales_.block_rows) + "x" +
           std::to_string(scales_.block_cols);
  }
  int64_t stored_bytes() const override { return module_.stored_bytes(); }
  void prefetch() const override { module_.prefetch(); }
  void drop() const override { module_.drop(); }

  bool values(int64_t begin, int64_t end, float* out) const override {
    const int64_t blocks = (cols_ + scales_.block_cols - 1) / scales_.block_cols;
    bool finite = true;
    for (int64_t row = begin; row < end; ++row)
      for (int64_t block = 0; block < blocks; ++block) {
        const float scale = scales_.numbers.number(row / scales_.block_rows * blocks + block);
        const int64_t last = std::min(cols_, (block + 1) * scales_.block_cols);
        for (int64_t i = block * scales_.block_cols; i < last; ++i) {
          *out = table_[static_cast<unsigned>(codes_.data()[row * cols_ + i])] * scale;
          finite = finite && std::isfinite(*out++);
        }
      }
    return finite;
  }

 private:
  Module module_;
  Numbers codes_;
  Scales scales_;
  int64_t rows_;
  int64_t cols_;
  std::array<float, 256> table_{};
};

}  // namespace

Opened open_fp8(Module module, const ConfigReader& settings) {
  const Numbers codes = module.take("weight", {DType::f8_e4m3, DType::f8_e5m2});
  if (codes.shape().rank() != 2 || codes.count() == 0)
    module.reject("weight", "has shape ", codes.shape().text(), ", wanted [out, in]");
  const int64_t rows = codes.shape()[0];
  const int64_t cols = codes.shape()[1];
  const char* ending = module.has("weight_scale_inv") ? "weight_scale_inv" : "weight_scale";
  Fp8::Scales scales = {module.take(ending, {DType::f32, DType::bf16, DType::f16})};
  const Shape& shape = scales.numbers.shape();
  const std::vector<int64_t> block = settings.ints("weight_block_size", 1);
  if (!block.empty() && block.size() != 2) settings.reject("weight_block_size", "two sizes");
  if (scales.numbers.count() == 1) {
    scales.block_rows = rows;
    scales.block_cols = cols;
  } else if (shape == Shape{rows} || shape == Shape{rows, 1}) {
    scales.block_cols = cols;
  } else if (!block.empty() &&
             shape == Shape{(rows + block[0] - 1) / block[0], (cols + block[1] - 1) / block[1]}) {
    scales.block_rows = block[0];
    scales.block_cols = block[1];
  } else {
    module.reject(ending, "has shape ", shape.text(), " for a weight of ", codes.shape().text(),
                  "; wanted one scale, one per row, or blocks of weight_block_size");
  }
  return {std::make_unique<Fp8>(std::move(module), codes, scales), rows, cols, DType::bf16};
}

}  // namespace visavis::quant
