#include "engine/generate/step_buffers.h"

#include <algorithm>
#include <atomic>
#include <bit>

#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

constexpr int64_t kIdBytes = sizeof(int32_t);

// Elements of each buffer, in one place so that bytes() and the constructor agree.
struct Sizes {
  int64_t numbers;  // of everything that is uploaded
  int64_t wanted, logits;

  Sizes(const models::Dimensions& dimensions, const models::Limits& limits)
      : wanted(StepBuffers::max_logit_rows(limits)), logits(wanted * dimensions.vocabulary) {
    const int64_t tokens = StepBuffers::max_tokens(limits);
    const int64_t tables = limits.batch * (1 + StepBuffers::max_pages(limits));
    // ids, positions, slots; query starts, lengths, pages; logit rows
    numbers = 5 * tokens + (limits.batch + 1) + tables + wanted + kArrays * kAlign;
  }

  static constexpr int64_t kArrays = 7;
  static constexpr int64_t kAlign = 16;  // numbers
};

}  // namespace

int64_t StepBuffers::max_pages(const models::Limits& limits) {
  return KvPool::pages_for(limits.context);
}

int64_t StepBuffers::bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  const Sizes sizes(dimensions, limits);
  return kIdBytes * (sizes.numbers + sizes.wanted) +
         sizes.logits * static_cast<int64_t>(sizeof(float));
}

StepBuffers::StepBuffers(ops::Ops& ops, const models::Dimensions& dimensions,
                         const models::Limits& limits)
    : vocabulary_(dimensions.vocabulary), max_pages_(max_pages(limits)) {
  static std::atomic<uint64_t> made = 0;
  number_ = ++made;
  const Sizes sizes(dimensions, limits);
  numbers_ = ops.allocate(sizes.numbers * kIdBytes);
  choices_ = ops.allocate(sizes.wanted * kIdBytes);
  logits_ = ops.allocate(sizes.logits * static_cast<int64_t>(sizeof(float)));
  packed_.reserve(static_cast<size_t>(sizes.numbers));
}

tensor::View StepBuffers::place(const std::vector<int32_t>& values, const tensor::Shape& shape) {
  const tensor::View view{tensor::DType::i32, shape,
                          numbers_.data() + static_cast<int64_t>(packed_.size()) * kIdBytes};
  packed_.insert(packed_.end(), values.begin(), values.end());
  constexpr size_t kAlign = Sizes::kAlign;
  packed_.resize((packed_.size() + kAlign - 1) / kAlign * kAlign);
  return view;
}

ops::StepBatch StepBuffers::upload(ops::Ops& ops, const StepRows& rows) {
  const auto tokens = static_cast<int64_t>(rows.ids.size());
  const auto sequences = static_cast<int64_t>(rows.kv_length.size());
  std::vector<int32_t> positions = rows.time;
  positions.insert(positions.end(), rows.row.begin(), rows.row.end());
  positions.insert(positions.end(), rows.column.begin(), rows.column.end());
  packed_.clear();
  logit_rows_ = place(rows.logit_rows, {static_cast<int64_t>(rows.logit_rows.size())});
  const ops::StepBatch batch = {.tokens = tokens,
                                .sequences = sequences,
                                .longest_query = rows.longest_query,
                                .longest_context = rows.longest_context,
                                .ids = place(rows.ids, {tokens}),
                                .positions = place(positions, {3, tokens}),
                                .query_start = place(rows.query_start, {sequences + 1}),
                                .kv_length = place(rows.kv_length, {sequences}),
                                .page_table = place(rows.page_table, {sequences, max_pages_}),
                                .slots = place(rows.slots, {tokens})};
  ops.upload(packed_.data(),
             {tensor::DType::i32, {static_cast<int64_t>(packed_.size())}, numbers_.data()});
  return batch;
}

uint64_t StepBuffers::make_repeatable(StepRows& rows, const tensor::Arena& workspace,
                                      bool chosen) const {
  const size_t sequences = rows.kv_length.size();
  if (rows.longest_query != 1 || rows.logit_rows.size() != sequences) return 0;
  // An eighth more than needed at most, from a size on where that is several pages.
  const auto length = static_cast<uint64_t>(rows.longest_context);
  const auto step = std::max<uint64_t>(kLeastContextStep, std::bit_ceil(length) / 16);
  rows.longest_context = std::min(static_cast<int64_t>((length + step - 1) / step * step),
                                  max_pages_ * KvPool::kPageSize);
  uint64_t key = 0;
  for (const uint64_t part :
       {number_, static_cast<uint64_t>(sequences), static_cast<uint64_t>(rows.longest_context),
        static_cast<uint64_t>(workspace.address()), static_cast<uint64_t>(chosen)})
    key = (key ^ part) * 0x9e3779b97f4a7c15u + (key >> 29);
  return std::max<uint64_t>(key, 1);
}

tensor::MutView StepBuffers::logits() {
  return {tensor::DType::f32, {logit_rows_.shape.elements(), vocabulary_}, logits_.data()};
}

tensor::MutView StepBuffers::choices() {
  return {tensor::DType::i32, {logit_rows_.shape.elements()}, choices_.data()};
}

tensor::MutView StepBuffers::choice(int64_t logit_row) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(int32_t));
  return {tensor::DType::i32, {1}, choices_.data() + logit_row * kBytes};
}

}  // namespace visavis::generate
