#include "engine/models/frontend.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "engine/checkpoint/side_files.h"

namespace visavis::models {
namespace {

text::ChatTemplate template_of(const std::filesystem::path& folder, const char* built_in) {
  const auto found = text::find_chat_template(folder);
  return found ? text::ChatTemplate::parse(found->source, found->origin)
               : text::ChatTemplate::parse(built_in, "built-in template");
}

// As the oracle's generate(): generation_config.json, else config.json; tokenizer_config.json's
// eos_token only if both are silent.
std::vector<int32_t> stop_ids_of(const std::filesystem::path& folder,
                                 const text::Tokenizer& tokenizer, const Frontend::Family& family) {
  std::vector<int32_t> ids = checkpoint::read_generation_defaults(folder).eos_ids;
  for (const char* token : family.stop_tokens) {
    const auto id = tokenizer.id_of(token);
    if (id && std::find(ids.begin(), ids.end(), *id) == ids.end()) ids.push_back(*id);
  }
  if (ids.empty()) {
    const auto& strings = tokenizer.special_strings();
    const auto eos = strings.find("eos_token");
    if (eos != strings.end()) {
      if (const auto id = tokenizer.id_of(eos->second)) ids.push_back(*id);
    }
  }
  require(!ids.empty(), folder.string(),
          ": no eos_token_id in generation_config.json or config.json, and no eos_token in "
          "tokenizer_config.json");
  for (const int32_t id : ids) {
    require(id < family.vocabulary, folder.string(), ": eos_token_id ", id,
            " is outside the vocabulary of ", family.vocabulary);
  }
  return ids;
}

std::vector<const chat::Image*> pictures_of(const std::vector<chat::Turn>& turns) {
  std::vector<const chat::Image*> images;
  for (const chat::Turn& turn : turns) {
    for (const chat::Part& part : turn.parts) {
      if (const auto* image = std::get_if<chat::Image>(&part)) images.push_back(image);
    }
  }
  return images;
}

}  // namespace

Frontend::Frontend(const std::filesystem::path& folder, const Family& family,
                   vision::Preprocessor preprocessor)
    : tokenizer_(text::Tokenizer::load(folder)),
      pieces_(family.pieces),
      preprocessor_(std::move(preprocessor)),
      stop_ids_(stop_ids_of(folder, tokenizer_, family)),
      image_token_(family.image_token) {
  if (pieces_ == nullptr) {
    template_ = template_of(folder, family.built_in_template);
    if (!text::find_chat_template(folder))
      template_note_ = "the checkpoint has no chat template: the family's built-in one ran";
  }
  const std::string file = text::Tokenizer::file_of(folder).string();
  require(tokenizer_.size() <= family.vocabulary, file, ": has ids up to ", tokenizer_.size() - 1,
          ", but the model's embedding has ", family.vocabulary,
          " rows: it belongs to another model");
  const auto placeholder = tokenizer_.id_of(family.placeholder);
  require(placeholder.has_value(), file, ": has no token '", family.placeholder,
          "': it belongs to another model");
  require(*placeholder == image_token_, file, ": '", family.placeholder, "' is token ",
          *placeholder, ", but config.json says ", image_token_,
          ": they belong to different models");
}

std::vector<int32_t> Frontend::encode(const std::vector<chat::Turn>& turns,
                                      std::string& text) const {
  if (pieces_ == nullptr) {
    const text::TaggedText rendered =
        template_->render(turns, {.variables = tokenizer_.special_strings()});
    text = rendered.text();
    return tokenizer_.encode(rendered);
  }
  std::vector<int32_t> ids;
  for (const text::TaggedText& piece : pieces_(turns)) {
    text += piece.text();
    const std::vector<int32_t> part = tokenizer_.encode(piece);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  return ids;
}

Prompt Frontend::prepare(const std::vector<chat::Turn>& turns,
                         const std::function<PreparedPicture(vision::Patches)>& arrange) const {
  require(!turns.empty(), "the request has no turns");
  Prompt prompt;
  if (!template_note_.empty()) prompt.notes.push_back(template_note_);
  const std::vector<int32_t> ids = encode(turns, prompt.text);

  const std::vector<const chat::Image*> images = pictures_of(turns);
  const auto placeholders = std::count(ids.begin(), ids.end(), image_token_);
  require(placeholders == static_cast<int64_t>(images.size()), "the prompt shows ", placeholders,
          " picture placeholders, but the request has ", images.size(), " pictures");

  std::vector<ImageSlot> slots;
  for (const chat::Image* image : images) {
    require(image->bytes != nullptr, image->name, ": the picture has no bytes");
    vision::Patches patches =
        vision::prepare_picture(*image->bytes, image->name, preprocessor_, base::steady_clock());
    prompt.decode_seconds += patches.decode_seconds;
    prompt.resize_seconds += patches.resize_seconds;
    prompt.notes.push_back(patches.note);
    std::string key = patches.sha256;
    PreparedPicture picture = arrange(std::move(patches));
    key += " " + std::to_string(picture.grid.grid_h) + "x" + std::to_string(picture.grid.grid_w);
    prompt.pictures.push_back(std::move(picture.grid));
    slots.push_back({.tokens = picture.tokens, .key = std::move(key)});
  }
  for (const int32_t id : ids) {
    if (id != image_token_) {
      prompt.ids.push_back(id);
      continue;
    }
    ImageSlot& slot = slots[prompt.slots.size()];
    slot.begin = prompt.tokens();
    prompt.ids.insert(prompt.ids.end(), static_cast<size_t>(slot.tokens), id);
    prompt.slots.push_back(std::move(slot));
  }
  return prompt;
}

void Prompt::place_in_order() {
  positions.clear();
  for (int axis = 0; axis < 3; ++axis)
    for (int64_t i = 0; i < tokens(); ++i) positions.push_back(static_cast<int32_t>(i));
}

int64_t Prompt::image_tokens() const {
  int64_t total = 0;
  for (const ImageSlot& slot : slots) total += slot.tokens;
  return total;
}

std::array<int32_t, 3> Prompt::position(int64_t i) const {
  const int64_t stride = tokens();
  if (i >= stride) {
    const int32_t next = static_cast<int32_t>(i) + position_delta;
    return {next, later_row.value_or(next), next};
  }
  const auto at = [&](int64_t axis) { return positions[static_cast<size_t>(axis * stride + i)]; };
  return {at(0), at(1), at(2)};
}

}  // namespace visavis::models
