#include "engine/models/qwen_vl_chat/parts.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/models/derived_source.h"
#include "engine/models/mapped_rows.h"
#include "engine/models/split_source.h"

namespace visavis::models::qwen_vl_chat {
namespace {

using checkpoint::TensorInfo;
using tensor::Shape;

constexpr int64_t kQkv = 3;

Shape with_rows(const Shape& shape, int64_t rows) {
  Shape result = {rows};
  for (int axis = 1; axis < shape.rank(); ++axis) result.push_back(shape[axis]);
  return result;
}

// The tower keeps q, k and v of one head beside each other, then those of the next.
void split_heads(DerivedSource& source, const TensorInfo& fused, const VisionConfig& config) {
  require(fused.shape.rank() >= 1 && fused.shape[0] == kQkv * config.width, fused.file,
          ": tensor '", fused.name, "' is ", fused.shape.text(), ", wanted ", kQkv * config.width,
          " rows");
  const int64_t head = config.head_dim();
  for (int64_t part = 0; part < kQkv; ++part) {
    TensorInfo info = fused;
    info.name = SplitSource::part_name(fused.name, part);
    info.shape = with_rows(fused.shape, config.width);
    source.add(info, mapped_rows(source.stored(), fused.name, config.width, [=](int64_t row) {
                 return (row / head * kQkv + part) * head + row % head;
               }));
  }
}

}  // namespace

std::unique_ptr<checkpoint::TensorSource> with_parts(
    std::unique_ptr<checkpoint::TensorSource> stored, const Config& config) {
  const std::vector<std::string> thirds = {".attn.c_attn.weight", ".attn.c_attn.bias",
                                           ".attn_pool.attn.in_proj_weight",
                                           ".attn_pool.attn.in_proj_bias"};
  auto source = std::make_unique<DerivedSource>(
      std::make_unique<SplitSource>(std::move(stored), thirds, kQkv));
  const std::string visual = kVisual;
  for (const TensorInfo& info : source->stored().tensors()) {
    if (!info.name.starts_with(visual)) continue;
    if (info.name.ends_with(".attn.in_proj.weight") || info.name.ends_with(".attn.in_proj.bias"))
      split_heads(*source, info, config.vision);
  }
  const int64_t patches = config.vision.patches();
  const auto derive = [&](const std::string& name, const char* ending, const auto& make) {
    const TensorInfo* found = source->stored().find(visual + name);
    require(found != nullptr, "the checkpoint has no tensor '", visual, name, "'");
    TensorInfo info = *found;
    info.name += ending;
    auto values = make(info.shape, found->name);
    source->add(std::move(info), std::move(values));
  };
  derive("proj", ":turned", [&](Shape& shape, const std::string& name) {
    auto values = transposed(source->stored(), name);
    shape = {shape[1], shape[0]};
    return values;
  });
  for (const char* name : {"positional_embedding", "attn_pool.pos_embed"})
    derive(name, ":grid", [&](Shape& shape, const std::string& from) {
      auto values = resampled_grid(source->stored(), from, config.vision.grid());
      shape = with_rows(shape, patches);
      return values;
    });
  return source;
}

}  // namespace visavis::models::qwen_vl_chat
