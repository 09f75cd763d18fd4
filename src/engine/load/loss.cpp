#include "engine/load/loss.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "engine/load/quantize.h"
#include "engine/load/widen.h"

namespace visavis::load {
namespace {

using checkpoint::CodeForm;
using checkpoint::EncodedTensor;
using tensor::Buffer;
using tensor::DType;

constexpr int64_t kRows = 128;  // worked on at once

// The layout of this name, if it is one that values are made into.
std::optional<Layout> made_layout(const std::string& name) {
  std::vector<Layout> candidates;
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16})
    candidates.push_back({.kind = Layout::Kind::dense, .dtype = dtype});
  for (const int64_t group : {0, 128})
    candidates.push_back({.kind = Layout::Kind::int8, .dtype = DType::i8, .group = group});
  candidates.push_back({.kind = Layout::Kind::int4, .dtype = DType::u8, .group = 128});
  for (const Layout& each : candidates)
    if (layout_name(each) == name) return each;
  return std::nullopt;
}

// One row through a layout and back.
void round_trip(const Layout& layout, std::span<const float> row, std::span<float> out) {
  const auto cols = static_cast<int64_t>(row.size());
  if (layout.kind == Layout::Kind::dense) {
    std::transform(row.begin(), row.end(), out.begin(), [&layout](float value) {
      return layout.dtype == DType::bf16  ? tensor::to_float(tensor::to_bf16(value))
             : layout.dtype == DType::f16 ? tensor::to_float(tensor::to_f16(value))
                                          : value;
    });
    return;
  }
  tensor::Weight weight = {.name = "row", .rows = 1, .cols = cols, .layout = {}};
  Buffer codes = Buffer::host(value_bytes(layout, 1, cols));
  Buffer scales = Buffer::host(scale_bytes(layout, 1, cols));
  bool fits = false;
  if (layout.kind == Layout::Kind::int8) {
    fits = quantize_int8_row(row, layout.group, codes.as<int8_t>(), scales.as<tensor::F16>());
    weight.layout = tensor::Int8{layout.group, std::move(codes), std::move(scales), false, false};
  } else {
    fits = quantize_int4_row(row, layout.group, codes.as<uint8_t>(), scales.as<tensor::F16>());
    tensor::Int4 int4;
    int4.group = layout.group;
    int4.codes = std::move(codes);
    int4.scales = std::move(scales);
    weight.layout = std::move(int4);
  }
  require(fits, "values are too large for ", layout_name(layout));
  tensor::dequantize_row(weight, 0, out);
}

}  // namespace

double Loss::relative() const { return squares > 0 ? std::sqrt(differences / squares) : 0; }

Loss& Loss::operator+=(const Loss& other) {
  squares += other.squares;
  differences += other.differences;
  return *this;
}

std::vector<float> kept_values(const EncodedTensor& encoded, int64_t begin, int64_t end,
                               int64_t cols) {
  const CodeForm form = encoded.form();
  const int64_t rows = end - begin;
  const int64_t groups = tensor::groups_of(cols, form.group);
  tensor::Weight weight = {.name = "kept", .rows = rows, .cols = cols, .layout = {}};
  checkpoint::CodeRows out;
  if (form.kind == CodeForm::Kind::blocks) {
    tensor::BlockQ blocks;
    blocks.format = form.blocks;
    blocks.blocks = Buffer::host(rows * cols / tensor::block_values(form.blocks) *
                                 tensor::block_bytes(form.blocks));
    out.codes = blocks.blocks.data();
    weight.layout = std::move(blocks);
  } else if (form.kind == CodeForm::Kind::int8) {
    tensor::Int8 int8;
    int8.group = form.group;
    int8.codes = Buffer::host(rows * cols);
    int8.scales = Buffer::host(rows * groups * 2);
    out = {int8.codes.data(), int8.scales.data(), nullptr};
    weight.layout = std::move(int8);
  } else {
    tensor::Int4 int4;
    int4.group = form.group;
    int4.codes = Buffer::host(rows * ((cols + 1) / 2));
    int4.scales = Buffer::host(rows * groups * 2);
    int4.zero = form.zero;
    if (form.zero != tensor::ZeroPoint::none)
      int4.zeros = Buffer::host(
          rows * (form.zero == tensor::ZeroPoint::f16 ? groups * 2 : (groups + 1) / 2));
    int4.lookup = form.lookup;
    if (form.permuted) {
      int4.permutation = Buffer::host(cols * 4);
      encoded.permutation({int4.permutation.as<int32_t>(), static_cast<size_t>(cols)});
    }
    out = {int4.codes.data(), int4.scales.data(), int4.zeros.data()};
    weight.layout = std::move(int4);
  }
  require(encoded.codes(begin, end, out), "a scale is NaN, infinite or too large for f16");
  std::vector<float> values(static_cast<size_t>(rows * cols));
  for (int64_t row = 0; row < rows; ++row)
    tensor::dequantize_row(weight, row, {values.data() + row * cols, static_cast<size_t>(cols)});
  return values;
}

Loss loss_of(const checkpoint::TensorSource& source, const PlannedTensor& tensor,
             base::ThreadPool& pool) {
  const checkpoint::TensorInfo* info = source.find(tensor.name);
  require(info != nullptr, "the checkpoint has no tensor '", tensor.name, "'");
  const EncodedTensor* encoded = source.encoded(tensor.name);
  const int64_t rows = info->shape.rank() == 0 ? 1 : info->shape[0];
  const int64_t cols = info->shape.elements() / std::max<int64_t>(1, rows);
  const std::optional<Layout> layout = made_layout(tensor.layout);
  require(tensor.kept || layout.has_value(), "layout ", tensor.layout, " has no loss to measure");
  std::vector<Loss> parts(static_cast<size_t>((rows + kRows - 1) / kRows));
  pool.parallel_for(static_cast<int64_t>(parts.size()), 1, [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      const int64_t begin = part * kRows;
      const int64_t end = std::min(rows, begin + kRows);
      std::vector<float> values(static_cast<size_t>((end - begin) * cols));
      const bool finite =
          encoded != nullptr
              ? encoded->values(begin, end, values.data())
              : widen(info->dtype,
                      source.read(tensor.name).data + begin * cols * tensor::size_of(info->dtype),
                      (end - begin) * cols, values.data());
      require(finite, info->file, ": tensor '", tensor.name, "' holds NaN or infinity");
      std::vector<float> held;
      if (tensor.kept) {
        held = kept_values(*encoded, begin, end, cols);
      } else {
        held.resize(values.size());
        for (int64_t row = 0; row < end - begin; ++row)
          round_trip(
              *layout,
              std::span(values).subspan(static_cast<size_t>(row * cols), static_cast<size_t>(cols)),
              std::span(held).subspan(static_cast<size_t>(row * cols), static_cast<size_t>(cols)));
      }
      Loss& loss = parts[static_cast<size_t>(part)];
      for (size_t i = 0; i < values.size(); ++i) {
        const double value = static_cast<double>(values[i]);
        const double off = static_cast<double>(held[i]) - value;
        loss.squares += value * value;
        loss.differences += off * off;
      }
    }
  });
  Loss sum;
  for (const Loss& each : parts) sum += each;
  return sum;
}

}  // namespace visavis::load
