#include "engine/quant/grouped.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"

namespace visavis::quant {
namespace {

using checkpoint::CodeForm;
using tensor::F16;

// Kernels take groups of whole vectors.
constexpr int64_t kGroupStep = 32;
// A scale rounded to f16 may move by this much; below f16's normal range it moves more.
constexpr float kHalfStep = 0x1.0p-11f;

void put_nibble(std::byte* packed, int64_t i, int value) {
  const auto low = static_cast<std::byte>(value);
  packed[i / 2] = i % 2 == 0 ? low : packed[i / 2] | low << 4;
}

}  // namespace

void GroupedTensor::settle(bool f16_scales) {
  const Grouping& g = grouping_;
  if (g.group % kGroupStep != 0) return;
  if (!g.group_of.empty()) {
    std::vector<int64_t> members(static_cast<size_t>(g.groups()));
    for (const int32_t group : g.group_of) ++members[static_cast<size_t>(group)];
    const int64_t last = g.cols - (g.groups() - 1) * g.group;
    for (int64_t i = 0; i < g.groups(); ++i)
      if (members[static_cast<size_t>(i)] != (i + 1 == g.groups() ? last : g.group)) return;
    order_.resize(static_cast<size_t>(g.cols));
    std::iota(order_.begin(), order_.end(), 0);
    std::stable_sort(order_.begin(), order_.end(), [&g](int32_t a, int32_t b) {
      return g.group_of[static_cast<size_t>(a)] < g.group_of[static_cast<size_t>(b)];
    });
  }
  const int middle = 1 << (g.bits - 1);
  if (g.bits == 8 && (g.zero != middle || !order_.empty())) return;
  for (int64_t row = 0; !f16_scales && row < g.rows; ++row)
    for (int64_t i = 0; i < g.groups(); ++i) {
      const float exact = scale(row, i);
      const float kept = tensor::to_float(tensor::to_f16(exact));
      if (!(std::fabs(kept - exact) <= kHalfStep * std::fabs(exact))) return;
    }
  form_.kind = g.bits == 4 ? CodeForm::Kind::int4 : CodeForm::Kind::int8;
  form_.group = g.group >= g.cols ? 0 : g.group;
  form_.zero = g.zero == middle ? tensor::ZeroPoint::none : tensor::ZeroPoint::u4;
  form_.permuted = !order_.empty();
}

std::string GroupedTensor::format() const {
  std::string text = grouping_.name + " int" + std::to_string(grouping_.bits);
  text += grouping_.group == 0 ? " per row" : " g" + std::to_string(grouping_.group);
  if (grouping_.zero < 0) text += " zero points";
  if (!grouping_.group_of.empty()) text += " act-order";
  return text;
}

bool GroupedTensor::values(int64_t begin, int64_t end, float* out) const {
  const Grouping& g = grouping_;
  std::vector<uint8_t> codes(static_cast<size_t>((end - begin) * g.cols));
  unpack(begin, end, codes.data());
  const auto groups = static_cast<size_t>(g.groups());
  std::vector<float> scales(groups);
  std::vector<float> zeros(groups, static_cast<float>(g.zero));
  bool finite = true;
  for (int64_t row = begin; row < end; ++row) {
    for (size_t i = 0; i < groups; ++i) {
      scales[i] = scale(row, static_cast<int64_t>(i));
      if (g.zero < 0) zeros[i] = static_cast<float>(zero(row, static_cast<int64_t>(i)));
    }
    const uint8_t* from = codes.data() + (row - begin) * g.cols;
    float* to = out + (row - begin) * g.cols;
    for (int64_t i = 0; i < g.cols; ++i) {
      const auto group = g.group_of.empty()
                             ? static_cast<size_t>(g.group == 0 ? 0 : i / g.group)
                             : static_cast<size_t>(g.group_of[static_cast<size_t>(i)]);
      to[i] = (static_cast<float>(from[i]) - zeros[group]) * scales[group];
      finite = finite && std::isfinite(to[i]);
    }
  }
  return finite;
}

bool GroupedTensor::codes(int64_t begin, int64_t end, const checkpoint::CodeRows& out) const {
  const Grouping& g = grouping_;
  std::vector<uint8_t> codes(static_cast<size_t>((end - begin) * g.cols));
  unpack(begin, end, codes.data());
  const int64_t groups = g.groups();
  bool finite = true;
  for (int64_t row = begin; row < end; ++row) {
    const uint8_t* from = codes.data() + (row - begin) * g.cols;
    if (g.bits == 4) {
      std::byte* to = out.codes + (row - begin) * ((g.cols + 1) / 2);
      for (int64_t i = 0; i < g.cols; ++i)
        put_nibble(to, i, from[order_.empty() ? i : order_[static_cast<size_t>(i)]]);
    } else {
      std::byte* to = out.codes + (row - begin) * g.cols;
      for (int64_t i = 0; i < g.cols; ++i) to[i] = static_cast<std::byte>(from[i] ^ 0x80);
    }
    std::byte* scales = out.scales + (row - begin) * groups * 2;
    for (int64_t i = 0; i < groups; ++i) {
      const F16 half = tensor::to_f16(scale(row, i));
      finite = finite && std::isfinite(tensor::to_float(half));
      std::memcpy(scales + 2 * i, &half.bits, 2);
      if (form_.zero == tensor::ZeroPoint::u4)
        put_nibble(out.zeros + (row - begin) * ((groups + 1) / 2), i,
                   g.zero < 0 ? zero(row, i) : g.zero);
    }
  }
  return finite;
}

void GroupedTensor::permutation(std::span<int32_t> out) const {
  std::copy(order_.begin(), order_.end(), out.begin());
}

std::vector<int32_t> read_group_index(Module& module, const char* ending, int64_t cols,
                                      int64_t group, int64_t groups) {
  const Numbers index =
      module.take(ending, {tensor::DType::i32, tensor::DType::i64}, tensor::Shape{cols});
  std::vector<int32_t> result(static_cast<size_t>(cols));
  bool runs = true;
  for (int64_t i = 0; i < cols; ++i) {
    const int64_t at = index.integer(i);
    if (at < 0 || at >= groups)
      module.reject(ending, "puts input ", i, " into group ", at, ", wanted 0 to ", groups - 1);
    result[static_cast<size_t>(i)] = static_cast<int32_t>(at);
    runs = runs && at == (group == 0 ? 0 : i / group);
  }
  if (runs) result.clear();
  return result;
}

}  // namespace visavis::quant
