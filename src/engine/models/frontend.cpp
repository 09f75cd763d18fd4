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

template <class Kind>
std::vector<const Kind*> parts_of(const std::vector<chat::Turn>& turns) {
  std::vector<const Kind*> found;
  for (const chat::Turn& turn : turns) {
    for (const chat::Part& part : turn.parts) {
      if (const auto* each = std::get_if<Kind>(&part)) found.push_back(each);
    }
  }
  return found;
}

vision::VideoInput input_of(const chat::Video& video) {
  vision::VideoInput input{.name = video.name, .file = {}, .frame_rate = video.frame_rate};
  if (video.bytes != nullptr) {
    input.file = *video.bytes;
    return input;
  }
  require(!video.frames.empty(), "video '", video.name, "': found no frames, wanted pictures");
  for (const chat::Image& frame : video.frames) {
    require(frame.bytes != nullptr, frame.name, ": the frame has no bytes");
    input.frames.emplace_back(*frame.bytes);
    input.frame_names.push_back(frame.name);
  }
  return input;
}

// The text with every placeholder that is ours in the place of a video's temporal patches: each
// with the time before it and vision marks of its own, between the marks that the template set.
// Source: Qwen3VLProcessor.replace_video_token of transformers 5.10 and later.
text::TaggedText with_times(const text::TaggedText& prompt, const std::string& placeholder,
                            const std::vector<vision::PreparedVideo>& videos) {
  text::TaggedText out;
  size_t done = 0;
  size_t shown = 0;
  for (size_t at = prompt.text().find(placeholder); at != std::string::npos;
       at = prompt.text().find(placeholder, at + placeholder.size())) {
    if (prompt.touches_user(at, at + placeholder.size())) continue;
    if (shown < videos.size()) {
      out.append(prompt.slice(done, at));
      for (const vision::TemporalPatch& patch : videos[shown].patches)
        out.append(vision::time_mark(patch.seconds) + "<|vision_start|>" + placeholder +
                   "<|vision_end|>");
      done = at + placeholder.size();
    }
    ++shown;
  }
  require(shown == videos.size(), "the chat template shows ", shown,
          " videos, but the request has ", videos.size(),
          shown == 0 ? ": the checkpoint's template was not made for videos" : "");
  out.append(prompt.slice(done, prompt.size()));
  return out;
}

// A picture or a temporal patch on its way into the prompt.
struct Shown {
  PreparedPicture picture;
  std::string key;
};

std::vector<Shown> shown_patches(std::vector<vision::PreparedVideo>& videos, int64_t merge) {
  std::vector<Shown> all;
  for (vision::PreparedVideo& video : videos) {
    const int64_t rows = video.grid_h * video.grid_w;
    for (size_t i = 0; i < video.patches.size(); ++i) {
      std::vector<picture::RgbImage>& frames = video.patches[i].frames;
      PatchGrid grid{.pixels = std::move(frames.front()),
                     .later_frames = {},
                     .levels = video.levels,
                     .rows = rows,
                     .grid_h = video.grid_h,
                     .grid_w = video.grid_w};
      for (size_t later = 1; later < frames.size(); ++later)
        grid.later_frames.push_back(std::move(frames[later]));
      all.push_back({{.grid = std::move(grid), .tokens = rows / (merge * merge)},
                     video.sha256 + " patch " + std::to_string(i)});
    }
  }
  return all;
}

}  // namespace

Frontend::Frontend(const std::filesystem::path& folder, const Family& family,
                   vision::Preprocessor preprocessor, std::optional<vision::VideoRules> videos)
    : tokenizer_(text::Tokenizer::load(folder)),
      pieces_(family.pieces),
      preprocessor_(std::move(preprocessor)),
      videos_(std::move(videos)),
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
  if (family.video_placeholder == nullptr || family.video_token < 0) return;
  video_placeholder_ = family.video_placeholder;
  const auto video = tokenizer_.id_of(video_placeholder_);
  if (video && *video == family.video_token) video_token_ = *video;
}

