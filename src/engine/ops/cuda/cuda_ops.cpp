// CUDA's Ops: checks shapes, then runs the chosen row of the kernel tables on the one stream.
// Operations that only move or add memory have no table (movement.cu).
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "engine/ops/checks.h"
#include "engine/ops/cuda/ceilings.h"
#include "engine/ops/cuda/device.h"
#include "engine/ops/cuda/flash_cached.h"
#include "engine/ops/cuda/generation.h"
#include "engine/ops/cuda/kernels.h"
#include "engine/ops/cuda/matrix_library.h"
#include "engine/ops/cuda/memory.h"
#include "engine/ops/cuda/prompt.h"
#include "engine/ops/cuda/prompt_rotary.h"
#include "engine/ops/cuda/quantize.h"
#include "engine/ops/cuda/recorder.h"
#include "engine/ops/cuda/sample.h"
#include "engine/ops/cuda/weight_args.h"
#include "engine/ops/ops.h"

namespace visavis::ops {
namespace {

cuda::KvArgs kv_args(const char* op, const KvView& kv) {
  require(kv.dtype == DType::f32 || kv.dtype == DType::f16 || kv.dtype == DType::i8, op,
          ": CUDA keeps KV as f32, f16 or i8, found ", name_of(kv.dtype));
  const bool scaled = kv.dtype == DType::i8;
  return {.type = scaled                   ? cuda::KvType::i8
                  : kv.dtype == DType::f16 ? cuda::KvType::f16
                                           : cuda::KvType::f32,
          .page_size = kv.page_size,
          .kv_heads = kv.kv_heads,
          .head_dim = kv.head_dim,
          .k = kv.k.data,
          .v = kv.v.data,
          .k_scales = scaled ? kv.k_scales.f32() : nullptr,
          .v_scales = scaled ? kv.v_scales.f32() : nullptr};
}

cuda::BatchArgs batch_args(const StepBatch& batch) {
  const auto ids = [](const View& view) { return view.data == nullptr ? nullptr : view.i32(); };
  return {.tokens = batch.tokens,
          .sequences = batch.sequences,
          .longest_query = batch.longest_query,
          .longest_context = batch.longest_context,
          .max_pages = batch.page_table.cols(),
          .positions = ids(batch.positions),
          .query_start = ids(batch.query_start),
          .kv_length = ids(batch.kv_length),
          .page_table = ids(batch.page_table),
          .slots = ids(batch.slots)};
}

const float* vector_or_null(const View& view) {
  return view.data == nullptr ? nullptr : view.f32();
}

cuda::BiasedWeight layer_args(const Weight& weight, const View& bias) {
  return {cuda::weight_args(weight), vector_or_null(bias)};
}

cuda::NormBefore norm_args(const RmsNormBefore& norm) {
  return {vector_or_null(norm.weight), nullptr, norm.eps};
}

cuda::NormBefore norm_args(const LayerNormBefore& norm) {
  return {vector_or_null(norm.weight), vector_or_null(norm.bias), norm.eps};
}

// What an arena has left, at most `bytes` and the roundings of a few pieces.
cuda::Room room(tensor::Arena& arena, int64_t bytes) {
  constexpr int64_t kRoundings = 512;
  constexpr int64_t kAlign = 64;
  const int64_t left = (arena.capacity() - arena.used()) / kAlign * kAlign;
  const int64_t taken = std::min(left, bytes + kRoundings);
  return {arena.take(DType::u8, {taken}).data, taken};
}

std::string kernel_from_environment() {
  const char* name = std::getenv("VISAVIS_KERNEL");
  return name == nullptr ? "" : name;
}

class CudaOps final : public Ops {
 public:
  explicit CudaOps(const CudaOptions& options)
      : device_(cuda::open_device(options.device)),
        separate_(options.separate),
        replay_(options.replay),
        forced_(options.kernel.empty() ? kernel_from_environment() : options.kernel),
        counters_(std::make_shared<cuda::Counters>()),
        slabs_(device_.index, counters_),
        staging_(stream_.get(), device_.index, counters_, pool_),
        scratch_(stream_.get(), device_.index, counters_),
        library_(cuda::MatrixLibrary::open()),
        context_{stream_.get(), device_, &scratch_, library_.get()},
        generation_(context_, counters_),
        recorder_(stream_.get()) {
    cuda::check_kernel_name(forced_, device_);
  }
  ~CudaOps() override { cudaStreamSynchronize(stream_.get()); }

