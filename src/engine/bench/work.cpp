#include "engine/bench/work.h"

#include <algorithm>
#include <variant>

namespace visavis::bench {
namespace {

using ops::MutView;
using ops::StepBatch;
using ops::View;
using ops::Weight;

}  // namespace

double Work::read_seconds(const ops::Ceilings& ceilings) const {
  return static_cast<double>(bytes()) / ceilings.bytes_per_second;
}

double Work::compute_seconds(const ops::Ceilings& ceilings) const {
  double seconds = int8_ops / ceilings.int8_ops_per_second + f32_ops / ceilings.flops_per_second;
  // Without a rate of its own, 16-bit arithmetic is at least as fast as f32's.
  if (bf16_ops > 0)
    seconds += bf16_ops / std::max(ceilings.bf16_flops_per_second, ceilings.flops_per_second);
  return seconds;
}

double& CountingOps::ops_in(ops::DType arithmetic) {
  if (arithmetic == ops::DType::i8) return work_.int8_ops;
  return arithmetic == ops::DType::f32 ? work_.f32_ops : work_.bf16_ops;
}

void CountingOps::count_linear(int64_t rows, const Weight& weight) {
  if (!dry_) return;
  work_.weight_bytes += weight.bytes();
  const double ops = 2.0 * static_cast<double>(rows) * static_cast<double>(weight.rows) *
                     static_cast<double>(weight.cols);
  ops_in(inner().arithmetic(weight, rows)) += ops;
}

std::vector<int32_t> CountingOps::on_host(View ids) {
  std::vector<int32_t> values(static_cast<size_t>(ids.shape.elements()));
  inner().download(ids, values.data());
  return values;
}

void CountingOps::linear(View x, const Weight& weight, const ops::Epilogue& epilogue, MutView y) {
  count_linear(x.rows(), weight);
  if (!dry_) inner().linear(x, weight, epilogue, y);
}

void CountingOps::project(View x, const ops::RmsNormBefore& norm,
                          std::span<const ops::Projection> outputs, tensor::Arena& arena) {
  for (const ops::Projection& output : outputs) count_linear(x.rows(), *output.weight);
  if (!dry_) inner().project(x, norm, outputs, arena);
}

void CountingOps::gated_mlp(View x, const ops::RmsNormBefore& norm, const Weight& gate,
                            const Weight& up, const Weight& down, bool accumulate,
                            tensor::Arena& arena, MutView y) {
  for (const Weight* weight : {&gate, &up, &down}) count_linear(x.rows(), *weight);
  if (!dry_) inner().gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
}

void CountingOps::mlp(View x, const ops::LayerNormBefore& norm, const ops::BiasedWeight& fc1,
                      ops::Activation activation, const ops::BiasedWeight& fc2, bool accumulate,
                      tensor::Arena& arena, MutView y) {
  for (const ops::BiasedWeight* layer : {&fc1, &fc2}) count_linear(x.rows(), *layer->weight);
  if (!dry_) inner().mlp(x, norm, fc1, activation, fc2, accumulate, arena, y);
}

void CountingOps::picture_attention(View x, const ops::PictureLayer& layer, tensor::Arena& arena,
                                    MutView y) {
  for (const ops::BiasedWeight* part : {&layer.q, &layer.k, &layer.v, &layer.o})
    count_linear(x.rows(), *part->weight);
  count_segments(layer.heads * layer.head_dim, layer.segment_start, layer.q.weight->rounds_input());
  if (!dry_) inner().picture_attention(x, layer, arena, y);
}

void CountingOps::silu_multiply(MutView gate, View up) {
  if (!dry_) inner().silu_multiply(gate, up);
}

void CountingOps::rms_norm(View x, View weight, float eps, MutView y) {
  if (!dry_) inner().rms_norm(x, weight, eps, y);
}

void CountingOps::layer_norm(View x, View weight, View bias, float eps, MutView y) {
  if (!dry_) inner().layer_norm(x, weight, bias, eps, y);
}

void CountingOps::add(View y, MutView x) {
  if (!dry_) inner().add(y, x);
}

void CountingOps::add_rows(View y, View rows, MutView x) {
  if (!dry_) inner().add_rows(y, rows, x);
}

void CountingOps::set_rows(View y, View rows, MutView x) {
  if (!dry_) inner().set_rows(y, rows, x);
}

void CountingOps::gather_rows(View x, View rows, MutView y) {
  if (!dry_) inner().gather_rows(x, rows, y);
}

void CountingOps::embed(const Weight& table, View ids, MutView x) {
  if (!dry_) inner().embed(table, ids, x);
}

void CountingOps::scale_beyond(int64_t length, View positions, MutView x) {
  if (!dry_) inner().scale_beyond(length, positions, x);
}

void CountingOps::rope(const ops::RopeTable& table, View positions, MutView x) {
  if (!dry_) inner().rope(table, positions, x);
}

void CountingOps::count_segments(int64_t width, View segment_start, bool round_input) {
  if (!dry_) return;
  const std::vector<int32_t> starts = on_host(segment_start);
  for (size_t s = 0; s + 1 < starts.size(); ++s) {
    const auto length = static_cast<double>(starts[s + 1] - starts[s]);
    const double ops = 4 * length * length * static_cast<double>(width);
    work_.attention_ops += ops;
    ops_in(inner().picture_arithmetic(round_input)) += ops;
  }
}

void CountingOps::segment_attention(View q, View k, View v, int64_t stride, View segment_start,
                                    int64_t longest_segment, float scale, bool round_input,
                                    MutView y) {
  count_segments(y.shape[1] * y.shape[2], segment_start, round_input);
  if (!dry_)
    inner().segment_attention(q, k, v, stride, segment_start, longest_segment, scale, round_input,
                              y);
}

void CountingOps::write_kv(View k, View v, const StepBatch& batch, const ops::KvView& kv) {
  if (!dry_) inner().write_kv(k, v, batch, kv);
}

void CountingOps::count_attention(int64_t width, const StepBatch& batch, const ops::KvView& kv) {
  if (!dry_) return;
  const std::vector<int32_t> starts = on_host(batch.query_start);
  const std::vector<int32_t> lengths = on_host(batch.kv_length);
  int64_t row_bytes = kv.head_dim * tensor::size_of(kv.dtype);  // of one head
  if (kv.k_scales.data != nullptr) row_bytes += tensor::size_of(kv.k_scales.dtype);
  for (size_t s = 0; s < lengths.size(); ++s) {
    const int64_t rows = starts[s + 1] - starts[s];
    const int64_t length = lengths[s];
    work_.kv_bytes += 2 * length * kv.kv_heads * row_bytes;
    // Row i sees the rows before the step and i + 1 of the step.
    const int64_t pairs = rows * (length - rows) + rows * (rows + 1) / 2;
    const double ops = 4 * static_cast<double>(pairs * width);
    work_.attention_ops += ops;
    work_.f32_ops += ops;
  }
}

void CountingOps::cached_attention(View q, const StepBatch& batch, const ops::KvView& kv,
                                   float scale, MutView y) {
  count_attention(q.shape[1] * q.shape[2], batch, kv);
  if (!dry_) inner().cached_attention(q, batch, kv, scale, y);
}

void CountingOps::rotary_attention(MutView q, MutView k, View v, const ops::RotaryInput& input,
                                   const StepBatch& batch, const ops::KvView& kv, float scale,
                                   MutView y) {
  count_attention(q.shape[1] * q.shape[2], batch, kv);
  if (!dry_) inner().rotary_attention(q, k, v, input, batch, kv, scale, y);
}

void CountingOps::add_position_grid(View grid, int64_t side, int64_t h, int64_t w, int64_t merge,
                                    MutView y) {
  if (!dry_) inner().add_position_grid(grid, side, h, w, merge, y);
}

void CountingOps::cut_patches(View pixels, View levels, const ops::PatchLayout& layout, MutView y) {
  if (!dry_) inner().cut_patches(pixels, levels, layout, y);
}

void CountingOps::arg_max(View logits, MutView ids) {
  if (!dry_) inner().arg_max(logits, ids);
}

// What is counted must be called, not replayed.
void CountingOps::run_step(uint64_t key, const std::function<void()>& step) {
  if (dry_)
    step();
  else
    inner().run_step(key, step);
}

}  // namespace visavis::bench
