// Attention on top of the vectorised parts: which query rows go together, which keys they see, and
// how the work is spread over threads.
#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "engine/ops/cpu/attention_simd.h"
#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/movement.h"
#include "engine/ops/cpu/rows_simd.h"

namespace visavis::ops {
namespace {

// Query rows that share one pass over the keys: packing a block of keys is paid once for them, and
// their running results stay in the second-level cache.
constexpr int64_t kMostRows = 192;
// Cached keys are cut here whatever the batch and the threads, so that a long context keeps many
// threads busy for one token and the result does not depend on either. A multiple of kKeyBlock.
constexpr int64_t kSplit = 512;
constexpr int64_t kMostHeadDim = 256;  // of keys that are rounded on the stack

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

struct QueryRows {
  int64_t count = 0;
  std::array<const float*, kMostRows> query;
  std::array<float*, kMostRows> out;
  std::array<int64_t, kMostRows> seen;  // keys that the row sees, from the first one on
};

// Scratch of one task, cut out of a lease.
class Workspace {
 public:
  Workspace(Scratch& scratch, int64_t padded)
      : padded_(padded), lease_(scratch.take(3 * kKeyBlock * padded + 2 * state_floats(padded))) {}

  static int64_t state_floats(int64_t padded) { return kMostRows * (padded + 2); }
  // A state in `floats`, which has state_floats() of them.
  static AttentionState state_in(float* floats, int64_t padded) {
    return {floats, floats + kMostRows * padded, floats + kMostRows * (padded + 1)};
  }

  float* keys() { return lease_.floats(); }
  float* values() { return lease_.floats() + kKeyBlock * padded_; }
  float* work() { return lease_.floats() + 2 * kKeyBlock * padded_; }
  AttentionState state(int64_t which) {
    return state_in(lease_.floats() + 3 * kKeyBlock * padded_ + which * state_floats(padded_),
                    padded_);
  }

 private:
  int64_t padded_;
  Scratch::Lease lease_;
};

// Attends to keys [begin, end). `rows_of(j, k, v)` tells where key j's row and value row are.
template <class RowsOf>
void attend_range(const AttentionSimd& simd, const QueryRows& rows, int64_t begin, int64_t end,
                  int64_t head_dim, float scale, const RowsOf& rows_of, Workspace& workspace,
                  const AttentionState& state) {
  simd.clear(state, rows.count, head_dim);
  std::array<const float*, kKeyBlock> keys;
  std::array<const float*, kKeyBlock> values;
  std::array<int64_t, kMostRows> visible;
  for (int64_t first = begin; first < end; first += kKeyBlock) {
    const int64_t count = std::min(kKeyBlock, end - first);
    for (int64_t j = 0; j < count; ++j)
      rows_of(first + j, keys[static_cast<size_t>(j)], values[static_cast<size_t>(j)]);
    simd.pack(keys.data(), values.data(), count, head_dim, workspace.keys(), workspace.values(),
              workspace.work());
    for (int64_t r = 0; r < rows.count; ++r)
      visible[static_cast<size_t>(r)] = rows.seen[static_cast<size_t>(r)] - first;
    simd.attend(rows.query.data(), visible.data(), rows.count, head_dim, scale,
                {workspace.keys(), workspace.values(), count}, state);
  }
}

void segment_attention_with(const AttentionSimd& simd, const SegmentAttentionArgs& args,
                            CpuContext& context) {
  struct Task {
    int64_t segment, head, first, count;
  };
  const int64_t dim = args.head_dim;
  const int64_t padded = round_up(dim, simd.lanes);
  std::vector<Task> tasks;
  for (int64_t s = 0; s < args.segments; ++s) {
    const int64_t length = args.segment_start[s + 1] - args.segment_start[s];
    for (int64_t head = 0; head < args.heads; ++head)
      for (int64_t first = 0; first < length; first += kMostRows)
        tasks.push_back({s, head, first, std::min(kMostRows, length - first)});
  }
  const auto body = [&](int64_t begin, int64_t end) {
    Workspace workspace(context.scratch, padded);
    const AttentionState state = workspace.state(0);
    QueryRows rows;
    for (int64_t i = begin; i < end; ++i) {
      const Task& task = tasks[static_cast<size_t>(i)];
      const int64_t start = args.segment_start[task.segment];
      const int64_t length = args.segment_start[task.segment + 1] - start;
      rows.count = task.count;
      for (int64_t r = 0; r < task.count; ++r) {
        const int64_t token = start + task.first + r;
        rows.query[static_cast<size_t>(r)] = args.q + token * args.stride + task.head * dim;
        rows.out[static_cast<size_t>(r)] = args.y + (token * args.heads + task.head) * dim;
        rows.seen[static_cast<size_t>(r)] = length;
      }
      const auto rows_of = [&](int64_t j, const float*& key, const float*& value) {
        const int64_t at = (start + j) * args.stride + task.head * dim;
        key = args.k + at;
        value = args.v + at;
      };
      attend_range(simd, rows, 0, length, dim, args.scale, rows_of, workspace, state);
      simd.finish(state, rows.count, dim, rows.out.data());
    }
  };
  context.pool.parallel_for(static_cast<int64_t>(tasks.size()), 1, body);
}

// Query rows of one sequence that share a KV head: row r is token r / group, head r % group of the
// heads that read this KV head.
class CachedAttention {
 public:
  // With `before`, every sequence has one row.
  CachedAttention(const AttentionSimd& simd, const CachedAttentionArgs& args, CpuContext& context,
                  const RotaryRows* before = nullptr, const RowsSimd* rows_simd = nullptr)
      : simd_(simd),
        before_(before),
        rows_simd_(rows_simd),
        args_(args),
        context_(context),
        batch_(*args.batch),
        kv_(*args.kv),
        group_(args.heads / args.kv->kv_heads),
        padded_(round_up(args.kv->head_dim, simd.lanes)),
        format_(args.kv->dtype == DType::f32   ? CachedBlock::Format::f32
                : args.kv->dtype == DType::f16 ? CachedBlock::Format::f16
                                               : CachedBlock::Format::i8) {
    for (int64_t s = 0; s < batch_.sequences; ++s) {
      const int64_t rows = queries_of(s) * group_;
      for (int64_t head = 0; head < kv_.kv_heads; ++head)
        for (int64_t first = 0; first < rows; first += kMostRows)
          tasks_.push_back({s, head, first, std::min(kMostRows, rows - first)});
    }
  }

