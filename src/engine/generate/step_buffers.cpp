#include "engine/generate/step_buffers.h"

#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

constexpr int64_t kIdBytes = sizeof(int32_t);

// Elements of each buffer, in one place so that bytes() and the constructor agree.
struct Sizes {
  int64_t tokens, positions, sequences, pages, wanted, logits;

  Sizes(const models::Dimensions& dimensions, const models::Limits& limits)
      : tokens(StepBuffers::max_tokens(limits)),
        positions(3 * tokens),
        sequences(limits.batch + 1),
        pages(limits.batch * StepBuffers::max_pages(limits)),
        wanted(StepBuffers::max_logit_rows(limits)),
        logits(wanted * dimensions.vocabulary) {}
};

}  // namespace

int64_t StepBuffers::max_pages(const models::Limits& limits) {
  return KvPool::pages_for(limits.context);
}

int64_t StepBuffers::bytes(const models::Dimensions& dimensions, const models::Limits& limits) {
  const Sizes sizes(dimensions, limits);
  return kIdBytes * (2 * sizes.tokens + sizes.positions + 2 * sizes.sequences + sizes.pages +
                     2 * sizes.wanted) +
         sizes.logits * static_cast<int64_t>(sizeof(float));
}

StepBuffers::StepBuffers(ops::Ops& ops, const models::Dimensions& dimensions,
                         const models::Limits& limits)
    : vocabulary_(dimensions.vocabulary), max_pages_(max_pages(limits)) {
  const Sizes sizes(dimensions, limits);
  ids_ = ops.allocate(sizes.tokens * kIdBytes);
  positions_ = ops.allocate(sizes.positions * kIdBytes);
  slots_ = ops.allocate(sizes.tokens * kIdBytes);
  query_start_ = ops.allocate(sizes.sequences * kIdBytes);
  kv_length_ = ops.allocate(sizes.sequences * kIdBytes);
  page_table_ = ops.allocate(sizes.pages * kIdBytes);
  wanted_ = ops.allocate(sizes.wanted * kIdBytes);
  choices_ = ops.allocate(sizes.wanted * kIdBytes);
  logits_ = ops.allocate(sizes.logits * static_cast<int64_t>(sizeof(float)));
}

tensor::MutView StepBuffers::place(ops::Ops& ops, const std::vector<int32_t>& values,
                                   const tensor::Shape& shape, tensor::Buffer& buffer) {
  const tensor::MutView view{tensor::DType::i32, shape, buffer.data()};
  if (!values.empty()) ops.upload(values.data(), view);
  return view;
}

ops::StepBatch StepBuffers::upload(ops::Ops& ops, const StepRows& rows) {
  const auto tokens = static_cast<int64_t>(rows.ids.size());
  const auto sequences = static_cast<int64_t>(rows.kv_length.size());
  std::vector<int32_t> positions = rows.time;
  positions.insert(positions.end(), rows.row.begin(), rows.row.end());
  positions.insert(positions.end(), rows.column.begin(), rows.column.end());
  logit_rows_ =
      place(ops, rows.logit_rows, {static_cast<int64_t>(rows.logit_rows.size())}, wanted_);
  return {.tokens = tokens,
          .sequences = sequences,
          .longest_query = rows.longest_query,
          .longest_context = rows.longest_context,
          .ids = place(ops, rows.ids, {tokens}, ids_),
          .positions = place(ops, positions, {3, tokens}, positions_),
          .query_start = place(ops, rows.query_start, {sequences + 1}, query_start_),
          .kv_length = place(ops, rows.kv_length, {sequences}, kv_length_),
          .page_table = place(ops, rows.page_table, {sequences, max_pages_}, page_table_),
          .slots = place(ops, rows.slots, {tokens}, slots_)};
}

tensor::MutView StepBuffers::logits() {
  return {tensor::DType::f32, {logit_rows_.shape.elements(), vocabulary_}, logits_.data()};
}

tensor::MutView StepBuffers::choices() {
  return {tensor::DType::i32, {logit_rows_.shape.elements()}, choices_.data()};
}

}  // namespace visavis::generate
