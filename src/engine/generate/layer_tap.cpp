#include "engine/generate/layer_tap.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace visavis::generate {
namespace {

constexpr std::string_view kMlp = ".mlp.";

// "model.layers.3.mlp.down_proj.weight" ends layer "model.layers.3"; a merger is its last linear.
std::string layer_of(const std::string& weight) {
  const size_t mlp = weight.find(kMlp);
  if (mlp != std::string::npos) return weight.substr(0, mlp);
  constexpr std::string_view kWeight = ".weight";
  return weight.ends_with(kWeight) ? weight.substr(0, weight.size() - kWeight.size()) : weight;
}

// Every second row, the first one included.
void thin_out(chat::LayerRows& rows) {
  const auto cols = static_cast<size_t>(rows.cols);
  const size_t count = rows.values.size() / cols;
  for (size_t i = 1; 2 * i < count; ++i)
    std::copy_n(rows.values.begin() + static_cast<std::ptrdiff_t>(2 * i * cols), cols,
                rows.values.begin() + static_cast<std::ptrdiff_t>(i * cols));
  rows.values.resize((count + 1) / 2 * cols);
}

}  // namespace

void LayerTap::begin(int64_t rows) {
  assert(rows >= 2);
  wanted_ = rows;
  layers_.clear();
  by_weight_.clear();
}

std::vector<chat::LayerRows> LayerTap::end() {
  std::vector<chat::LayerRows> result;
  for (Layer& layer : layers_) result.push_back(std::move(layer.kept));
  wanted_ = 0;
  layers_.clear();
  by_weight_.clear();
  return result;
}

void LayerTap::keep(const std::string& weight, ops::MutView y) {
  const auto [place, fresh] = by_weight_.try_emplace(weight, layers_.size());
  if (fresh) layers_.push_back({.kept = {.name = layer_of(weight), .cols = y.cols()}});
  Layer& layer = layers_[place->second];
  std::vector<float>& values = layer.kept.values;
  const auto cols = static_cast<size_t>(y.cols());
  for (int64_t row = 0; row < y.rows(); ++row, ++layer.seen) {
    if (layer.seen % layer.stride != 0) continue;
    if (values.size() / cols == static_cast<size_t>(wanted_)) {
      thin_out(layer.kept);
      layer.stride *= 2;
      if (layer.seen % layer.stride != 0) continue;
    }
    values.resize(values.size() + cols);
    inner().download(tensor::slice_rows(tensor::View(y), row, row + 1),
                     values.data() + values.size() - cols);
  }
}

void LayerTap::linear(ops::View x, const ops::Weight& weight, const ops::Epilogue& epilogue,
                      ops::MutView y) {
  inner().linear(x, weight, epilogue, y);
  // The last linear of an MLP whose parts have biases.
  if (wanted_ > 0 && epilogue.accumulate && weight.name.find(kMlp) != std::string::npos)
    keep(weight.name, y);
}

void LayerTap::gated_mlp(ops::View x, const ops::RmsNormBefore& norm, const ops::Weight& gate,
                         const ops::Weight& up, const ops::Weight& down, bool accumulate,
                         tensor::Arena& arena, ops::MutView y) {
  inner().gated_mlp(x, norm, gate, up, down, accumulate, arena, y);
  if (wanted_ > 0) keep(down.name, y);
}

void LayerTap::mlp(ops::View x, const ops::LayerNormBefore& norm, const ops::BiasedWeight& fc1,
                   ops::Activation activation, const ops::BiasedWeight& fc2, bool accumulate,
                   tensor::Arena& arena, ops::MutView y) {
  inner().mlp(x, norm, fc1, activation, fc2, accumulate, arena, y);
  if (wanted_ > 0) keep(fc2.weight->name, y);
}

void LayerTap::run_step(uint64_t key, const std::function<void()>& step) {
  if (wanted_ > 0)
    step();
  else
    inner().run_step(key, step);
}

}  // namespace visavis::generate