  void run() {
    const int64_t splits = (batch_.longest_context + kSplit - 1) / kSplit;
    const auto count = static_cast<int64_t>(tasks_.size());
    const bool split = splits > 1 && count < 4 * context_.pool.threads();
    // Else each task prepares what it alone reads.
    if (before_ != nullptr && (split || group_ > kMostRows)) prepare_all();
    if (split)
      run_split(splits);
    else
      run_whole();
  }

 private:
  struct Task {
    int64_t sequence, kv_head, first, count;
  };

  int64_t queries_of(int64_t sequence) const {
    const int32_t* start = batch_.query_start.i32();
    return start[sequence + 1] - start[sequence];
  }

  // Norms, rotates and stores what the task, a sequence's one row, reads.
  void prepare(const Task& task) const {
    const int64_t dim = kv_.head_dim;
    const int64_t token = batch_.query_start.i32()[task.sequence];
    const int32_t slot = batch_.slots.i32()[token];
    fetch_keys(slot, task.kv_head);
    if (task.first == 0) {
      const int64_t at = (token * kv_.kv_heads + task.kv_head) * dim;
      rotate(before_->k_norm, token, before_->k + at);
      store(before_->k + at, before_->v + at, slot, task.kv_head);
    }
    for (int64_t r = 0; r < task.count; ++r)
      rotate(before_->q_norm, token,
             before_->q + (token * args_.heads + task.kv_head * group_ + task.first + r) * dim);
  }

  void prepare_all() {
    context_.pool.parallel_for(static_cast<int64_t>(tasks_.size()), 1,
                               [&](int64_t begin, int64_t end) {
                                 for (int64_t i = begin; i < end; ++i)
                                   prepare(tasks_[static_cast<size_t>(i)]);
                               });
    before_ = nullptr;
  }

