// An Ops that hands every call to another: the base of those that stand between a model and its
// backend to count or to look. Every method of Ops must be forwarded here, those with a default
// too, or the backend's faster form is not run.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "engine/ops/ops.h"

namespace visavis::ops {

class ForwardingOps : public Ops {
 public:
  explicit ForwardingOps(std::unique_ptr<Ops> inner) : inner_(std::move(inner)) {}

  std::string description() const override { return inner_->description(); }
  Buffer allocate(int64_t bytes) override { return inner_->allocate(bytes); }
  void upload(const void* host, MutView to) override { inner_->upload(host, to); }
  void download(View from, void* host) override { inner_->download(from, host); }
  Buffer table(Buffer mapped) override { return inner_->table(std::move(mapped)); }
  DeviceMemory memory() const override { return inner_->memory(); }
  bool has_own_memory() const override { return inner_->has_own_memory(); }
  void limit_memory(int64_t most) override { inner_->limit_memory(most); }
  void wait() override { inner_->wait(); }
  int64_t many_rows() const override { return inner_->many_rows(); }
  void reserve(int64_t bytes) override { inner_->reserve(bytes); }
  int64_t scratch_bytes() const override { return inner_->scratch_bytes(); }
  int64_t scratch_held() const override { return inner_->scratch_held(); }
  bool samples() const override { return inner_->samples(); }
  void sample(View logits, const Draw& draw, MutView id) override {
    inner_->sample(logits, draw, id);
  }
  bool quantizes(const Coding& coding, int64_t cols) const override {
    return inner_->quantizes(coding, cols);
  }
  void quantize(View host, const Coding& coding, MutView codes, MutView scales) override {
    inner_->quantize(host, coding, codes, scales);
  }
  QuantizeFaults quantize_faults() override { return inner_->quantize_faults(); }
  DType arithmetic(const Weight& weight, int64_t rows) const override {
    return inner_->arithmetic(weight, rows);
  }
  DType picture_arithmetic(bool round_input) const override {
    return inner_->picture_arithmetic(round_input);
  }
  std::unique_ptr<CeilingProbe> ceiling_probe() const override { return inner_->ceiling_probe(); }
  void linear(View x, const Weight& weight, const Epilogue& epilogue, MutView y) override {
    inner_->linear(x, weight, epilogue, y);
  }
  void project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
               tensor::Arena& arena) override {
    inner_->project(x, norm, outputs, arena);
  }
  void gated_mlp(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                 const Weight& down, bool accumulate, tensor::Arena& arena, MutView y) override {
    inner_->gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
  }
  void mlp(View x, const LayerNormBefore& norm, const BiasedWeight& fc1, Activation activation,
           const BiasedWeight& fc2, bool accumulate, tensor::Arena& arena, MutView y) override {
    inner_->mlp(x, norm, fc1, activation, fc2, accumulate, arena, y);
  }
  void picture_attention(View x, const PictureLayer& layer, tensor::Arena& arena,
                         MutView y) override {
    inner_->picture_attention(x, layer, arena, y);
  }
  void silu_multiply(MutView gate, View up) override { inner_->silu_multiply(gate, up); }
  void rms_norm(View x, View weight, float eps, MutView y) override {
    inner_->rms_norm(x, weight, eps, y);
  }
  void layer_norm(View x, View weight, View bias, float eps, MutView y) override {
    inner_->layer_norm(x, weight, bias, eps, y);
  }
  void add(View y, MutView x) override { inner_->add(y, x); }
  void add_rows(View y, View rows, MutView x) override { inner_->add_rows(y, rows, x); }
  void set_rows(View y, View rows, MutView x) override { inner_->set_rows(y, rows, x); }
  void gather_rows(View x, View rows, MutView y) override { inner_->gather_rows(x, rows, y); }
  void embed(const Weight& table, View ids, MutView x) override { inner_->embed(table, ids, x); }
  void rope(const RopeTable& table, View positions, MutView x) override {
    inner_->rope(table, positions, x);
  }
  void scale_beyond(int64_t length, View positions, MutView x) override {
    inner_->scale_beyond(length, positions, x);
  }
  void segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                         int64_t longest_segment, float scale, bool round_input,
                         MutView y) override {
    inner_->segment_attention(q, k, v, stride, segment_start, longest_segment, scale, round_input,
                              y);
  }
  void write_kv(View k, View v, const StepBatch& batch, const KvView& kv) override {
    inner_->write_kv(k, v, batch, kv);
  }
  void cached_attention(View q, const StepBatch& batch, const KvView& kv, float scale,
                        MutView y) override {
    inner_->cached_attention(q, batch, kv, scale, y);
  }
  void rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                        const StepBatch& batch, const KvView& kv, float scale, MutView y) override {
    inner_->rotary_attention(q, k, v, input, batch, kv, scale, y);
  }
  void add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         MutView y) override {
    inner_->add_position_grid(grid, side, h, w, merge, y);
  }
  void cut_patches(View pixels, View levels, const PatchLayout& layout, MutView y) override {
    inner_->cut_patches(pixels, levels, layout, y);
  }
  void arg_max(View logits, MutView ids) override { inner_->arg_max(logits, ids); }
  void run_step(uint64_t key, const std::function<void()>& step) override {
    inner_->run_step(key, step);
  }

 protected:
  Ops& inner() const { return *inner_; }

 private:
  std::unique_ptr<Ops> inner_;
};

}  // namespace visavis::ops
