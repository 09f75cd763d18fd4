#include "engine/load/weight_rows.h"

#include <cassert>
#include <cstring>

#include "base/error.h"
#include "engine/load/quantize.h"
#include "engine/tensor/interleave.h"

namespace visavis::load {
namespace {

using tensor::Buffer;
using tensor::DType;
using tensor::F16;

constexpr int64_t kAlign = alignof(F16);

RowResult write_dense(std::span<const float> row, DType dtype, std::byte* out) {
  if (dtype == DType::f32) {
    std::memcpy(out, row.data(), row.size_bytes());
    return RowResult::done;
  }
  const unsigned infinite = dtype == DType::bf16 ? 0x7F80u : 0x7C00u;
  bool fits = true;
  for (size_t i = 0; i < row.size(); ++i) {
    const uint16_t bits =
        dtype == DType::bf16 ? tensor::to_bf16(row[i]).bits : tensor::to_f16(row[i]).bits;
    fits = fits && (bits & infinite) != infinite;
    std::memcpy(out + 2 * i, &bits, 2);
  }
  return fits ? RowResult::done : RowResult::too_large;
}

Layout plain(Layout layout) {
  layout.interleaved = false;
  return layout;
}

}  // namespace

RowWindow::RowWindow(Buffer& target, int64_t row_bytes, int64_t begin, int64_t end)
    : target_(target),
      row_bytes_(row_bytes),
      offset_(begin * row_bytes),
      bytes_((end - begin) * row_bytes) {
  if (!target.on_host()) staging_ = Buffer::host(bytes_);
}

void RowWindow::send(ops::Ops& ops) {
  if (!target_.on_host() && bytes_ > 0)
    ops.upload(staging_.data(), {DType::u8, {bytes_}, target_.data() + offset_});
}

WeightRows::WeightRows(const Layout& layout, int64_t cols, Buffer& values, Buffer& scales,
                       int64_t begin, int64_t end)
    : layout_(plain(layout)),
      interleaved_(layout.interleaved),
      cols_(cols),
      begin_(begin),
      values_(values),
      scales_(scales),
      value_window_(values, interleaved_ ? 0 : value_bytes(layout, 1, cols), begin, end),
      scale_window_(scales, interleaved_ ? 0 : scale_bytes(layout, 1, cols), begin, end) {
  require(!interleaved_ || values.on_host(), "interleaved weights live on a host");
}

RowResult WeightRows::write(std::span<const float> row, int64_t i, std::vector<std::byte>& room) {
  if (!interleaved_) return write_plain(row, value_window_.row(i), scale_window_.row(i));
  const int64_t value_size = value_bytes(layout_, 1, cols_);
  const int64_t scale_size = scale_bytes(layout_, 1, cols_);
  room.resize(static_cast<size_t>(value_size + scale_size + kAlign));
  std::byte* codes = room.data();
  std::byte* scales = codes + (value_size + kAlign) / kAlign * kAlign;
  const RowResult result = write_plain(row, codes, scales);
  interleave(i, codes, scales);
  return result;
}

void WeightRows::interleave(int64_t i, const std::byte* codes, const std::byte* scales) {
  const int64_t scale_size = scale_bytes(layout_, 1, cols_);
  const auto size = static_cast<size_t>(value_bytes(layout_, 1, cols_));
  if (layout_.kind == Layout::Kind::int4)
    tensor::interleave_int4_row({reinterpret_cast<const uint8_t*>(codes), size}, cols_, begin_ + i,
                                values_.as<uint8_t>());
  else
    tensor::interleave_int8_row({reinterpret_cast<const int8_t*>(codes), size}, begin_ + i,
                                values_.as<int8_t>());
  tensor::interleave_scales(
      {reinterpret_cast<const F16*>(scales), static_cast<size_t>(scale_size) / sizeof(F16)},
      begin_ + i, scales_.as<F16>());
}

void WeightRows::send(ops::Ops& ops) {
  if (interleaved_) return;
  value_window_.send(ops);
  scale_window_.send(ops);
}

RowResult WeightRows::write_plain(std::span<const float> row, std::byte* values,
                                  std::byte* scales) const {
  bool fits = true;
  switch (layout_.kind) {
    case Layout::Kind::dense:
      return write_dense(row, layout_.dtype, values);
    case Layout::Kind::int8:
      fits = quantize_int8_row(row, layout_.group, reinterpret_cast<int8_t*>(values),
                               reinterpret_cast<F16*>(scales));
      break;
    case Layout::Kind::int4:
      fits = quantize_int4_row(row, layout_.group, reinterpret_cast<uint8_t*>(values),
                               reinterpret_cast<F16*>(scales));
      break;
    case Layout::Kind::blocks:
      assert(false && "blocks are kept, never made");
  }
  return fits ? RowResult::done : RowResult::too_large;
}

}  // namespace visavis::load
