// An Ops whose views lie in host memory, over one whose views lie on a device: every call copies
// what it reads to the device, runs there and copies back what it wrote. Tests only: one test body
// serves all backends.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/ops/ops.h"

namespace visavis::ops {

class HostViews final : public Ops {
 public:
  explicit HostViews(std::unique_ptr<Ops> device) : device_(std::move(device)) {}

  std::string description() const override { return device_->description(); }
  Buffer allocate(int64_t bytes) override { return Buffer::host(bytes); }
  void upload(const void* host, MutView to) override {
    std::memcpy(to.data, host, static_cast<size_t>(to.bytes()));
  }
  void download(View from, void* host) override {
    std::memcpy(host, from.data, static_cast<size_t>(from.bytes()));
  }

  DType arithmetic(const Weight& weight, int64_t rows) const override {
    return device_->arithmetic(weight, rows);
  }
  DType picture_arithmetic(bool round_input) const override {
    return device_->picture_arithmetic(round_input);
  }
  std::unique_ptr<CeilingProbe> ceiling_probe() const override { return device_->ceiling_probe(); }

  void linear(View x, const Weight& weight, const Epilogue& epilogue, MutView y) override {
    Call call(*device_);
    Epilogue there = epilogue;
    there.bias = call.in(epilogue.bias);
    device_->linear(call.in(x), call.in(weight), there, call.out(y));
  }
  void project(View x, const RmsNormBefore& norm, std::span<const Projection> outputs,
               tensor::Arena& arena) override {
    Call call(*device_);
    std::vector<Projection> there;
    for (const Projection& output : outputs)
      there.push_back({.weight = &call.in(*output.weight),
                       .bias = call.in(output.bias),
                       .y = call.out(output.y)});
    device_->project(call.in(x), call.in(norm), there, call.arena(arena));
  }
  void gated_mlp(View x, const RmsNormBefore& norm, const Weight& gate, const Weight& up,
                 const Weight& down, bool accumulate, tensor::Arena& arena, MutView y) override {
    Call call(*device_);
    const MutView output = call.out(y);
    const View input = x.data == y.data ? View(output) : call.in(x);
    device_->gated_mlp(input, call.in(norm), call.in(gate), call.in(up), call.in(down), accumulate,
                       call.arena(arena), output);
  }
  void mlp(View x, const LayerNormBefore& norm, const BiasedWeight& fc1, Activation activation,
           const BiasedWeight& fc2, bool accumulate, tensor::Arena& arena, MutView y) override {
    Call call(*device_);
    const MutView output = call.out(y);
    const View input = x.data == y.data ? View(output) : call.in(x);
    device_->mlp(input, call.in(norm), call.in(fc1), activation, call.in(fc2), accumulate,
                 call.arena(arena), output);
  }
  void picture_attention(View x, const PictureLayer& layer, tensor::Arena& arena,
                         MutView y) override {
    Call call(*device_);
    const MutView output = call.out(y);
    const View input = x.data == y.data ? View(output) : call.in(x);
    PictureLayer there = layer;
    there.norm = call.in(layer.norm);
    there.q = call.in(layer.q);
    there.k = call.in(layer.k);
    there.v = call.in(layer.v);
    there.o = call.in(layer.o);
    there.positions = call.in(layer.positions);
    there.segment_start = call.in(layer.segment_start);
    device_->picture_attention(input, there, call.arena(arena), output);
  }
  void silu_multiply(MutView gate, View up) override {
    Call call(*device_);
    device_->silu_multiply(call.out(gate), call.in(up));
  }
  void rms_norm(View x, View weight, float eps, MutView y) override {
    Call call(*device_);
    const MutView output = call.out(y);
    device_->rms_norm(x.data == y.data ? View(output) : call.in(x), call.in(weight), eps, output);
  }
  void layer_norm(View x, View weight, View bias, float eps, MutView y) override {
    Call call(*device_);
    const MutView output = call.out(y);
    device_->layer_norm(x.data == y.data ? View(output) : call.in(x), call.in(weight),
                        call.in(bias), eps, output);
  }
  void add(View y, MutView x) override {
    Call call(*device_);
    device_->add(call.in(y), call.out(x));
  }
  void add_rows(View y, View rows, MutView x) override {
    Call call(*device_);
    device_->add_rows(call.in(y), call.in(rows), call.out(x));
  }
  void set_rows(View y, View rows, MutView x) override {
    Call call(*device_);
    device_->set_rows(call.in(y), call.in(rows), call.out(x));
  }
  void gather_rows(View x, View rows, MutView y) override {
    Call call(*device_);
    device_->gather_rows(call.in(x), call.in(rows), call.out(y));
  }
  void embed(const Weight& table, View ids, MutView x) override {
    Call call(*device_);
    Weight there{table.name, table.rows, table.cols, {}};
    const auto& dense = std::get<tensor::Dense>(table.layout);
    there.layout = tensor::Dense{dense.dtype, device_->table(dense.values.share())};
    device_->embed(there, call.in(ids), call.out(x));
  }
  void rope(const RopeTable& table, View positions, MutView x) override {
    Call call(*device_);
    device_->rope(table, call.in(positions), call.out(x));
  }
  void scale_beyond(int64_t length, View positions, MutView x) override {
    Call call(*device_);
    device_->scale_beyond(length, call.in(positions), call.out(x));
  }
  void segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                         int64_t longest_segment, float scale, bool round_input,
                         MutView y) override {
    // q, k and v may lie inside one another: what spans them all is copied once.
    Call call(*device_);
    const int64_t token = q.shape[1] * q.shape[2] * int64_t{sizeof(float)};
    const int64_t span = (q.shape[0] - 1) * stride * int64_t{sizeof(float)} + token;
    const std::byte* begin = std::min({q.data, k.data, v.data});
    const std::byte* end = std::max({q.data, k.data, v.data}) + span;
    const View all = call.in(View{DType::u8, {end - begin}, begin});
    const auto there = [&](const View& view) {
      return View{view.dtype, view.shape, all.data + (view.data - begin)};
    };
    device_->segment_attention(there(q), there(k), there(v), stride, call.in(segment_start),
                               longest_segment, scale, round_input, call.out(y));
  }
  void write_kv(View k, View v, const StepBatch& batch, const KvView& kv) override {
    Call call(*device_);
    device_->write_kv(call.in(k), call.in(v), call.in(batch), call.out(kv));
  }
  void cached_attention(View q, const StepBatch& batch, const KvView& kv, float scale,
                        MutView y) override {
    Call call(*device_);
    device_->cached_attention(call.in(q), call.in(batch), call.out(kv), scale, call.out(y));
  }
  void rotary_attention(MutView q, MutView k, View v, const RotaryInput& input,
                        const StepBatch& batch, const KvView& kv, float scale, MutView y) override {
    Call call(*device_);
    RotaryInput there = input;
    there.q_norm = call.in(input.q_norm);
    there.k_norm = call.in(input.k_norm);
    device_->rotary_attention(call.out(q), call.out(k), call.in(v), there, call.in(batch),
                              call.out(kv), scale, call.out(y));
  }
  void add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                         MutView y) override {
    Call call(*device_);
    device_->add_position_grid(call.in(grid), side, h, w, merge, call.out(y));
  }
  void cut_patches(View pixels, View levels, const PatchLayout& layout, MutView y) override {
    Call call(*device_);
    device_->cut_patches(call.in(pixels), call.in(levels), layout, call.out(y));
  }
  void arg_max(View logits, MutView ids) override {
    Call call(*device_);
    device_->arg_max(call.in(logits), call.out(ids));
  }

 private:
  // The device's copies of one call's arguments; its end copies the written ones back.
  class Call {
   public:
    explicit Call(Ops& device) : device_(device) {}
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;
    ~Call() noexcept(false) {
      for (const auto& [host, there] : written_) device_.download(there, host);
    }

    View in(const View& host) { return copy(host); }
    MutView out(const MutView& host) {
      const MutView there = copy(host);
      if (there.data != nullptr) written_.emplace_back(host.data, there);
      return there;
    }
    LayerNormBefore in(const LayerNormBefore& norm) {
      return {in(norm.weight), in(norm.bias), norm.eps};
    }
    BiasedWeight in(const BiasedWeight& layer) { return {&in(*layer.weight), in(layer.bias)}; }
    RmsNormBefore in(const RmsNormBefore& norm) { return {in(norm.weight), norm.eps}; }
    const Weight& in(const Weight& weight) {
      weights_.push_back(std::make_unique<Weight>(Weight{
          weight.name, weight.rows, weight.cols,
          std::visit(
              [this](const auto& layout) -> decltype(Weight::layout) { return there(layout); },
              weight.layout)}));
      return *weights_.back();
    }
    StepBatch in(StepBatch batch) {
      for (View* view : {&batch.ids, &batch.positions, &batch.query_start, &batch.kv_length,
                         &batch.page_table, &batch.slots})
        *view = copy(*view);
      return batch;
    }
    KvView out(KvView kv) {
      for (MutView* view : {&kv.k, &kv.v, &kv.k_scales, &kv.v_scales}) *view = out(*view);
      return kv;
    }
    tensor::Arena& arena(const tensor::Arena& host) {
      arenas_.push_back(
          std::make_unique<tensor::Arena>(device_.allocate(host.capacity() - host.used())));
      return *arenas_.back();
    }

   private:
    Buffer there(const Buffer& host) {
      Buffer buffer = device_.allocate(host.bytes());
      if (host.bytes() > 0) device_.upload(host.data(), {DType::u8, {host.bytes()}, buffer.data()});
      return buffer;
    }
    tensor::Dense there(const tensor::Dense& host) {
      return {host.dtype, there(host.values), host.round_input};
    }
    tensor::Int8 there(const tensor::Int8& host) {
      return {host.group, there(host.codes), there(host.scales), host.interleaved,
              host.round_input};
    }
    tensor::Int4 there(const tensor::Int4& host) {
      return {host.group,        there(host.codes), there(host.scales),      host.zero,
              there(host.zeros), host.lookup,       there(host.permutation), host.interleaved,
              host.round_input};
    }
    tensor::BlockQ there(const tensor::BlockQ& host) { return {host.format, there(host.blocks)}; }

    MutView copy(const View& host) {
      if (host.data == nullptr) return {host.dtype, host.shape, nullptr};
      buffers_.push_back(device_.allocate(std::max<int64_t>(1, host.bytes())));
      const MutView view{host.dtype, host.shape, buffers_.back().data()};
      device_.upload(host.data, view);
      return view;
    }

    Ops& device_;
    std::vector<Buffer> buffers_;
    std::vector<std::unique_ptr<Weight>> weights_;
    std::vector<std::unique_ptr<tensor::Arena>> arenas_;
    std::vector<std::pair<std::byte*, View>> written_;
  };

  std::unique_ptr<Ops> device_;
};

}  // namespace visavis::ops