  std::string description() const override {
    return "cuda:" + std::to_string(device_.index) + " (" + cuda::device_name(device_.index) +
           ", sm_" + std::to_string(device_.sm) + ")";
  }

  DeviceMemory memory() const override {
    cuda::use_device(device_.index);
    cuda::FreeMemory now = cuda::free_memory();
    if (counters_->limit > 0)
      now.free = std::clamp<int64_t>(counters_->limit - counters_->allocated, 0, now.free);
    return {.allocated = counters_->allocated,
            .peak = counters_->peak,
            .pinned = counters_->pinned,
            .free = now.free,
            .total = now.total};
  }

  bool has_own_memory() const override { return true; }
  void limit_memory(int64_t most) override { counters_->limit = most; }

  Buffer allocate(int64_t bytes) override {
    return separate_ ? cuda::allocate_device(bytes, device_.index, counters_)
                     : slabs_.allocate(bytes);
  }

  void reserve(int64_t bytes) override {
    if (separate_ || bytes == 0) return;
    slabs_.reserve(bytes);
    if (library_ == nullptr) return;
    // Taken now, so that a prompt does not find that somebody else took the memory.
    scratch_.take(cuda::kScratchWeight, cuda::kExpandedWeight);
    scratch_.take(cuda::kScratchLibrary, cuda::kLibraryWorkspace);
  }

  int64_t many_rows() const override { return cuda::kManyRows; }
  int64_t scratch_bytes() const override { return cuda::kPlannedScratch; }
  int64_t scratch_held() const override { return scratch_.held(); }

  void upload(const void* host, MutView to) override {
    cuda::use_device(device_.index);
    staging_.upload(static_cast<const std::byte*>(host), to.bytes(), to.data);
  }

  void download(View from, void* host) override {
    cuda::use_device(device_.index);
    staging_.download(from.data, from.bytes(), static_cast<std::byte*>(host));
  }

  bool quantizes(const Coding& coding, int64_t cols) const override {
    return cuda::quantize_supports(coding.bits, coding.group, cols);
  }

  void quantize(View host, const Coding& coding, MutView codes, MutView scales) override {
    use();
    const auto bytes = static_cast<size_t>(host.bytes());
    auto* stored = static_cast<std::byte*>(context_.scratch->take(cuda::kScratchWeight, bytes));
    staging_.upload(host.data, host.bytes(), stored);
    if (faults_.bytes() == 0) {
      faults_ = cuda::allocate_device(sizeof(uint32_t), device_.index, counters_);
      clear_faults();
    }
    cuda::quantize({.stored = stored,
                    .kind = cuda::weight_kind(host.dtype),
                    .rows = host.rows(),
                    .cols = host.cols(),
                    .bits = coding.bits,
                    .group = coding.group,
                    .codes = codes.data,
                    .scales = scales.data,
                    .faults = faults_.as<uint32_t>()},
                   context_.stream);
  }

  QuantizeFaults quantize_faults() override {
    if (faults_.bytes() == 0) return {};
    uint32_t found = 0;
    staging_.download(faults_.data(), sizeof(found), reinterpret_cast<std::byte*>(&found));
    clear_faults();
    return {.not_finite = (found & cuda::kNotFinite) != 0,
            .scale_too_large = (found & cuda::kScaleTooLarge) != 0};
  }

  Buffer table(Buffer mapped) override {
    if (mapped.bytes() == 0) return mapped;
    return cuda::copy_for_kernels(mapped, device_.index, counters_, pool_);
  }

  void wait() override {
    use();
    cuda::check(cudaStreamSynchronize(stream_.get()), "waiting for the device");
  }

