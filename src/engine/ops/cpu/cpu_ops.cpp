// The CPU's Ops: checks shapes, then runs the chosen row of the kernel tables. Operations that only
// move or add memory have no table and are written here or in movement.cpp.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"
#include "engine/ops/checks.h"
#include "engine/ops/cpu/ceilings.h"
#include "engine/ops/cpu/context.h"
#include "engine/ops/cpu/host_slabs.h"
#include "engine/ops/cpu/kernels.h"
#include "engine/ops/cpu/movement.h"
#include "engine/ops/cpu/rope_angles.h"
#include "engine/ops/ops.h"

namespace visavis::ops {
namespace {

class CpuOps final : public Ops {
 public:
  explicit CpuOps(const CpuOptions& options)
      : pool_(options.threads),
        forced_(options.kernel.empty() ? kernel_from_environment() : options.kernel),
        filter_{.cpu = detect_cpu_features(), .forced = forced_},
        context_{pool_, scratch_} {
    check_kernel_name(forced_, filter_.cpu);
  }

  std::string description() const override {
    const int threads = pool_.threads();
    return "cpu (" + std::string(best_kernel_name(filter_)) + ", " + std::to_string(threads) +
           (threads == 1 ? " thread)" : " threads)");
  }

  Buffer allocate(int64_t bytes) override { return slabs_.take(bytes); }
  void upload(const void* host, MutView to) override {
    if (to.bytes() > 0) std::memcpy(to.data, host, static_cast<size_t>(to.bytes()));
  }
  void download(View from, void* host) override {
    if (from.bytes() > 0) std::memcpy(host, from.data, static_cast<size_t>(from.bytes()));
  }

  DType arithmetic(const Weight& weight, int64_t rows) const override {
    if (!weight.rounds_input()) return DType::f32;
    if (!std::holds_alternative<tensor::Dense>(weight.layout)) return DType::i8;
    const LinearArgs args{.n = rows, .weight = &weight};
    return format_of(choose(linear_kernels(weight), filter_, args).name);
  }
  DType picture_arithmetic(bool round_input) const override {
    const SegmentAttentionArgs args{.head_dim = 64, .round_input = round_input};
    return format_of(choose(segment_attention_kernels(), filter_, args).name);
  }
  std::unique_ptr<CeilingProbe> ceiling_probe() const override {
    return std::make_unique<CpuCeilingProbe>(pool_.threads());
  }

  void linear(View x, const Weight& weight, const Epilogue& epilogue, MutView y) override {
    const LinearArgs args = linear_args(x, weight, epilogue, y);
    if (args.n == 0 || weight.rows == 0) return;
    run(linear_kernels(weight), args);
  }

  void project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
               tensor::Arena& arena) override {
    const tensor::ArenaScope scope(arena);
    const View input = normed(x, norm, arena);
    if (together(input, outputs)) return;
    Ops::project(input, {}, outputs, arena);
  }

  void silu_multiply(MutView gate, View up) override {
    require_same_shape("silu_multiply", gate, up);
    run(silu_multiply_kernels(),
        SiluArgs{.gate = gate.f32(), .up = up.f32(), .count = gate.shape.elements()});
  }

  void rms_norm(View x, View weight, float eps, MutView y) override {
    require_same_shape("rms_norm", x, y);
    require_vector("rms_norm", "weight", weight, x.cols());
    run(rms_norm_kernels(), NormArgs{.x = x.f32(),
                                     .weight = weight.f32(),
                                     .n = x.rows(),
                                     .cols = x.cols(),
                                     .eps = eps,
                                     .y = y.f32()});
  }

  void layer_norm(View x, View weight, View bias, float eps, MutView y) override {
    require_same_shape("layer_norm", x, y);
    require_vector("layer_norm", "weight", weight, x.cols());
    require_vector("layer_norm", "bias", bias, x.cols());
    run(layer_norm_kernels(), NormArgs{.x = x.f32(),
                                       .weight = weight.f32(),
                                       .bias = bias.f32(),
                                       .n = x.rows(),
                                       .cols = x.cols(),
                                       .eps = eps,
                                       .y = y.f32()});
  }

  void add(View y, MutView x) override {
    require_same_shape("add", x, y);
    add_rows_on_cpu(y.f32(), nullptr, y.rows(), y.cols(), x.f32(), pool_);
  }

  void add_rows(View y, View rows, MutView x) override {
    require_rows("add_rows", y, rows, x);
    add_rows_on_cpu(y.f32(), rows.i32(), y.rows(), y.cols(), x.f32(), pool_);
  }

