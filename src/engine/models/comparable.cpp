#include "engine/models/comparable.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <set>
#include <utility>

#include "picture/encode.h"
#include "picture/rgb_image.h"

namespace visavis::models {
namespace {

// Words, digits, accents, Chinese, code and white space: what pre-tokenizers and merges tell apart.
constexpr const char* kProbe =
    "How many chairs, tables and windows are on the left? 12 345.67 (naive: naïve, "
    "今天的会议室里有几把椅子？)\n\tif (x >= 10) return \"It's\";  // ✓\n";

// Neither square nor of a multiple of any patch, with something to see everywhere.
chat::Image probe_picture(int64_t width, int64_t height) {
  picture::RgbImage image(width, height);
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width * 3; ++x)
      image.row(y)[x] = static_cast<uint8_t>((x * x / 7 + y * 5 + x * y / 11) % 256);
  return {.bytes = std::make_shared<const std::string>(picture::encode_png(image)),
          .name = "test picture"};
}

std::optional<std::string> other_sizes(const Dimensions& model, const Dimensions& reference) {
  const std::pair<const char*, int64_t Dimensions::*> sizes[] = {
      {"logits", &Dimensions::vocabulary},  {"hidden size", &Dimensions::hidden},
      {"layers", &Dimensions::layers},      {"key and value heads", &Dimensions::kv_heads},
      {"head size", &Dimensions::head_dim},
  };
  for (const auto& [name, size] : sizes)
    if (model.*size != reference.*size)
      return fmt::format("{}: {}, wanted the reference's {}", name, model.*size, reference.*size);
  return std::nullopt;
}

std::optional<std::string> other_shapes(const Model& model, const Model& reference) {
  std::map<std::string, const tensor::Shape*> shapes;
  for (const load::PlannedTensor& tensor : reference.planned())
    shapes.emplace(tensor.name, &tensor.shape);
  for (const load::PlannedTensor& tensor : model.planned()) {
    const auto wanted = shapes.find(tensor.name);
    if (wanted != shapes.end() && tensor.shape.elements() != wanted->second->elements())
      return fmt::format("tensor '{}' has {} values, wanted the reference's {}", tensor.name,
                         tensor.shape.elements(), wanted->second->elements());
  }
  return std::nullopt;
}

std::optional<std::string> other_tokens(const Model& model, const Model& reference) {
  const text::Tokenizer& ours = model.tokenizer();
  const text::Tokenizer& theirs = reference.tokenizer();
  if (ours.size() != theirs.size())
    return fmt::format("vocabulary: {} tokens, wanted the reference's {}", ours.size(),
                       theirs.size());
  for (int32_t id = 0; id < ours.size(); ++id)
    if (ours.token(id) != theirs.token(id))
      return fmt::format("token {} is '{}', wanted the reference's '{}'", id,
                         ours.token(id).value_or(""), theirs.token(id).value_or(""));
  if (ours.encode_plain(kProbe) != theirs.encode_plain(kProbe))
    return "text is cut into other tokens than by the reference";
  const auto sorted = [](const Model& of) {
    return std::set<int32_t>(of.stop_ids().begin(), of.stop_ids().end());
  };
  if (sorted(model) != sorted(reference)) return "other tokens than the reference's end an answer";
  return std::nullopt;
}

std::optional<std::string> other_pictures(const PatchGrid& model, const PatchGrid& reference) {
  if (model.pixels.width != reference.pixels.width ||
      model.pixels.height != reference.pixels.height)
    return fmt::format(
        "pictures: a test picture becomes {} x {} pixels, wanted the reference's {} x {}",
        model.pixels.width, model.pixels.height, reference.pixels.width, reference.pixels.height);
  if (model.rows != reference.rows || model.grid_h != reference.grid_h ||
      model.tiles_h != reference.tiles_h || model.tiles_w != reference.tiles_w)
    return fmt::format("pictures: a test picture becomes {} patches, wanted the reference's {}",
                       model.rows, reference.rows);
  if (model.pixels != reference.pixels)
    return "pictures are resized to other pixels than by the reference";
  if (model.levels != reference.levels)
    return "pictures are normalised to other values than by the reference";
  return std::nullopt;
}

std::optional<std::string> other_prompt(const Model& model, const Model& reference,
                                        const std::vector<chat::Turn>& turns) {
  const Prompt ours = model.prepare(turns);
  const Prompt theirs = reference.prepare(turns);
  if (ours.pictures.size() == theirs.pictures.size())
    for (size_t i = 0; i < ours.pictures.size(); ++i)
      if (auto found = other_pictures(ours.pictures[i], theirs.pictures[i])) return found;
  if (ours.text != theirs.text)
    return fmt::format(
        "the template makes another prompt of a question than the reference's ({} and {} bytes)",
        ours.text.size(), theirs.text.size());
  if (ours.ids != theirs.ids)
    return fmt::format("a question becomes other tokens than the reference's ({} and {})",
                       ours.ids.size(), theirs.ids.size());
  if (ours.positions != theirs.positions || ours.position_delta != theirs.position_delta)
    return "the tokens of a question have other positions than the reference's";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> difference(const Model& model, const Model& reference) {
  if (std::string(model.architecture()) != reference.architecture())
    return fmt::format("architecture: {}, wanted the reference's {}", model.architecture(),
                       reference.architecture());
  if (auto found = other_sizes(model.dimensions(), reference.dimensions())) return found;
  if (auto found = other_shapes(model, reference)) return found;
  if (auto found = other_tokens(model, reference)) return found;
  if (auto found = other_prompt(model, reference, {{.parts = {chat::Text{kProbe}}}})) return found;
  for (const auto& [width, height] : {std::pair{501, 333}, {37, 52}}) {
    if (auto found =
            other_prompt(model, reference,
                         {{.parts = {probe_picture(width, height), chat::Text{"What is this?"}}}}))
      return found;
  }
  return std::nullopt;
}

}  // namespace visavis::models