  void rotate(const RmsNormBefore& norm, int64_t token, float* row) const {
    const int64_t dim = kv_.head_dim;
    if (norm.present()) rows_simd_->rms_norm(row, norm.weight.f32(), dim, norm.eps, row);
    const int64_t pairs = dim / 2;
    rows_simd_->rotate(before_->cosine + token * pairs, before_->sine + token * pairs, pairs, row,
                       row + pairs);
  }

  // Asks for the lines into which store() scatters a key.
  void fetch_keys(int32_t slot, int64_t head) const {
    const int64_t element = tensor::size_of(kv_.dtype);
    const int64_t part = slot / kKeyBlock * kv_.kv_heads + head;
    std::byte* to = kv_.k.data + (part * kv_.head_dim * kKeyBlock + slot % kKeyBlock) * element;
    for (int64_t d = 0; d < kv_.head_dim; ++d) __builtin_prefetch(to + d * kKeyBlock * element, 1);
  }

  // write_kv of one head.
  void store(const float* k, const float* v, int32_t slot, int64_t head) const {
    const int64_t dim = kv_.head_dim;
    if (kv_.dtype != DType::f16 || dim > kMostHeadDim)
      return write_kv_head_on_cpu(k, v, slot, head, kv_);
    std::array<uint16_t, kMostHeadDim> key;
    rows_simd_->to_f16(k, dim, key.data());
    const int64_t part = slot / kKeyBlock * kv_.kv_heads + head;
    const int64_t offset = slot % kKeyBlock;
    uint16_t* to = kv_.k.as<uint16_t>() + part * dim * kKeyBlock + offset;
    for (int64_t d = 0; d < dim; ++d) to[d * kKeyBlock] = key[static_cast<size_t>(d)];
    rows_simd_->to_f16(v, dim, kv_.v.as<uint16_t>() + (part * kKeyBlock + offset) * dim);
  }

  void fill(const Task& task, QueryRows& rows) const {
    const int64_t length = batch_.kv_length.i32()[task.sequence];
    const int64_t queries = queries_of(task.sequence);
    rows.count = task.count;
    for (int64_t r = 0; r < task.count; ++r) {
      const int64_t query = (task.first + r) / group_;
      const int64_t head = task.kv_head * group_ + (task.first + r) % group_;
      const int64_t token = batch_.query_start.i32()[task.sequence] + query;
      const int64_t at = (token * args_.heads + head) * kv_.head_dim;
      rows.query[static_cast<size_t>(r)] = args_.q + at;
      rows.out[static_cast<size_t>(r)] = args_.y + at;
      rows.seen[static_cast<size_t>(r)] = length - queries + query + 1;
    }
  }

  // Keys that the last row of the task sees; the others see fewer.
  int64_t keys_of(const QueryRows& rows) const {
    return rows.seen[static_cast<size_t>(rows.count - 1)];
  }

  void attend_split(const Task& task, const QueryRows& rows, int64_t split,
                    const AttentionState& state) const {
    const int32_t* pages = batch_.page_table.i32() + task.sequence * batch_.page_table.cols();
    simd_.clear(state, rows.count, kv_.head_dim);
    const int64_t element = tensor::size_of(kv_.dtype);
    const bool scaled = kv_.dtype == DType::i8;
    const int64_t end = std::min((split + 1) * kSplit, keys_of(rows));
    std::array<int64_t, kMostRows> visible;
    for (int64_t first = split * kSplit; first < end; first += kKeyBlock) {
      const int64_t part = pages[first / kKeyBlock] * kv_.kv_heads + task.kv_head;
      const int64_t at = part * kKeyBlock * kv_.head_dim * element;
      for (int64_t r = 0; r < rows.count; ++r)
        visible[static_cast<size_t>(r)] = rows.seen[static_cast<size_t>(r)] - first;
      const CachedBlock block = {
          .format = format_,
          .keys = kv_.k.data + at,
          .values = kv_.v.data + at,
          .key_scales = scaled ? kv_.k_scales.f32() + part * kKeyBlock : nullptr,
          .value_scales = scaled ? kv_.v_scales.f32() + part * kKeyBlock : nullptr,
          .count = std::min(kKeyBlock, end - first)};
      simd_.attend_cached(rows.query.data(), visible.data(), rows.count, kv_.head_dim, args_.scale,
                          block, state);
    }
  }

