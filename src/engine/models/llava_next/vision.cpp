#include "engine/models/llava_next/vision.h"

#include <algorithm>
#include <utility>

namespace visavis::models::llava_next {
namespace {

using tensor::Arena;

constexpr int64_t kFloatBytes = sizeof(float);

// One of the views that lie below each other.
PatchGrid view_of(const PatchGrid& picture, int64_t view, int64_t side) {
  const int64_t edge = picture.pixels.width;
  PatchGrid one = {.pixels = picture::RgbImage(edge, edge),
                   .levels = picture.levels,
                   .rows = side * side,
                   .grid_h = side,
                   .grid_w = side};
  const uint8_t* first = picture.pixels.row(view * edge);
  std::copy(first, first + one.pixels.pixels.size(), one.pixels.pixels.begin());
  return one;
}

}  // namespace

Vision load_vision(load::WeightLoader& loader, const llava::Config& config,
                   const LlavaNames& names) {
  Vision vision;
  vision.tower = llava::load_vision(loader, config, names.tower, names.projector);
  vision.newline = loader.vector(names.newline, config.text.hidden, load::Role::vision);
  return vision;
}

std::vector<int32_t> token_rows(const PatchGrid& picture, int64_t side) {
  std::vector<int32_t> rows;
  const int64_t view = side * side;
  for (int64_t i = 0; i < view; ++i) rows.push_back(static_cast<int32_t>(i));
  const vision::ShownFeatures& shown = picture.shown;
  const int64_t newline = (1 + picture.tiles_h * picture.tiles_w) * view;
  for (int64_t row = shown.top; row < shown.top + shown.rows; ++row) {
    for (int64_t column = shown.left; column < shown.left + shown.columns; ++column) {
      const int64_t tile = row / side * picture.tiles_w + column / side;
      rows.push_back(static_cast<int32_t>((1 + tile) * view + row % side * side + column % side));
    }
    rows.push_back(static_cast<int32_t>(newline));
  }
  return rows;
}

ImageFeatures Vision::encode(ops::Ops& ops, const PatchGrid& picture, Arena& workspace,
                             Arena& features) const {
  const tensor::ArenaScope scope(workspace);
  const int64_t width = tower.config.text.hidden;
  const int64_t side = tower.config.vision.grid();
  const int64_t views = 1 + picture.tiles_h * picture.tiles_w;
  const std::vector<int32_t> order = token_rows(picture, side);
  const auto tokens = static_cast<int64_t>(order.size());
  ImageFeatures result;
  result.rows = features.take_f32({tokens, width});

  const ops::MutView all = workspace.take_f32({views * side * side + 1, width});
  for (int64_t view = 0; view < views; ++view) {
    const int64_t begin = view * side * side;
    tower.encode_into(ops, view_of(picture, view, side), workspace,
                      tensor::slice_rows(all, begin, begin + side * side));
  }
  const ops::MutView index = workspace.take(tensor::DType::i32, {tokens});
  const ops::MutView last = tensor::slice_rows(index, 0, 1);
  const auto newline_row = static_cast<int32_t>(views * side * side);
  ops.upload(&newline_row, last);
  ops.set_rows({tensor::DType::f32, {1, width}, newline.data()}, last, all);
  ops.upload(order.data(), index);
  ops.gather_rows(all, index, result.rows);
  return result;
}

int64_t vision_workspace(const llava::Config& config, int64_t views) {
  const int64_t view = config.vision.grid() * config.vision.grid();
  // Every shown row of features is at least as wide as its end of line.
  const int64_t tokens = 2 * views * view;
  return Arena::footprint((views * view + 1) * config.text.hidden * kFloatBytes) +
         std::max(llava::vision_workspace(config),
                  Arena::footprint(tokens * static_cast<int64_t>(sizeof(int32_t))));
}

}  // namespace visavis::models::llava_next
