// What a piece of inference has to do at least: bytes to read and operations, and how long the
// machine's ceilings make that. Counted, not estimated: CountingOps stands between a model and its
// backend.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/ops/ceilings.h"
#include "engine/ops/forwarding_ops.h"

namespace visavis::bench {

/// A multiply-add is two operations, counted under the format that it runs in; f16 counts as bf16,
/// which devices multiply at the same rate.
struct Work {
  int64_t weight_bytes = 0;  // of linear layers' weights as held, once per call
  int64_t kv_bytes = 0;      // cached keys and values that attention reads
  double int8_ops = 0;
  double bf16_ops = 0;
  double f32_ops = 0;
  double attention_ops = 0;  // of these: attention's scores and weighted sums

  int64_t bytes() const { return weight_bytes + kv_bytes; }
  double ops() const { return int8_ops + bf16_ops + f32_ops; }
  /// Seconds that reading takes at the ceiling, and computing.
  double read_seconds(const ops::Ceilings& ceilings) const;
  double compute_seconds(const ops::Ceilings& ceilings) const;
};

/// Forwards everything to `inner`, or adds up what linear layers and attention would do.
class CountingOps : public ops::ForwardingOps {
 public:
  explicit CountingOps(std::unique_ptr<ops::Ops> inner) : ForwardingOps(std::move(inner)) {}

  const Work& work() const { return work_; }
  void reset() { work_ = {}; }
  /// Count, and compute nothing: outputs stay as they are. Otherwise nothing is counted.
  void set_dry(bool dry) { dry_ = dry; }

  void linear(ops::View x, const ops::Weight& weight, const ops::Epilogue& epilogue,
              ops::MutView y) override;
  void project(ops::View x, const ops::RmsNormBefore& norm,
               std::span<const ops::Projection> outputs, tensor::Arena& arena) override;
  void gated_mlp(ops::View x, const ops::RmsNormBefore& norm, const ops::Weight& gate,
                 const ops::Weight& up, const ops::Weight& down, bool accumulate,
                 tensor::Arena& arena, ops::MutView y) override;
  void mlp(ops::View x, const ops::LayerNormBefore& norm, const ops::BiasedWeight& fc1,
           ops::Activation activation, const ops::BiasedWeight& fc2, bool accumulate,
           tensor::Arena& arena, ops::MutView y) override;
  void picture_attention(ops::View x, const ops::PictureLayer& layer, tensor::Arena& arena,
                         ops::MutView y) override;
  void silu_multiply(ops::MutView gate, ops::View up) override;
  void rms_norm(ops::View x, ops::View weight, float eps, ops::MutView y) override;
  void layer_norm(ops::View x, ops::View weight, ops::View bias, float eps,
                  ops::MutView y) override;
  void add(ops::View y, ops::MutView x) override;
  void add_rows(ops::View y, ops::View rows, ops::MutView x) override;
  void set_rows(ops::View y, ops::View rows, ops::MutView x) override;
  void gather_rows(ops::View x, ops::View rows, ops::MutView y) override;
  void embed(const ops::Weight& table, ops::View ids, ops::MutView x) override;
  void rope(const ops::RopeTable& table, ops::View positions, ops::MutView x) override;
  void scale_beyond(int64_t length, ops::View positions, ops::MutView x) override;
  void segment_attention(ops::View q, ops::View k, ops::View v, int64_t stride,
                         ops::View segment_start, int64_t longest_segment, float scale,
                         bool round_input, ops::MutView y) override;
  void write_kv(ops::View k, ops::View v, const ops::StepBatch& batch,
                const ops::KvView& kv) override;
  void cached_attention(ops::View q, const ops::StepBatch& batch, const ops::KvView& kv,
                        float scale, ops::MutView y) override;
  void rotary_attention(ops::MutView q, ops::MutView k, ops::View v, const ops::RotaryInput& input,
                        const ops::StepBatch& batch, const ops::KvView& kv, float scale,
                        ops::MutView y) override;
  void add_position_grid(ops::View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         ops::MutView y) override;
  void cut_patches(ops::View pixels, ops::View levels, const ops::PatchLayout& layout,
                   ops::MutView y) override;
  void arg_max(ops::View logits, ops::MutView ids) override;
  void run_step(uint64_t key, const std::function<void()>& step) override;

 private:
  double& ops_in(ops::DType arithmetic);
  void count_linear(int64_t rows, const ops::Weight& weight);
  void count_segments(int64_t width, ops::View segment_start, bool round_input);
  void count_attention(int64_t width, const ops::StepBatch& batch, const ops::KvView& kv);
  std::vector<int32_t> on_host(ops::View ids);

  Work work_;
  bool dry_ = false;
};

}  // namespace visavis::bench
