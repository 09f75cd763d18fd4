#include "engine/bench/measured_model.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"

namespace visavis::bench {
namespace {

using generate::KvPool;

generate::MemoryPlan checked_plan(const models::Model& model, const models::Limits& limits,
                                  const ops::Ops& ops) {
  const generate::MemoryPlan plan = generate::plan_memory(model, limits, 0, ops);
  generate::require_room(plan, limits, ops);
  return plan;
}

double timed_load(models::Model& model, ops::Ops& ops) {
  const int64_t begin = base::steady_clock().now_ns();
  model.load(ops);
  ops.wait();
  return base::seconds_between(begin, base::steady_clock().now_ns());
}

// Written once, so that no timing pays for the first touch of its pages.
tensor::Arena touched_arena(ops::Ops& ops, int64_t bytes) {
  tensor::Buffer buffer = ops.allocate(bytes);
  if (buffer.on_host() && bytes > 0)
    std::memset(buffer.data(), 0, static_cast<size_t>(buffer.bytes()));
  return tensor::Arena(std::move(buffer));
}

// Values as of normalised keys, about -1.7 to 1.7.
std::vector<std::byte> random_values(tensor::DType dtype, int64_t count) {
  std::vector<std::byte> bytes(static_cast<size_t>(count * tensor::size_of(dtype)));
  base::Rng rng(1, "keys and values");
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(3.46 * (rng.uniform() - 0.5));
    if (dtype == tensor::DType::f32) {
      std::memcpy(bytes.data() + i * 4, &value, 4);
    } else if (dtype == tensor::DType::i8) {
      bytes[static_cast<size_t>(i)] = static_cast<std::byte>(static_cast<int8_t>(value * 70));
    } else {
      const uint16_t bits = tensor::to_f16(value).bits;
      std::memcpy(bytes.data() + i * 2, &bits, 2);
    }
  }
  return bytes;
}

}  // namespace

MeasuredModel::MeasuredModel(std::unique_ptr<models::Model> model, const models::Limits& limits,
                             std::unique_ptr<ops::Ops> ops)
    : ops_(std::move(ops)),
      model_(std::move(model)),
      limits_(limits),
      plan_(checked_plan(*model_, limits, ops_)),
      load_seconds_(timed_load(*model_, ops_)),
      workspace_(touched_arena(ops_, plan_.workspace)),
      features_(touched_arena(ops_, plan_.image_features)),
      pool_(ops_, model_->dimensions(), limits),
      buffers_(ops_, model_->dimensions(), limits) {
  fill_cache();
}

void MeasuredModel::fill_cache() {
  constexpr int64_t kDifferent = 7;  // pages
  const ops::KvView& first = pool_.layers().front();
  const int64_t values = first.kv_heads * first.page_size * first.head_dim;
  const int64_t page_bytes = values * tensor::size_of(limits_.kv);
  const std::vector<std::byte> pages = random_values(limits_.kv, kDifferent * values);
  const std::vector<float> scales(
      static_cast<size_t>(first.pages * first.kv_heads * first.page_size), 1.0f / 70);
  int64_t next = 0;
  for (const ops::KvView& layer : pool_.layers()) {
    for (int64_t page = 0; page < layer.pages; ++page) {
      for (const tensor::MutView& half : {layer.k, layer.v}) {
        const std::byte* from = pages.data() + next++ % kDifferent * page_bytes;
        ops_.upload(from, {limits_.kv, {values}, half.data + page * page_bytes});
      }
    }
    for (const tensor::MutView& half : {layer.k_scales, layer.v_scales}) {
      if (half.data != nullptr) ops_.upload(scales.data(), half);
    }
  }
}

std::vector<int32_t> MeasuredModel::step(int64_t batch, int64_t context,
                                         const std::vector<int32_t>& ids, bool choose) {
  const int64_t count = static_cast<int64_t>(ids.size()) / batch;
  const int64_t pages = generate::StepBuffers::max_pages(limits_);
  require(batch <= limits_.batch && context + count <= limits_.context,
          "bench: step outside of the limits");
  generate::StepRows rows;
  rows.ids = ids;
  for (int64_t sequence = 0; sequence < batch; ++sequence) {
    for (int64_t i = context; i < context + count; ++i) {
      rows.time.push_back(static_cast<int32_t>(i));
      rows.slots.push_back(static_cast<int32_t>(sequence * pages * KvPool::kPageSize + i));
    }
    for (int64_t page = 0; page < pages; ++page)
      rows.page_table.push_back(static_cast<int32_t>(sequence * pages + page));
    rows.query_start.push_back(static_cast<int32_t>((sequence + 1) * count));
    rows.kv_length.push_back(static_cast<int32_t>(context + count));
    if (choose) rows.logit_rows.push_back(static_cast<int32_t>((sequence + 1) * count - 1));
  }
  rows.row = rows.time;
  rows.column = rows.time;
  rows.longest_query = count;
  rows.longest_context = context + count;
  const uint64_t key = buffers_.make_repeatable(rows, workspace_, choose);
  const ops::StepBatch step = buffers_.upload(ops_, rows);
  ops_.run_step(key, [&] {
    model_->forward(step, {}, pool_.layers(), buffers_.logit_rows(), workspace_, buffers_.logits());
    if (choose) ops_.arg_max(buffers_.logits(), buffers_.choices());
  });
  std::vector<int32_t> chosen(rows.logit_rows.size());
  if (!choose) {
    ops_.wait();
    return chosen;
  }
  ops_.download(buffers_.choices(), chosen.data());
  return chosen;
}

void MeasuredModel::encode(const models::PatchGrid& picture) {
  features_.rewind(0);
  model_->encode(picture, workspace_, features_);
  ops_.wait();
}

}  // namespace visavis::bench