  void set_rows(View y, View rows, MutView x) override {
    require_rows("set_rows", y, rows, x);
    set_rows_on_cpu(y.f32(), rows.i32(), y.rows(), y.cols(), x.f32(), pool_);
  }

  void gather_rows(View x, View rows, MutView y) override {
    require_rows("gather_rows", y, rows, x);
    gather_rows_on_cpu(x.f32(), rows.i32(), y.rows(), y.cols(), y.f32(), pool_);
  }

  void embed(const Weight& table, View ids, MutView x) override {
    require(x.cols() == table.cols && x.rows() == ids.shape.elements(), "embed: output is [",
            x.rows(), ", ", x.cols(), "], wanted [", ids.shape.elements(), ", ", table.cols, "]");
    embed_on_cpu(table, ids.i32(), x.rows(), x.f32(), pool_);
  }

  void rope(const RopeTable& table, View positions, MutView x) override {
    const int64_t pairs = table.pairs();
    require(x.shape.rank() == 3 && x.shape[2] == 2 * pairs && table.sets() > 0, "rope: x is ",
            x.shape.text(), ", the table has ", table.inv_freq.size(), " frequencies and ", pairs,
            " axes");
    require_vector("rope", "positions", positions, 3 * x.shape[0]);
    angles_.update(table, positions.i32(), x.shape[0], pool_);
    run(rope_kernels(), RopeArgs{.cosine = angles_.cosine(),
                                 .sine = angles_.sine(),
                                 .tokens = x.shape[0],
                                 .heads = x.shape[1],
                                 .pairs = pairs,
                                 .x = x.f32()});
  }

  void scale_beyond(int64_t length, View positions, MutView x) override {
    check_scale_beyond(length, positions, x);
    scale_beyond_on_cpu(length, positions.i32(), x.shape[0], x.shape[1] * x.shape[2], x.f32(),
                        pool_);
  }

  void segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                         int64_t longest_segment, float scale, bool round_input,
                         MutView y) override {
    check_segment_attention(q, k, v, stride, y);
    const int64_t segments = segment_start.shape.elements() - 1;
    for (int64_t s = 0; s < segments; ++s) {
      const int64_t length = segment_start.i32()[s + 1] - segment_start.i32()[s];
      require(length >= 0 && length <= longest_segment, "segment_attention: segment ", s, " has ",
              length, " tokens, the longest was said to have ", longest_segment);
    }
    require(segments < 1 ||
                (segment_start.i32()[0] >= 0 && segment_start.i32()[segments] <= q.shape[0]),
            "segment_attention: segments end at ", segments < 1 ? 0 : segment_start.i32()[segments],
            ", there are ", q.shape[0], " tokens");
    run(segment_attention_kernels(), SegmentAttentionArgs{.q = q.f32(),
                                                          .k = k.f32(),
                                                          .v = v.f32(),
                                                          .stride = stride,
                                                          .segment_start = segment_start.i32(),
                                                          .segments = segments,
                                                          .heads = q.shape[1],
                                                          .head_dim = q.shape[2],
                                                          .scale = scale,
                                                          .round_input = round_input,
                                                          .y = y.f32()});
  }

  void write_kv(View k, View v, const StepBatch& batch, const KvView& kv) override {
    check_write_kv(k, v, batch, kv);
    require_cache("write_kv", kv);
    write_kv_on_cpu(k.f32(), v.f32(), batch.slots.i32(), batch.tokens, kv, pool_);
  }

  void cached_attention(View q, const StepBatch& batch, const KvView& kv, float scale,
                        MutView y) override {
    check_cached_attention(q, batch, kv, y);
    require_cache("cached_attention", kv);
    run(cached_attention_kernels(), CachedAttentionArgs{.q = q.f32(),
                                                        .heads = q.shape[1],
                                                        .batch = &batch,
                                                        .kv = &kv,
                                                        .scale = scale,
                                                        .y = y.f32()});
  }

