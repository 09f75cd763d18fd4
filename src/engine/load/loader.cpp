#include "engine/load/loader.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/load/loader_parts.h"
#include "engine/load/weight_rows.h"
#include "engine/load/widen.h"
#include "engine/tensor/interleave.h"
#include "machine/cpu.h"

namespace visavis::load {
namespace {

using checkpoint::TensorInfo;
using tensor::Buffer;
using tensor::DType;
using tensor::Weight;

// Rows that a thread takes at once: those of one interleaved block share cache lines.
constexpr int64_t kRowGrain = tensor::kInterleavedRows;

Weight assemble(const std::string& name, int64_t rows, int64_t cols, const Layout& layout,
                Buffer values, Buffer scales, Buffer zeros = {}, Buffer permutation = {}) {
  Weight weight;
  weight.name = name;
  weight.rows = rows;
  weight.cols = cols;
  switch (layout.kind) {
    case Layout::Kind::dense:
      weight.layout = tensor::Dense{layout.dtype, std::move(values), layout.round_input};
      break;
    case Layout::Kind::int8:
      weight.layout = tensor::Int8{layout.group, std::move(values), std::move(scales),
                                   layout.interleaved, layout.round_input};
      break;
    case Layout::Kind::int4: {
      tensor::Int4 int4;
      int4.group = layout.group;
      int4.codes = std::move(values);
      int4.scales = std::move(scales);
      int4.zero = layout.zero;
      int4.zeros = std::move(zeros);
      int4.lookup = layout.lookup;
      int4.permutation = std::move(permutation);
      int4.interleaved = layout.interleaved;
      int4.round_input = layout.round_input;
      weight.layout = std::move(int4);
      break;
    }
    case Layout::Kind::blocks:
      weight.layout = tensor::BlockQ{layout.block_format, std::move(values)};
      break;
  }
  return weight;
}

// Rows of padding have scale 0, and the same codes on every load.
void clear_padding(int64_t rows, Buffer& codes, Buffer& scales) {
  if (rows % tensor::kInterleavedRows == 0) return;
  const int64_t blocks = tensor::interleaved_rows(rows) / tensor::kInterleavedRows;
  for (Buffer* buffer : {&codes, &scales}) {
    const int64_t last = buffer->bytes() / blocks;
    std::memset(buffer->data() + buffer->bytes() - last, 0, static_cast<size_t>(last));
  }
}

}  // namespace

WeightLoader::WeightLoader(const checkpoint::TensorSource& source, const WeightPolicy& policy)
    : source_(&source), policy_(policy) {}

WeightLoader WeightLoader::planner(const checkpoint::TensorSource& source,
                                   const WeightPolicy& policy) {
  return {source, policy};
}

WeightLoader::WeightLoader(const checkpoint::TensorSource& source, const WeightPolicy& policy,
                           ops::Ops& ops, base::ThreadPool& pool, Progress progress,
                           const std::vector<PlannedTensor>& planned, WeightCache* cache)
    : source_(&source),
      policy_(policy),
      ops_(&ops),
      pool_(&pool),
      cache_(cache),
      progress_(std::move(progress)) {
  const bool cached = cache != nullptr && cache->found();
  std::vector<RowBlock> order;
  for (const PlannedTensor& tensor : planned) {
    total_bytes_ += tensor.stored_bytes;
    if (cached) continue;
    if (source.encoded(tensor.name) != nullptr) continue;
    for (RowBlock& block : row_blocks(find(tensor.name))) order.push_back(std::move(block));
  }
  reader_ = std::make_unique<ReadAhead>(source, std::move(order));
  if (!ops.has_own_memory()) return;
  const int64_t copies =
      std::transform_reduce(planned.begin(), planned.end(), int64_t{0}, std::plus<>(),
                            [](const PlannedTensor& each) { return each.table ? 0 : each.bytes; });
  constexpr int64_t kRoundings = 1024;  // of all buffers of a weight to where devices begin
  ops.reserve(copies + static_cast<int64_t>(planned.size()) * kRoundings);
  if (cache == nullptr) return;
  const int64_t available = machine::memory_facts().available_bytes;
  if (cached || available == 0 || copies < available / 2) return;
  keeps_ = false;
  cache->forgo("a copy of " + base::human_bytes(copies) + " does not fit the " +
               base::human_bytes(available) + " of host memory that are available");
}

const TensorInfo& WeightLoader::find(const std::string& name) const {
  const TensorInfo* info = source_->find(name);
  require(info != nullptr, "the checkpoint has no tensor '", name, "'");
  require(is_weight_type(info->dtype), info->file, ": tensor '", name, "' is ",
          tensor::name_of(info->dtype), ", wanted f32, bf16 or f16");
  return *info;
}

const TensorInfo& WeightLoader::matrix(const std::string& name, int64_t rows, int64_t cols) const {
  const TensorInfo& info = find(name);
  const bool fits =
      info.shape.rank() >= 2 && info.shape[0] == rows && info.shape.elements() == rows * cols;
  require(fits, info.file, ": tensor '", name, "' has shape ", info.shape.text(), ", wanted [",
          rows, ", ", cols, "]");
  return info;
}

void WeightLoader::plan(const TensorInfo& info, const Layout& layout, int64_t bytes, Role role,
                        bool mapped) {
  const checkpoint::EncodedTensor* encoded = source_->encoded(info.name);
  planned_.push_back({.name = info.name,
                      .shape = info.shape,
                      .stored = info.dtype,
                      .stored_bytes = encoded != nullptr
                                          ? encoded->stored_bytes()
                                          : info.shape.elements() * tensor::size_of(info.dtype),
                      .format = encoded != nullptr ? encoded->format() : "",
                      .kept = layout.kept,
                      .layout = layout_name(layout),
                      .bytes = bytes,
                      .vision = role == Role::vision,
                      .mapped = mapped,
                      .table = role == Role::embedding});
}

void WeightLoader::advance(int64_t bytes) {
  done_bytes_ += bytes;
  if (progress_) progress_(done_bytes_, std::max(done_bytes_, total_bytes_));
}

Weight WeightLoader::linear(const std::string& name, int64_t rows, int64_t cols, Role role) {
  return load({{name, rows, cols, nullptr}}, cols, role);
}

Weight WeightLoader::folded(const std::string& name, int64_t rows, int64_t stored_cols,
                            int64_t cols, Role role, const RowFold& fold,
                            const std::string& label) {
  return load({{name, rows, stored_cols, &fold, label}}, cols, role);
}

Weight WeightLoader::stacked(const std::vector<std::string>& names,
                             const std::vector<int64_t>& rows, int64_t cols, Role role) {
  assert(!names.empty() && names.size() == rows.size());
  std::vector<Part> parts;
  for (size_t i = 0; i < names.size(); ++i) parts.push_back({names[i], rows[i], cols, nullptr});
  return load(parts, cols, role);
}

Layout WeightLoader::layout_of(const TensorInfo& info, Role role) const {
  const checkpoint::EncodedTensor* encoded = source_->encoded(info.name);
  return encoded == nullptr ? layout_for(policy_, role, info.dtype)
                            : layout_for(policy_, role, info.dtype, encoded->form());
}

Weight WeightLoader::load(const std::vector<Part>& parts, int64_t cols, Role role) {
  const TensorInfo& first = matrix(parts[0].name, parts[0].rows, parts[0].stored_cols);
  // Codes that are folded or stand below others are read as values.
  const bool alone = parts.size() == 1 && parts[0].fold == nullptr;
  const Layout layout = alone ? layout_of(first, role) : layout_for(policy_, role, first.dtype);
  int64_t rows = 0;
  int64_t stored_bytes = 0;
  std::string key;
  for (const Part& part : parts) {
    const TensorInfo& info = matrix(part.name, part.rows, part.stored_cols);
    plan(info, layout, layout_bytes(layout, part.rows, cols), role, false);
    rows += part.rows;
    stored_bytes += planned_.back().stored_bytes;
    key += part.name + " " + part.label;
  }
  Codes codes;
  if (ops_ != nullptr) {
    const std::pair<Buffer*, int64_t> all[] = {
        {&codes.values, value_bytes(layout, rows, cols)},
        {&codes.scales, scale_bytes(layout, rows, cols)},
        {&codes.zeros, zero_bytes(layout, rows, cols)},
        {&codes.permutation, permutation_bytes(layout, cols)}};
    std::vector<std::pair<Buffer*, int64_t>> buffers;
    for (const auto& each : all)
      if (each.first == &codes.values || each.second > 0) buffers.push_back(each);
    key += layout_name(layout) + (layout.kept ? " kept" : "") +
           (layout.interleaved ? " interleaved" : "");
    take_or_make(key, stored_bytes, buffers, [&] {
      if (layout.interleaved) clear_padding(rows, codes.values, codes.scales);
      if (layout.kept) return fill_kept(first, *source_->encoded(first.name), layout, codes);
      int64_t row_at = 0;
      for (const Part& part : parts) {
        const checkpoint::EncodedTensor* encoded = source_->encoded(part.name);
        if (encoded == nullptr)
          fill(part, layout, cols, row_at, codes.values, codes.scales);
        else
          fill_decoded(part, *encoded, layout, cols, row_at, codes.values, codes.scales);
        row_at += part.rows;
      }
    });
  }
  return assemble(parts[0].name, rows, cols, layout, std::move(codes.values),
                  std::move(codes.scales), std::move(codes.zeros), std::move(codes.permutation));
}

void WeightLoader::take_or_make(const std::string& key, int64_t stored_bytes,
                                const std::vector<std::pair<Buffer*, int64_t>>& buffers,
                                const std::function<void()>& make) {
  std::optional<std::vector<Buffer>> cached;
  std::vector<int64_t> bytes;
  for (const auto& [buffer, size] : buffers) bytes.push_back(size);
  if (cache_ != nullptr) cached = cache_->take(key, bytes, *pool_);
  const auto flat = [](Buffer& buffer) {
    return tensor::MutView{DType::u8, {buffer.bytes()}, buffer.data()};
  };
  std::vector<Buffer> copies;  // in host memory, of what lies on a device with its own
  if (cached && !ops_->has_own_memory()) {
    for (size_t i = 0; i < buffers.size(); ++i) *buffers[i].first = std::move((*cached)[i]);
  } else {
    for (const auto& [buffer, size] : buffers) *buffer = ops_->allocate(size);
    if (cached) {
      for (size_t i = 0; i < buffers.size(); ++i)
        ops_->upload((*cached)[i].data(), flat(*buffers[i].first));
      copies = std::move(*cached);
    } else {
      make();
    }
  }
  if (cached) advance(stored_bytes);
  if (cache_ == nullptr || !keeps_) return;
  if (ops_->has_own_memory() && copies.empty())
    for (const auto& [buffer, size] : buffers) {
      copies.push_back(Buffer::host(size));
      ops_->download(flat(*buffer), copies.back().data());
    }
  std::vector<const Buffer*> kept;
  for (size_t i = 0; i < buffers.size(); ++i)
    kept.push_back(copies.empty() ? buffers[i].first : &copies[i]);
  cache_->keep(key, kept);
}

template <class Work>
void WeightLoader::for_each_block(const TensorInfo& info, const Work& work) {
  for (const RowBlock& block : row_blocks(info)) {
    work(block, reader_->next(block));
    source_->drop(info.name, 0, block.end * block.row_bytes);
    advance((block.end - block.begin) * block.row_bytes);
  }
}

void WeightLoader::fill(const Part& part, const Layout& layout, int64_t cols, int64_t row_at,
                        Buffer& values, Buffer& scales) {
  const TensorInfo& info = *source_->find(part.name);
  const auto check = [&](bool finite, bool fits) {
    require(finite, info.file, ": tensor '", part.name, "' holds NaN or infinity");
    require(fits, info.file, ": tensor '", part.name, "' holds values that are too large for ",
            layout_name(layout));
  };
  const ops::Coding coding{.bits = layout.kind == Layout::Kind::int8 ? 8 : 4,
                           .group = layout.group};
  if (layout.kind != Layout::Kind::dense && !layout.interleaved && part.fold == nullptr &&
      ops_->quantizes(coding, cols)) {
    for_each_block(info, [&](const RowBlock& block, const std::byte* stored) {
      const int64_t count = block.end - block.begin;
      const auto rows_of = [&](Buffer& all, int64_t row_bytes) {
        return tensor::MutView{
            DType::u8, {count, row_bytes}, all.data() + (row_at + block.begin) * row_bytes};
      };
      ops_->quantize({info.dtype, {count, cols}, stored}, coding,
                     rows_of(values, value_bytes(layout, 1, cols)),
                     rows_of(scales, scale_bytes(layout, 1, cols)));
    });
    const ops::QuantizeFaults faults = ops_->quantize_faults();
    check(!faults.not_finite, !faults.scale_too_large);
    return;
  }
  for_each_block(info, [&](const RowBlock& block, const std::byte* stored) {
    WeightRows rows(layout, cols, values, scales, row_at + block.begin, row_at + block.end);
    std::atomic<bool> finite{true};
    std::atomic<bool> fits{true};
    pool_->parallel_for(block.end - block.begin, kRowGrain, [&](int64_t first, int64_t last) {
      std::vector<float> row(static_cast<size_t>(part.stored_cols));
      std::vector<float> kept(part.fold == nullptr ? 0 : static_cast<size_t>(cols));
      std::vector<std::byte> room;
      for (int64_t i = first; i < last; ++i) {
        if (!widen(info.dtype, stored + i * block.row_bytes, part.stored_cols, row.data())) {
          finite = false;
          return;
        }
        if (part.fold != nullptr) (*part.fold)(row, kept);
        if (rows.write(part.fold == nullptr ? row : kept, i, room) == RowResult::too_large)
          fits = false;
      }
    });
    check(finite, fits);
    rows.send(*ops_);
  });
}

Weight WeightLoader::embedding(const std::string& name, int64_t rows, int64_t cols) {
  const TensorInfo& info = matrix(name, rows, cols);
  if (const checkpoint::EncodedTensor* encoded = source_->encoded(name))
    return decoded_embedding(info, *encoded);
  const Layout layout = layout_for(policy_, Role::embedding, info.dtype);
  const tensor::View stored = source_->read(name);
  const int64_t element = tensor::size_of(info.dtype);
  // A file promises no alignment; a table that lies at an odd address is copied.
  const bool mapped =
      reinterpret_cast<uintptr_t>(stored.data) % static_cast<uintptr_t>(element) == 0;
  plan(info, layout, layout_bytes(layout, rows, cols), Role::embedding, mapped);
  Buffer values;
  if (ops_ != nullptr) {
    // A cache was only written after all of the checkpoint had been checked.
    if (cache_ != nullptr && cache_->found())
      advance(stored.bytes());
    else
      check_finite(info);
    if (mapped) {
      values = ops_->table(Buffer::adopt(source_->keep_alive(), const_cast<std::byte*>(stored.data),
                                         stored.bytes(), true));
    } else {
      Buffer aligned = Buffer::host(stored.bytes());
      std::memcpy(aligned.data(), stored.data, static_cast<size_t>(stored.bytes()));
      source_->drop(name);
      values = ops_->table(std::move(aligned));
    }
  }
  return assemble(name, rows, cols, layout, std::move(values), {});
}

Weight WeightLoader::decoded_embedding(const TensorInfo& info,
                                       const checkpoint::EncodedTensor& encoded) {
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape.elements() / std::max<int64_t>(rows, 1);
  const Layout layout = layout_of(info, Role::embedding);
  plan(info, layout, layout_bytes(layout, rows, cols), Role::embedding, false);
  Buffer values;
  if (ops_ != nullptr) {
    Buffer none;
    values = Buffer::host(value_bytes(layout, rows, cols));
    fill_decoded({info.name, rows, cols, nullptr}, encoded, layout, cols, 0, values, none);
    values = ops_->table(std::move(values));
  }
  return assemble(info.name, rows, cols, layout, std::move(values), {});
}

void WeightLoader::check_finite(const TensorInfo& info) {
  for_each_block(info, [&](const RowBlock& block, const std::byte* stored) {
    constexpr int64_t kPiece = 4096;
    const int64_t element = tensor::size_of(info.dtype);
    const int64_t count = (block.end - block.begin) * block.row_bytes / element;
    std::atomic<bool> finite{true};
    pool_->parallel_for(count, kPiece, [&](int64_t first, int64_t last) {
      std::vector<float> values(kPiece);
      for (int64_t i = first; i < last; i += kPiece)
        if (!widen(info.dtype, stored + i * element, std::min(kPiece, last - i), values.data()))
          finite = false;
    });
    require(finite, info.file, ": tensor '", info.name, "' holds NaN or infinity");
  });
}

Buffer WeightLoader::vector(const std::string& name, int64_t count, Role role) {
  const TensorInfo& info = find(name);
  require(info.shape.elements() == count, info.file, ": tensor '", name, "' has shape ",
          info.shape.text(), ", wanted ", count, " values");
  const Layout layout{};
  plan(info, layout, layout_bytes(layout, 1, count), role, false);
  if (ops_ == nullptr) return {};
  Buffer buffer;
  const int64_t bytes = count * static_cast<int64_t>(sizeof(float));
  take_or_make(name + " vector", planned_.back().stored_bytes, {{&buffer, bytes}}, [&] {
    std::vector<float> values(static_cast<size_t>(count));
    if (const checkpoint::EncodedTensor* encoded = source_->encoded(name)) {
      require(encoded->values(0, info.shape.rank() == 0 ? 1 : info.shape[0], values.data()),
              info.file, ": tensor '", name, "' holds NaN or infinity");
      advance(encoded->stored_bytes());
    } else
      for_each_block(info, [&](const RowBlock& block, const std::byte* stored) {
        const int64_t row = block.row_bytes / tensor::size_of(info.dtype);
        require(widen(info.dtype, stored, (block.end - block.begin) * row,
                      values.data() + block.begin * row),
                info.file, ": tensor '", name, "' holds NaN or infinity");
      });
    if (count > 0) ops_->upload(values.data(), {DType::f32, {count}, buffer.data()});
  });
  return buffer;
}

int64_t WeightLoader::bytes() const {
  return std::transform_reduce(planned_.begin(), planned_.end(), int64_t{0}, std::plus<>(),
                               [](const PlannedTensor& each) { return each.bytes; });
}

int64_t WeightLoader::vision_bytes() const {
  return std::transform_reduce(
      planned_.begin(), planned_.end(), int64_t{0}, std::plus<>(),
      [](const PlannedTensor& each) { return each.vision ? each.bytes : 0; });
}

int64_t WeightLoader::stored_bytes() const {
  return std::transform_reduce(planned_.begin(), planned_.end(), int64_t{0}, std::plus<>(),
                               [](const PlannedTensor& each) { return each.stored_bytes; });
}

}  // namespace visavis::load
