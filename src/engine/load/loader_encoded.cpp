// The loader's way with matrices in codes of a published format: their values go where those of
// plain tensors go, or the codes themselves where the layout holds them.
#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/load/loader_parts.h"
#include "engine/load/weight_rows.h"

namespace visavis::load {
namespace {

using checkpoint::EncodedTensor;
using checkpoint::TensorInfo;
using tensor::Buffer;

// Rows between two reports of progress: some megabytes of codes, whole grains.
constexpr int64_t kBlockBytes = int64_t{16} << 20;

// Calls work(begin, end) for blocks of rows and advance(bytes) after each.
template <class Work, class Advance>
void for_blocks(const EncodedTensor& encoded, int64_t rows, const Work& work,
                const Advance& advance) {
  const int64_t stored = encoded.stored_bytes();
  const int64_t row_bytes = std::max<int64_t>(1, stored / std::max<int64_t>(rows, 1));
  const int64_t grain = encoded.grain();
  const int64_t step = std::max<int64_t>(1, kBlockBytes / row_bytes / grain) * grain;
  encoded.prefetch();
  int64_t reported = 0;
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t end = std::min(rows, begin + step);
    work(begin, end);
    const int64_t done = end == rows ? stored : row_bytes * end;
    advance(done - std::exchange(reported, done));
  }
  encoded.drop();
}

}  // namespace

void WeightLoader::fill_decoded(const Part& part, const EncodedTensor& encoded,
                                const Layout& layout, int64_t cols, int64_t row_at, Buffer& values,
                                Buffer& scales) {
  const TensorInfo& info = *source_->find(part.name);
  const int64_t grain = encoded.grain();
  const auto work = [&](int64_t begin, int64_t end) {
    WeightRows rows(layout, cols, values, scales, row_at + begin, row_at + end);
    std::atomic<bool> finite{true};
    std::atomic<bool> fits{true};
    pool_->parallel_for(end - begin, grain, [&](int64_t first, int64_t last) {
      std::vector<float> stored(static_cast<size_t>(grain * part.stored_cols));
      std::vector<float> kept(part.fold == nullptr ? 0 : static_cast<size_t>(cols));
      std::vector<std::byte> room;
      for (int64_t at = first; at < last; at += grain) {
        const int64_t count = std::min(grain, last - at);
        if (!encoded.values(begin + at, begin + at + count, stored.data())) {
          finite = false;
          return;
        }
        for (int64_t i = 0; i < count; ++i) {
          const std::span<const float> row(stored.data() + i * part.stored_cols,
                                           static_cast<size_t>(part.stored_cols));
          if (part.fold != nullptr) (*part.fold)(row, kept);
          const std::span<const float> taken = part.fold == nullptr ? row : kept;
          if (rows.write(taken, at + i, room) == RowResult::too_large) fits = false;
        }
      }
    });
    require(finite, info.file, ": tensor '", part.name, "' holds NaN or infinity");
    require(fits, info.file, ": tensor '", part.name, "' holds values that are too large for ",
            layout_name(layout));
    rows.send(*ops_);
  };
  for_blocks(encoded, part.rows, work, [this](int64_t bytes) { advance(bytes); });
}

void WeightLoader::fill_kept(const TensorInfo& info, const EncodedTensor& encoded,
                             const Layout& layout, Codes& codes) {
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape.elements() / std::max<int64_t>(rows, 1);
  const int64_t grain = encoded.grain();
  Layout plain = layout;
  plain.interleaved = false;
  const int64_t value_row = value_bytes(plain, 1, cols);
  const int64_t scale_row = scale_bytes(plain, 1, cols);
  const int64_t zero_row = zero_bytes(plain, 1, cols);
  const auto work = [&](int64_t begin, int64_t end) {
    WeightRows target(layout, cols, codes.values, codes.scales, begin, end);
    RowWindow zeros(codes.zeros, zero_row, begin, end);
    std::atomic<bool> finite{true};
    pool_->parallel_for(end - begin, grain, [&](int64_t first, int64_t last) {
      const int64_t scales_at = (value_row * grain + 63) / 64 * 64;
      Buffer room = Buffer::host(layout.interleaved ? scales_at + scale_row * grain : 0);
      for (int64_t at = first; at < last; at += grain) {
        const int64_t count = std::min(grain, last - at);
        const bool direct = !layout.interleaved;
        const checkpoint::CodeRows out = {
            .codes = direct ? target.codes(at) : room.data(),
            .scales = direct ? target.scales(at) : room.data() + scales_at,
            .zeros = zero_row == 0 ? nullptr : zeros.row(at)};
        if (!encoded.codes(begin + at, begin + at + count, out)) finite = false;
        for (int64_t i = 0; !direct && i < count; ++i)
          target.interleave(at + i, out.codes + i * value_row, out.scales + i * scale_row);
      }
    });
    require(finite, info.file, ": tensor '", info.name,
            "' has a scale that is NaN, infinite or too large for f16");
    target.send(*ops_);
    zeros.send(*ops_);
  };
  for_blocks(encoded, rows, work, [this](int64_t bytes) { advance(bytes); });
  if (!layout.permuted) return;
  std::vector<int32_t> permutation(static_cast<size_t>(cols));
  encoded.permutation(permutation);
  ops_->upload(permutation.data(), {tensor::DType::i32, {cols}, codes.permutation.data()});
}

}  // namespace visavis::load