  DType arithmetic(const Weight& weight, int64_t rows) const override {
    const cuda::LinearArgs args{.n = rows, .weight = cuda::weight_args(weight)};
    return cuda::choose(cuda::linear_kernels(args.weight.kind), forced_, args, device_).arithmetic;
  }
  DType picture_arithmetic(bool round_input) const override {
    const cuda::SegmentAttentionArgs args{.head_dim = 64, .round_input = round_input};
    return cuda::choose(cuda::segment_attention_kernels(), forced_, args, device_).arithmetic;
  }
  std::unique_ptr<CeilingProbe> ceiling_probe() const override {
    return cuda::make_ceiling_probe(device_);
  }

  void linear(View x, const Weight& weight, const Epilogue& epilogue, MutView y) override {
    require(x.cols() == weight.cols, "linear: input has ", x.cols(), " columns, weight '",
            weight.name, "' wants ", weight.cols);
    require(y.cols() == weight.rows && y.rows() == x.rows(), "linear: output is [", y.rows(), ", ",
            y.cols(), "], weight '", weight.name, "' makes [", x.rows(), ", ", weight.rows, "]");
    if (epilogue.bias.data != nullptr) require_vector("linear", "bias", epilogue.bias, weight.rows);
    const cuda::LinearArgs args{
        .x = x.f32(),
        .n = x.rows(),
        .weight = cuda::weight_args(weight),
        .bias = epilogue.bias.data == nullptr ? nullptr : epilogue.bias.f32(),
        .activation = cuda::activation_of(epilogue.activation),
        .accumulate = epilogue.accumulate,
        .y = y.f32(),
    };
    if (args.n == 0 || weight.rows == 0) return;
    run(cuda::linear_kernels(args.weight.kind), args);
  }

  void project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
               tensor::Arena& arena) override {
    std::vector<cuda::ProjectionArgs> there;
    bool many = wants("library");
    for (const Projection& output : outputs) {
      there.push_back({layer_args(*output.weight, output.bias), output.y.f32()});
      many = many && cuda::prompt_takes(there.back().layer.weight, x.rows(), device_);
      require(x.cols() == output.weight->cols && output.y.rows() == x.rows() &&
                  output.y.cols() == output.weight->rows,
              "project: input ", x.shape.text(), " and output ", output.y.shape.text(),
              " of weight '", output.weight->name, "'");
    }
    use();
    if (wants(cuda::kGenerationName) && generation_.project(x, norm, outputs)) return;
    if (!many || outputs.empty() || x.cols() % 4 != 0) return Ops::project(x, norm, outputs, arena);
    const tensor::ArenaScope scope(arena);
    cuda::prompt_project(x.f32(), x.rows(), norm_args(norm), there.data(),
                         static_cast<int>(there.size()), room(arena, x.shape.elements() * 4),
                         context_);
  }

  void gated_mlp(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                 const Weight& down, bool accumulate, tensor::Arena& arena, MutView y) override {
    use();
    if (wants(cuda::kGenerationName) && generation_.takes_gate(x.rows(), gate, up)) {
      const tensor::ArenaScope scope(arena);
      const MutView gated = arena.take_f32({x.rows(), gate.rows});
      generation_.gate(x, norm, gate, up, gated);
      linear(gated, down, {.accumulate = accumulate}, y);
      return;
    }
    const cuda::WeightArgs weights[] = {cuda::weight_args(gate), cuda::weight_args(up),
                                        cuda::weight_args(down)};
    if (!multiplies_alike(weights, x.rows()) || gate.rows % 8 != 0)
      return Ops::gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
    const tensor::ArenaScope scope(arena);
    const int64_t bytes = (x.shape.elements() + 2 * x.rows() * gate.rows) * 2;
    cuda::prompt_gated_mlp(x.f32(), x.rows(), norm_args(norm), weights[0], weights[1], weights[2],
                           accumulate, room(arena, bytes), y.f32(), context_);
  }

  void mlp(View x, const LayerNormBefore& norm, const BiasedWeight& fc1, Activation activation,
           const BiasedWeight& fc2, bool accumulate, tensor::Arena& arena, MutView y) override {
    const cuda::BiasedWeight first = layer_args(*fc1.weight, fc1.bias);
    const cuda::BiasedWeight second = layer_args(*fc2.weight, fc2.bias);
    const cuda::WeightArgs weights[] = {first.weight, second.weight};
    const int64_t least = (x.shape.elements() + fc1.weight->rows) * 2 + 128;
    if (!multiplies_alike(weights, x.rows()) || fc1.weight->rows % 8 != 0 ||
        arena.capacity() - arena.used() < least)
      return Ops::mlp(x, norm, fc1, activation, fc2, accumulate, arena, y);
    use();
    const tensor::ArenaScope scope(arena);
    const int64_t bytes = (x.shape.elements() + x.rows() * fc1.weight->rows) * 2;
    cuda::prompt_mlp(x.f32(), x.rows(), norm_args(norm), first, cuda::activation_of(activation),
                     second, accumulate, room(arena, bytes), y.f32(), context_);
  }