  void rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                        const StepBatch& batch, const KvView& kv, float scale, MutView y) override {
    if (!rotary_in_one(q, k, v, input, batch, kv, scale, y))
      Ops::rotary_attention(q, k, v, input, batch, kv, scale, y);
  }

  void add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         MutView y) override {
    check_position_grid(grid, side, h, w, merge, y);
    add_position_grid_on_cpu(grid.f32(), side, h, w, merge, y.cols(), y.f32(), pool_);
  }

  void cut_patches(View pixels, View levels, const PatchLayout& layout, MutView y) override {
    check_cut_patches(pixels, levels, layout, y);
    ops::cut_patches(pixels.as<uint8_t>(), pixels.shape[1], levels.f32(), layout, y.f32(), &pool_);
  }

  void arg_max(View logits, MutView ids) override {
    require_vector("arg_max", "ids", ids, logits.rows());
    arg_max_on_cpu(logits.f32(), logits.rows(), logits.cols(), ids.i32(), pool_);
  }

 private:
  static DType format_of(std::string_view kernel) {
    return kernel.ends_with("bf16") ? DType::bf16 : DType::f32;
  }

  static LinearArgs linear_args(const View& x, const Weight& weight, const Epilogue& epilogue,
                                const MutView& y) {
    require(x.cols() == weight.cols, "linear: input has ", x.cols(), " columns, weight '",
            weight.name, "' wants ", weight.cols);
    require(y.cols() == weight.rows && y.rows() == x.rows(), "linear: output is [", y.rows(), ", ",
            y.cols(), "], weight '", weight.name, "' makes [", x.rows(), ", ", weight.rows, "]");
    if (epilogue.bias.data != nullptr) require_vector("linear", "bias", epilogue.bias, weight.rows);
    return {.x = x.f32(),
            .n = x.rows(),
            .weight = &weight,
            .bias = epilogue.bias.data == nullptr ? nullptr : epilogue.bias.f32(),
            .activation = epilogue.activation,
            .accumulate = epilogue.accumulate,
            .y = y.f32()};
  }

  // norm(x), in memory of `arena` where there is a norm.
  View normed(const View& x, const RmsNormBefore& norm, tensor::Arena& arena) {
    if (!norm.present()) return x;
    const MutView result = arena.take(DType::f32, x.shape);
    rms_norm(x, norm.weight, norm.eps, result);
    return result;
  }

  // Runs all outputs in one loop, if their kernels can; see run_together().
  bool together(const View& x, std::span<const Projection> outputs) {
    constexpr size_t kMost = 4;
    if (outputs.empty() || outputs.size() > kMost || x.rows() == 0) return false;
    std::array<LinearArgs, kMost> linears;
    for (size_t i = 0; i < outputs.size(); ++i)
      linears[i] = linear_args(x, *outputs[i].weight, {.bias = outputs[i].bias}, outputs[i].y);
    return run_together({linears.data(), outputs.size()}, filter_, context_);
  }

  // Where it can be done, and the shapes are such that no operation would complain.
  bool rotary_in_one(MutView q, MutView k, View v, const RotaryInput& input, const StepBatch& batch,
                     const KvView& kv, float scale, MutView y) {
    const auto normed = [&](const RmsNormBefore& norm) {
      return !norm.present() || norm.weight.shape.elements() == kv.head_dim;
    };
    const bool fits = q.shape.rank() == 3 && q.shape == y.shape && q.shape[0] == batch.tokens &&
                      q.shape[1] % kv.kv_heads == 0 && q.shape[2] == kv.head_dim &&
                      k.shape == v.shape &&
                      k.shape.elements() == batch.tokens * kv.kv_heads * kv.head_dim &&
                      2 * input.rope->pairs() == kv.head_dim && input.rope->sets() > 0 &&
                      batch.positions.shape.elements() == 3 * batch.tokens &&
                      normed(input.q_norm) && normed(input.k_norm);
    if (!fits) return false;
    require_cache("rotary_attention", kv);
    angles_.update(*input.rope, batch.positions.i32(), batch.tokens, pool_);
    return run_rotary({.q = q.f32(),
                       .k = k.f32(),
                       .v = v.f32(),
                       .q_norm = input.q_norm,
                       .k_norm = input.k_norm,
                       .cosine = angles_.cosine(),
                       .sine = angles_.sine()},
                      {.q = q.f32(),
                       .heads = q.shape[1],
                       .batch = &batch,
                       .kv = &kv,
                       .scale = scale,
                       .y = y.f32()},
                      filter_, context_);
  }

  static std::string kernel_from_environment() {
    const char* name = std::getenv("VISAVIS_KERNEL");
    return name == nullptr ? "" : name;
  }

  static void require_cache(const char* op, const KvView& kv) {
    require(kv.dtype == DType::f32 || kv.dtype == DType::f16 || kv.dtype == DType::i8, op,
            ": the CPU keeps KV as f32, f16 or i8, found ", name_of(kv.dtype));
  }

  template <class Args>
  void run(const KernelTable<Args>& table, const Args& args) {
    choose(table, filter_, args).run(args, context_);
  }

  base::ThreadPool pool_;
  HostSlabs slabs_;
  Scratch scratch_;
  std::string forced_;
  KernelFilter filter_;
  CpuContext context_;
  RopeAngles angles_;
};

}  // namespace

std::unique_ptr<Ops> make_cpu_ops(const CpuOptions& options) {
  return std::make_unique<CpuOps>(options);
}

}  // namespace visavis::ops
