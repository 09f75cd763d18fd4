// What every family does between a conversation and its prompt: render the template, tokenise,
// decode and cut the pictures and the frames of videos, expand each placeholder to as many image
// tokens as its picture has.
// Positions and the encoder's own layout of patches are the family's business.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "chat/request.h"
#include "engine/models/model.h"
#include "engine/text/chat_template.h"
#include "engine/text/tokenizer.h"
#include "engine/vision/prepare.h"
#include "engine/vision/video.h"

namespace visavis::models {

/// A picture as the family's encoder wants it, and how many prompt tokens it takes.
struct PreparedPicture {
  PatchGrid grid;
  int64_t tokens = 0;
};

class Frontend {
 public:
  struct Family {
    const char* placeholder;        // "<|image_pad|>"
    int32_t image_token;            // its id as config.json says
    const char* built_in_template;  // used only when the checkpoint has none
    int64_t vocabulary;             // rows of the embedding
    /// Families that are older than chat templates: the prompt in pieces that are tokenised apart.
    std::vector<text::TaggedText> (*pieces)(const std::vector<chat::Turn>& turns) = nullptr;
    std::vector<const char*> stop_tokens = {};  // beside those that the checkpoint names
    /// Families that take videos: a video's placeholder, which becomes one for each temporal patch
    /// with its time, and its id.
    const char* video_placeholder = nullptr;
    int64_t video_token = -1;
  };

  /// Reads tokenizer, template and stop ids from the folder. Throws Error, also if the tokenizer
  /// does not belong to this model (ids beyond the embedding, placeholder missing or elsewhere).
  Frontend(const std::filesystem::path& folder, const Family& family,
           vision::Preprocessor preprocessor, std::optional<vision::VideoRules> videos = {});

  /// Everything of a Prompt but positions and delta. Throws Error for a bad picture or video, or
  /// when the template shows more or fewer placeholders than there are of either.
  Prompt prepare(const std::vector<chat::Turn>& turns,
                 const std::function<PreparedPicture(vision::Patches)>& arrange) const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const std::vector<int32_t>& stop_ids() const { return stop_ids_; }

 private:
  text::Tokenizer tokenizer_;
  // What the turns look like, and its ids: by the template, or by the family's pieces.
  std::vector<int32_t> encode(const std::vector<chat::Turn>& turns,
                              const std::vector<vision::PreparedVideo>& videos,
                              std::string& text) const;
  std::vector<vision::PreparedVideo> prepare_videos(const std::vector<chat::Turn>& turns) const;

  std::vector<text::TaggedText> (*pieces_)(const std::vector<chat::Turn>& turns);
  std::optional<text::ChatTemplate> template_;  // where there are no pieces
  vision::Preprocessor preprocessor_;
  std::optional<vision::VideoRules> videos_;
  std::string video_placeholder_;
  int32_t video_token_ = -1;  // -1: takes no videos
  std::vector<int32_t> stop_ids_;
  std::string template_note_;  // says so when the built-in template runs
  int32_t image_token_;
};

}  // namespace visavis::models