  void picture_attention(View x, const PictureLayer& layer, tensor::Arena& arena,
                         MutView y) override {
    cuda::PictureLayerArgs args{.x = x.f32(),
                                .rows = x.rows(),
                                .norm = norm_args(layer.norm),
                                .q = layer_args(*layer.q.weight, layer.q.bias),
                                .k = layer_args(*layer.k.weight, layer.k.bias),
                                .v = layer_args(*layer.v.weight, layer.v.bias),
                                .o = layer_args(*layer.o.weight, layer.o.bias),
                                .heads = layer.heads,
                                .head_dim = layer.head_dim,
                                .rope = {},
                                .segment_start = layer.segment_start.i32(),
                                .segments = layer.segment_start.shape.elements() - 1,
                                .longest_segment = layer.longest_segment,
                                .scale = 1.0f / std::sqrt(static_cast<float>(layer.head_dim)),
                                .y = y.f32()};
    if (layer.rope != nullptr) {
      args.rotated = true;
      args.rope = cuda::rope_frequencies(*layer.rope);
      args.positions = layer.positions.i32();
    }
    if (!wants("library") || !cuda::prompt_takes_picture(args, device_))
      return Ops::picture_attention(x, layer, arena, y);
    use();
    const tensor::ArenaScope scope(arena);
    const int64_t bytes = (x.shape.elements() + 6 * x.rows() * layer.heads * layer.head_dim) * 2;
    cuda::prompt_picture_attention(args, room(arena, bytes), context_);
  }

  void rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                        const StepBatch& batch, const KvView& kv, float scale, MutView y) override {
    constexpr float kLog2E = 1.4426950408889634f;
    const cuda::CachedAttentionArgs attention{.heads = q.shape[1],
                                              .batch = batch_args(batch),
                                              .kv = kv_args("rotary_attention", kv),
                                              .scale = scale,
                                              .y = y.f32()};
    cuda::PromptRotaryArgs rotary{.q = q.f32(),
                                  .k = k.f32(),
                                  .v = v.f32(),
                                  .q_norm = vector_or_null(input.q_norm.weight),
                                  .k_norm = vector_or_null(input.k_norm.weight),
                                  .q_eps = input.q_norm.eps,
                                  .k_eps = input.k_norm.eps,
                                  .table = cuda::rope_frequencies(*input.rope),
                                  .heads = q.shape[1],
                                  .scale = scale * kLog2E,
                                  .batch = attention.batch,
                                  .kv = attention.kv,
                                  .rotated_q = y.f32()};
    use();
    if (wants(cuda::kGenerationName) &&
        generation_.rotary_attention(q, k, v, input, attention.batch, attention.kv, scale, y))
      return;
    if (!wants("flash") || batch.longest_query < cuda::kManyRows ||
        !cuda::flash_cached_supports(attention, device_) || !cuda::prompt_rotary_supports(rotary))
      return Ops::rotary_attention(q, k, v, input, batch, kv, scale, y);
    cuda::prompt_rotary(rotary, context_);
    // Each head's queries lie where its results will, so that only one block touches both.
    cuda::flash_cached(attention,
                       {.q = y.f32(),
                        .stride = q.shape[1] * 2 * kv.head_dim,
                        .head_stride = 2 * kv.head_dim,
                        .f16 = true},
                       context_);
  }

  void silu_multiply(MutView gate, View up) override {
    require_same_shape("silu_multiply", gate, up);
    run(cuda::silu_multiply_kernels(),
        cuda::SiluArgs{.gate = gate.f32(), .up = up.f32(), .count = gate.shape.elements()});
  }

