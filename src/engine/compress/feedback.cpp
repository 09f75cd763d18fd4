#include "engine/compress/feedback.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

namespace visavis::compress {
namespace {

constexpr auto kBlock = static_cast<size_t>(kMomentBlock);
constexpr double kDamping = 0.01;  // of the mean moment, on the diagonal

float scale_of(uint16_t bits, tensor::DType type) {
  return type == tensor::DType::bf16 ? tensor::to_float(tensor::Bf16{bits})
                                     : tensor::to_float(tensor::F16{bits});
}

// The upper U with U^T U = H^-1, in place; H [n, n] in rows of kBlock, symmetric and positive. With
// rows and columns in the opposite order, H = R R^T for an upper R, and U = R^-1.
void invert_factor(std::vector<double>& h, size_t n) {
  const auto at = [&h](size_t i, size_t j) -> double& { return h[i * kBlock + j]; };
  // H = R R^T from the last column on.
  for (size_t j = n; j-- > 0;) {
    for (size_t k = j + 1; k < n; ++k)
      for (size_t i = 0; i <= j; ++i) at(i, j) -= at(i, k) * at(j, k);
    const double root = std::sqrt(at(j, j));
    for (size_t i = 0; i <= j; ++i) at(i, j) /= root;
  }
  // The inverse of an upper triangle, column by column.
  for (size_t j = 0; j < n; ++j) {
    const double own = 1 / at(j, j);
    for (size_t i = 0; i < j; ++i) {
      double sum = 0;
      for (size_t k = i; k < j; ++k) sum += at(i, k) * at(k, j);
      h[j * kBlock + i] = -sum * own;  // kept below the diagonal until the column is done
    }
    for (size_t i = 0; i < j; ++i) at(i, j) = h[j * kBlock + i];
    at(j, j) = own;
  }
}

}  // namespace

int64_t moment_values(int64_t cols) {
  return (cols + kMomentBlock - 1) / kMomentBlock * kMomentBlock * kMomentBlock;
}

Feedback::Feedback(std::span<const float> moments, int64_t cols)
    : cols_(cols), factors_(moments.size()) {
  assert(static_cast<int64_t>(moments.size()) == moment_values(cols));
  std::vector<double> block(kBlock * kBlock);
  for (size_t begin = 0; begin < moments.size(); begin += block.size()) {
    const auto first = static_cast<int64_t>(begin / kBlock);
    const auto n = static_cast<size_t>(std::min(kMomentBlock, cols - first));
    double mean = 0;
    for (size_t i = 0; i < n; ++i)
      mean += static_cast<double>(moments[begin + i * kBlock + i]) / static_cast<double>(n);
    if (!(mean > 0)) mean = 1;  // nothing came through: no error is handed on
    for (size_t i = 0; i < block.size(); ++i) block[i] = static_cast<double>(moments[begin + i]);
    for (size_t i = 0; i < n; ++i) block[i * kBlock + i] += kDamping * mean;
    invert_factor(block, n);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = i; j < n; ++j)
        factors_[begin + i * kBlock + j] = static_cast<float>(block[i * kBlock + j]);
  }
}

bool Feedback::code_row(std::span<const float> row, std::span<const float> weights,
                        const Coding& coding, tensor::DType scale_type, const CodedRow& out,
                        std::span<float> back) const {
  assert(static_cast<int64_t>(row.size()) == cols_);
  if (coding.bits == 8) return compress::code_row(row, weights, coding, scale_type, out, back);
  constexpr float kMostCode = 15;
  const auto group = static_cast<size_t>(coding.group);
  std::vector<float> values(row.begin(), row.end());
  bool fits = true;
  for (size_t begin = 0; begin < row.size(); begin += group) {
    const std::span<const float> now(values.data() + begin, group);
    const size_t at = begin / group;
    // Scale and zero point of what the group has become; its codes are found again below.
    if (!compress::code_row(now, weights.empty() ? weights : weights.subspan(begin, group), coding,
                            scale_type,
                            {out.codes + begin / 2, out.scales + at,
                             out.zeros == nullptr ? nullptr : out.zeros + at},
                            back.subspan(begin, group)))
      fits = false;
    const float scale = scale_of(out.scales[at], scale_type);
    const float inverse = scale != 0 && std::isfinite(scale) ? 1 / scale : 0;
    const float zero = coding.zero_points ? static_cast<float>(out.zeros[at]) : 8;
    const size_t block = begin / kBlock * kBlock;
    const size_t end = std::min(block + kBlock, row.size());
    for (size_t i = begin; i < begin + group; ++i) {
      const float code = std::clamp(std::nearbyint(values[i] * inverse + zero), 0.0f, kMostCode);
      back[i] = (code - zero) * scale;
      uint8_t& byte = out.codes[i / 2];
      byte = static_cast<uint8_t>(i % 2 == 0 ? static_cast<int>(code)
                                             : byte | static_cast<int>(code) << 4);
      const float* factor = factors_.data() + i * kBlock - block;  // of column j at [j]
      const float error = (values[i] - back[i]) / factor[i];
      for (size_t j = i + 1; j < end; ++j) values[j] -= error * factor[j];
    }
  }
  return fits;
}

}  // namespace visavis::compress
