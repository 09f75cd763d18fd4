#include "engine/compress/coding.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

#include "engine/compress/hqq.h"
#include "engine/compress/weighted.h"
#include "engine/load/quantize.h"

namespace visavis::compress {
namespace {

using tensor::DType;
using tensor::F16;

constexpr double kFaintest = 0.01;  // of the mean power of inputs

float as_f16(float scale) { return tensor::to_float(tensor::to_f16(scale)); }
float as_bf16(float scale) { return tensor::to_float(tensor::to_bf16(scale)); }

// Keeps a scale and gives back what was kept.
float keep(float scale, DType type, uint16_t& bits) {
  if (type == DType::bf16) {
    const tensor::Bf16 rounded = tensor::to_bf16(scale);
    bits = rounded.bits;
    return tensor::to_float(rounded);
  }
  const F16 rounded = tensor::to_f16(scale);
  bits = rounded.bits;
  return tensor::to_float(rounded);
}

bool symmetric_4(std::span<const float> row, int64_t group, DType type, const CodedRow& out,
                 std::span<float> back) {
  std::vector<F16> halves(row.size() / static_cast<size_t>(group));
  const bool fits = load::quantize_int4_row(row, group, out.codes, halves.data());
  for (size_t i = 0; i < row.size(); ++i) {
    const size_t at = i / static_cast<size_t>(group);
    const float scale = keep(tensor::to_float(halves[at]), type, out.scales[at]);
    const int code = i % 2 == 0 ? out.codes[i / 2] & 15 : out.codes[i / 2] >> 4;
    back[i] = static_cast<float>(code - 8) * scale;
  }
  return fits;
}

bool weighted_4(std::span<const float> row, std::span<const float> weights, int64_t group,
                DType type, const CodedRow& out, std::span<float> back) {
  bool fits = true;
  const auto size = static_cast<size_t>(group);
  for (size_t at = 0; at * size < row.size(); ++at) {
    const std::span<const float> values = row.subspan(at * size, size);
    const float scale = fit_symmetric(values, weights.subspan(at * size, size),
                                      type == DType::bf16 ? &as_bf16 : &as_f16);
    fits = fits && std::isfinite(scale) && std::isfinite(as_f16(scale));
    keep(scale, type, out.scales[at]);
    const float inverse = scale != 0 && std::isfinite(scale) ? 1.0f / scale : 0.0f;
    for (size_t i = 0; i < size; ++i) {
      const float level = level_of(values[i], inverse);
      const auto code = static_cast<uint8_t>(static_cast<int>(level) + 8);
      uint8_t& byte = out.codes[(at * size + i) / 2];
      byte = static_cast<uint8_t>(i % 2 == 0 ? code : byte | code << 4);
      back[at * size + i] = level * scale;
    }
  }
  return fits;
}

bool symmetric_8(std::span<const float> row, int64_t group, DType type, const CodedRow& out,
                 std::span<float> back) {
  std::vector<F16> halves(row.size() / static_cast<size_t>(group));
  std::vector<int8_t> codes(row.size());
  const bool fits = load::quantize_int8_row(row, group, codes.data(), halves.data());
  for (size_t i = 0; i < row.size(); ++i) {
    const size_t at = i / static_cast<size_t>(group);
    const float scale = keep(tensor::to_float(halves[at]), type, out.scales[at]);
    out.codes[i] = static_cast<uint8_t>(codes[i] + 128);
    back[i] = static_cast<float>(codes[i]) * scale;
  }
  return fits;
}

bool with_zeros(std::span<const float> row, std::span<const float> weights, int64_t group,
                DType type, const CodedRow& out, std::span<float> back) {
  bool fits = true;
  uint8_t codes[kHqqLargest];
  const auto size = static_cast<size_t>(group);
  for (size_t at = 0; at * size < row.size(); ++at) {
    const std::span<const float> values = row.subspan(at * size, size);
    const ZeroPointFit fit =
        fit_zero_point(values, weights.empty() ? weights : weights.subspan(at * size, size),
                       type == DType::bf16 ? &as_bf16 : &as_f16);
    fits = fits && std::isfinite(fit.scale) && std::isfinite(as_f16(fit.scale));
    keep(fit.scale, type, out.scales[at]);
    out.zeros[at] = fit.zero;
    encode_with_zero(values, fit, codes);
    for (size_t i = 0; i < size; ++i) {
      back[at * size + i] = static_cast<float>(codes[i] - fit.zero) * fit.scale;
      if (i % 2 == 1)
        out.codes[(at * size + i) / 2] = static_cast<uint8_t>(codes[i - 1] | codes[i] << 4);
    }
  }
  return fits;
}

}  // namespace

double Coding::bits_per_weight() const {
  return bits + (16.0 + (zero_points ? bits : 0)) / static_cast<double>(group);
}

bool code_row(std::span<const float> row, std::span<const float> weights, const Coding& coding,
              DType scale_type, const CodedRow& out, std::span<float> back) {
  assert(row.size() % static_cast<size_t>(coding.group) == 0 && row.size() == back.size());
  assert(weights.empty() || weights.size() == row.size());
  assert(!coding.zero_points || coding.bits == 4);
  const int64_t group = coding.group;
  if (coding.bits == 8) return symmetric_8(row, group, scale_type, out, back);
  if (coding.zero_points) return with_zeros(row, weights, group, scale_type, out, back);
  return weights.empty() ? symmetric_4(row, group, scale_type, out, back)
                         : weighted_4(row, weights, group, scale_type, out, back);
}

bool code_row(std::span<const float> row, std::span<const float> weights, const Coding& coding,
              DType scale_type, std::span<float> back) {
  const size_t groups = row.size() / static_cast<size_t>(coding.group);
  std::vector<uint8_t> codes(row.size());
  std::vector<uint16_t> scales(groups);
  std::vector<uint8_t> zeros(groups);
  return code_row(row, weights, coding, scale_type, {codes.data(), scales.data(), zeros.data()},
                  back);
}

std::vector<float> weights_from(std::span<const double> input_powers) {
  double mean = 0;
  for (const double power : input_powers) mean += power / static_cast<double>(input_powers.size());
  std::vector<float> weights(input_powers.size(), 1.0f);
  if (!(mean > 0)) return weights;
  std::transform(input_powers.begin(), input_powers.end(), weights.begin(), [mean](double power) {
    return static_cast<float>(std::max(power / mean, kFaintest));
  });
  return weights;
}

load::Loss loss_between(std::span<const float> values, std::span<const float> back) {
  load::Loss loss;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = static_cast<double>(values[i]);
    const double off = static_cast<double>(back[i]) - value;
    loss.squares += value * value;
    loss.differences += off * off;
  }
  return loss;
}

}  // namespace visavis::compress