  // One task after the other on each thread; a task goes through its splits in order.
  void run_whole() {
    const auto body = [&](int64_t begin, int64_t end) {
      Workspace workspace(context_.scratch, padded_);
      const AttentionState total = workspace.state(0);
      const AttentionState part = workspace.state(1);
      QueryRows rows;
      for (int64_t i = begin; i < end; ++i) {
        const Task& task = tasks_[static_cast<size_t>(i)];
        if (before_ != nullptr) prepare(task);
        fill(task, rows);
        attend_split(task, rows, 0, total);
        for (int64_t split = 1; split * kSplit < keys_of(rows); ++split) {
          attend_split(task, rows, split, part);
          simd_.merge(part, rows.count, kv_.head_dim, total);
        }
        simd_.finish(total, rows.count, kv_.head_dim, rows.out.data());
      }
    };
    context_.pool.parallel_for(static_cast<int64_t>(tasks_.size()), 1, body);
  }

  // Too few tasks for the threads: every split is a task of its own, merged afterwards in the same
  // order as above.
  void run_split(int64_t splits) {
    const auto count = static_cast<int64_t>(tasks_.size());
    const int64_t floats = Workspace::state_floats(padded_);
    Scratch::Lease states = context_.scratch.take(count * splits * floats);
    const auto state_of = [&](int64_t task, int64_t split) {
      return Workspace::state_in(states.floats() + (task * splits + split) * floats, padded_);
    };
    const auto attend = [&](int64_t begin, int64_t end) {
      QueryRows rows;
      for (int64_t i = begin; i < end; ++i) {
        const Task& task = tasks_[static_cast<size_t>(i / splits)];
        fill(task, rows);
        if (i % splits * kSplit < keys_of(rows))
          attend_split(task, rows, i % splits, state_of(i / splits, i % splits));
      }
    };
    context_.pool.parallel_for(count * splits, 1, attend);
    const auto combine = [&](int64_t begin, int64_t end) {
      QueryRows rows;
      for (int64_t i = begin; i < end; ++i) {
        fill(tasks_[static_cast<size_t>(i)], rows);
        for (int64_t split = 1; split * kSplit < keys_of(rows); ++split)
          simd_.merge(state_of(i, split), rows.count, kv_.head_dim, state_of(i, 0));
        simd_.finish(state_of(i, 0), rows.count, kv_.head_dim, rows.out.data());
      }
    };
    context_.pool.parallel_for(count, grain_for(kv_.head_dim * splits * 8), combine);
  }

  const AttentionSimd& simd_;
  const RotaryRows* before_;
  const RowsSimd* rows_simd_;
  const CachedAttentionArgs& args_;
  CpuContext& context_;
  const StepBatch& batch_;
  const KvView& kv_;
  int64_t group_;
  int64_t padded_;
  CachedBlock::Format format_;
  std::vector<Task> tasks_;
};

}  // namespace

void segment_attention_avx2(const SegmentAttentionArgs& args, CpuContext& context) {
  segment_attention_with(*attention_simd_avx2(), args, context);
}
void segment_attention_avx512(const SegmentAttentionArgs& args, CpuContext& context) {
  segment_attention_with(*attention_simd_avx512(), args, context);
}
void segment_attention_avx512bf16(const SegmentAttentionArgs& args, CpuContext& context) {
  segment_attention_with(*attention_simd_avx512bf16(), args, context);
}
void cached_attention_avx2(const CachedAttentionArgs& args, CpuContext& context) {
  CachedAttention(*attention_simd_avx2(), args, context).run();
}
void cached_attention_avx512(const CachedAttentionArgs& args, CpuContext& context) {
  CachedAttention(*attention_simd_avx512(), args, context).run();
}
void rotary_attention_avx2(const RotaryRows& rows, const CachedAttentionArgs& args,
                           CpuContext& context) {
  CachedAttention(*attention_simd_avx2(), args, context, &rows, rows_simd_avx2()).run();
}
void rotary_attention_avx512(const RotaryRows& rows, const CachedAttentionArgs& args,
                             CpuContext& context) {
  CachedAttention(*attention_simd_avx512(), args, context, &rows, rows_simd_avx512()).run();
}

}  // namespace visavis::ops