  void rms_norm(View x, View weight, float eps, MutView y) override {
    require_same_shape("rms_norm", x, y);
    require_vector("rms_norm", "weight", weight, x.cols());
    run(cuda::rms_norm_kernels(), cuda::NormArgs{.x = x.f32(),
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
    run(cuda::layer_norm_kernels(), cuda::NormArgs{.x = x.f32(),
                                                   .weight = weight.f32(),
                                                   .bias = bias.f32(),
                                                   .n = x.rows(),
                                                   .cols = x.cols(),
                                                   .eps = eps,
                                                   .y = y.f32()});
  }

  void add(View y, MutView x) override {
    require_same_shape("add", x, y);
    use();
    cuda::add_rows(y.f32(), nullptr, y.rows(), y.cols(), x.f32(), context_);
  }

  void add_rows(View y, View rows, MutView x) override {
    require_rows("add_rows", y, rows, x);
    use();
    cuda::add_rows(y.f32(), rows.i32(), y.rows(), y.cols(), x.f32(), context_);
  }

  void set_rows(View y, View rows, MutView x) override {
    require_rows("set_rows", y, rows, x);
    use();
    cuda::set_rows(y.f32(), rows.i32(), y.rows(), y.cols(), x.f32(), context_);
  }

  void gather_rows(View x, View rows, MutView y) override {
    require_rows("gather_rows", y, rows, x);
    use();
    cuda::gather_rows(x.f32(), rows.i32(), y.rows(), y.cols(), y.f32(), context_);
  }

  void embed(const Weight& table, View ids, MutView x) override {
    require(x.cols() == table.cols && x.rows() == ids.shape.elements(), "embed: output is [",
            x.rows(), ", ", x.cols(), "], wanted [", ids.shape.elements(), ", ", table.cols, "]");
    use();
    cuda::embed(cuda::weight_args(table), ids.i32(), x.rows(), x.f32(), context_);
  }

  void rope(const RopeTable& table, View positions, MutView x) override {
    const cuda::RopeFrequencies frequencies = cuda::rope_frequencies(table);
    require(x.shape.rank() == 3 && x.shape[2] == 2 * frequencies.pairs, "rope: x is ",
            x.shape.text(), ", the table has ", frequencies.pairs, " frequencies");
    require_vector("rope", "positions", positions, 3 * x.shape[0]);
    run(cuda::rope_kernels(), cuda::RopeArgs{.table = frequencies,
                                             .positions = positions.i32(),
                                             .tokens = x.shape[0],
                                             .heads = x.shape[1],
                                             .x = x.f32()});
  }

  void scale_beyond(int64_t length, View positions, MutView x) override {
    check_scale_beyond(length, positions, x);
    use();
    cuda::scale_beyond(length, positions.i32(), x.shape[0], x.shape[1] * x.shape[2], x.f32(),
                       context_);
  }

  void segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                         int64_t longest_segment, float scale, bool round_input,
                         MutView y) override {
    check_segment_attention(q, k, v, stride, y);
    run(cuda::segment_attention_kernels(),
        cuda::SegmentAttentionArgs{.q = q.f32(),
                                   .k = k.f32(),
                                   .v = v.f32(),
                                   .stride = stride,
                                   .segment_start = segment_start.i32(),
                                   .segments = segment_start.shape.elements() - 1,
                                   .tokens = q.shape[0],
                                   .longest_segment = longest_segment,
                                   .heads = q.shape[1],
                                   .head_dim = q.shape[2],
                                   .scale = scale,
                                   .round_input = round_input,
                                   .y = y.f32()});
  }

  void write_kv(View k, View v, const StepBatch& batch, const KvView& kv) override {
    check_write_kv(k, v, batch, kv);
    use();
    cuda::write_kv({.k = k.f32(),
                    .v = v.f32(),
                    .slots = batch.slots.i32(),
                    .tokens = batch.tokens,
                    .kv = kv_args("write_kv", kv)},
                   context_);
  }

  void cached_attention(View q, const StepBatch& batch, const KvView& kv, float scale,
                        MutView y) override {
    check_cached_attention(q, batch, kv, y);
    run(cuda::cached_attention_kernels(),
        cuda::CachedAttentionArgs{.q = q.f32(),
                                  .heads = q.shape[1],
                                  .batch = batch_args(batch),
                                  .kv = kv_args("cached_attention", kv),
                                  .scale = scale,
                                  .y = y.f32()});
  }

  void add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         MutView y) override {
    check_position_grid(grid, side, h, w, merge, y);
    use();
    cuda::add_position_grid(grid.f32(), side, h, w, merge, y.cols(), y.f32(), context_);
  }