std::vector<int32_t> Frontend::encode(const std::vector<chat::Turn>& turns,
                                      const std::vector<vision::PreparedVideo>& videos,
                                      std::string& text) const {
  if (pieces_ == nullptr) {
    const text::TaggedText rendered =
        template_->render(turns, {.variables = tokenizer_.special_strings()});
    text = rendered.text();
    return tokenizer_.encode(videos.empty() ? rendered
                                            : with_times(rendered, video_placeholder_, videos));
  }
  std::vector<int32_t> ids;
  for (const text::TaggedText& piece : pieces_(turns)) {
    text += piece.text();
    const std::vector<int32_t> part = tokenizer_.encode(piece);
    ids.insert(ids.end(), part.begin(), part.end());
  }
  return ids;
}

std::vector<vision::PreparedVideo> Frontend::prepare_videos(
    const std::vector<chat::Turn>& turns) const {
  std::vector<vision::PreparedVideo> prepared;
  for (const chat::Video* video : parts_of<chat::Video>(turns)) {
    require(videos_.has_value() && video_token_ >= 0, "video '", video->name,
            "': this model takes pictures only",
            video_placeholder_.empty() ? "; wanted a model that takes videos (Qwen3-VL)"
            : videos_ ? ": its tokenizer has no token '" + video_placeholder_ + "' of its own"
                      : ": its video processor is not a Qwen3VLVideoProcessor");
    prepared.push_back(vision::prepare_video(input_of(*video), *videos_, base::steady_clock()));
  }
  return prepared;
}

Prompt Frontend::prepare(const std::vector<chat::Turn>& turns,
                         const std::function<PreparedPicture(vision::Patches)>& arrange) const {
  require(!turns.empty(), "the request has no turns");
  Prompt prompt;
  if (!template_note_.empty()) prompt.notes.push_back(template_note_);
  std::vector<vision::PreparedVideo> videos = prepare_videos(turns);
  const std::vector<int32_t> ids = encode(turns, videos, prompt.text);

  const std::vector<const chat::Image*> images = parts_of<chat::Image>(turns);
  const auto placeholders = std::count(ids.begin(), ids.end(), image_token_);
  require(placeholders == static_cast<int64_t>(images.size()), "the prompt shows ", placeholders,
          " picture placeholders, but the request has ", images.size(), " pictures");

  std::vector<Shown> pictures;
  for (const chat::Image* image : images) {
    require(image->bytes != nullptr, image->name, ": the picture has no bytes");
    vision::Patches patches =
        vision::prepare_picture(*image->bytes, image->name, preprocessor_, base::steady_clock());
    prompt.decode_seconds += patches.decode_seconds;
    prompt.resize_seconds += patches.resize_seconds;
    prompt.notes.push_back(patches.note);
    std::string key = patches.sha256;
    pictures.push_back({arrange(std::move(patches)), std::move(key)});
  }
  for (const vision::PreparedVideo& video : videos) {
    prompt.decode_seconds += video.decode_seconds;
    prompt.resize_seconds += video.resize_seconds;
    prompt.notes.push_back(video.note);
  }
  std::vector<Shown> patches =
      videos.empty() ? std::vector<Shown>() : shown_patches(videos, videos_->frame.merge_size);
  auto next_picture = pictures.begin();
  auto next_patch = patches.begin();
  const auto take = [&prompt](int32_t id, Shown& shown) {
    PatchGrid& grid = shown.picture.grid;
    const int64_t tokens = shown.picture.tokens;
    prompt.slots.push_back(
        {.begin = prompt.tokens(),
         .tokens = tokens,
         .key = shown.key + " " + std::to_string(grid.grid_h) + "x" + std::to_string(grid.grid_w)});
    prompt.ids.insert(prompt.ids.end(), static_cast<size_t>(tokens), id);
    prompt.pictures.push_back(std::move(grid));
  };
  for (const int32_t id : ids) {
    if (id == image_token_) {
      take(id, *next_picture++);
    } else if (id == video_token_ && next_patch != patches.end()) {
      take(id, *next_patch++);
    } else {
      prompt.ids.push_back(id);
    }
  }
  require(next_patch == patches.end(), "the prompt shows ", next_patch - patches.begin(),
          " temporal patches, but the videos have ", patches.size());
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