  void cut_patches(View pixels, View levels, const PatchLayout& layout, MutView y) override {
    check_cut_patches(pixels, levels, layout, y);
    use();
    cuda::cut_patches({.pixels = pixels.as<uint8_t>(),
                       .width = pixels.shape[1],
                       .levels = levels.f32(),
                       .grid_h = layout.grid_h,
                       .grid_w = layout.grid_w,
                       .patch_h = layout.patch_h,
                       .patch_w = layout.patch_w,
                       .merge = layout.merge,
                       .copies = layout.copies,
                       .y = y.f32()},
                      context_);
  }

  void arg_max(View logits, MutView ids) override {
    require_vector("arg_max", "ids", ids, logits.rows());
    use();
    generation_.arg_max(logits, ids);
  }

  bool samples() const override { return true; }

  void sample(View logits, const Draw& draw, MutView id) override {
    require(logits.rows() == 1 && id.shape.elements() == 1, "sample: logits are ",
            logits.shape.text(), ", wanted one row");
    use();
    cuda::sample({.logits = logits.f32(),
                  .count = static_cast<int>(logits.cols()),
                  .temperature = draw.temperature,
                  .top_k = draw.top_k,
                  .top_p = draw.top_p,
                  .uniform = draw.uniform,
                  .id = id.i32()},
                 context_.stream);
  }

  void run_step(uint64_t key, const std::function<void()>& step) override {
    use();
    recorder_.run(replay_ ? key : 0, scratch_.generation(), step);
  }

 private:
  void use() const { cuda::use_device(device_.index); }

  void clear_faults() {
    cuda::check(cudaMemsetAsync(faults_.data(), 0, sizeof(uint32_t), context_.stream),
                "clearing a flag");
  }

  // Whether operations may be fused with kernels of this name.
  bool wants(std::string_view name) const { return forced_.empty() || forced_ == name; }

  // Whether the library multiplies n rows with all these weights in the same 16-bit format.
  bool multiplies_alike(std::span<const cuda::WeightArgs> weights, int64_t n) const {
    const cuda::MatrixType type = cuda::prompt_type(weights[0], device_);
    return wants("library") && type != cuda::MatrixType::f32 &&
           std::all_of(weights.begin(), weights.end(), [&](const cuda::WeightArgs& weight) {
             return cuda::prompt_takes(weight, n, device_) &&
                    cuda::prompt_type(weight, device_) == type;
           });
  }

  template <class Args>
  void run(const cuda::KernelTable<Args>& table, const Args& args) {
    use();
    cuda::choose(table, forced_, args, device_).run(args, context_);
  }

  cuda::Device device_;
  bool separate_;
  bool replay_;
  std::string forced_;
  std::shared_ptr<cuda::Counters> counters_;
  base::ThreadPool pool_{4};  // copies to pinned memory: more threads copy no faster
  cuda::Stream stream_;
  cuda::Slabs slabs_;
  cuda::StagingRing staging_;
  cuda::DeviceScratch scratch_;
  std::unique_ptr<cuda::MatrixLibrary> library_;
  cuda::Context context_;
  cuda::Generation generation_;
  cuda::Recorder recorder_;
  Buffer faults_;  // cuda::QuantizeFault, once something was quantised
};

}  // namespace

bool has_cuda() { return true; }

std::string cuda_bus_id(int device) { return cuda::bus_id(device); }

std::unique_ptr<Ops> make_cuda_ops(const CudaOptions& options) {
  return std::make_unique<CudaOps>(options);
}

std::vector<KernelRow> cuda_kernels(int device) {
  const std::string forced = kernel_from_environment();
  const cuda::Device facts = cuda::open_device(device);
  cuda::check_kernel_name(forced, facts);
  return cuda::kernel_rows(forced, facts);
}

}  // namespace visavis::ops
