// What every family does between a conversation and its prompt: render the template, tokenise,
// decode and cut the pictures, expand each placeholder to as many image tokens as its picture has.
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
  };

  /// Reads tokenizer, template and stop ids from the folder. Throws Error, also if the tokenizer
  /// does not belong to this model (ids beyond the embedding, placeholder missing or elsewhere).
  Frontend(const std::filesystem::path& folder, const Family& family,
           vision::Preprocessor preprocessor);

  /// Everything of a Prompt but positions and delta. Throws Error for a bad picture, or when the
  /// template shows more or fewer placeholders than there are pictures.
  Prompt prepare(const std::vector<chat::Turn>& turns,
                 const std::function<PreparedPicture(vision::Patches)>& arrange) const;

  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const std::vector<int32_t>& stop_ids() const { return stop_ids_; }
  const vision::Preprocessor& preprocessor() const { return preprocessor_; }

 private:
  text::Tokenizer tokenizer_;
  // What the turns look like, and its ids: by the template, or by the family's pieces.
  std::vector<int32_t> encode(const std::vector<chat::Turn>& turns, std::string& text) const;

  std::vector<text::TaggedText> (*pieces_)(const std::vector<chat::Turn>& turns);
  std::optional<text::ChatTemplate> template_;  // where there are no pieces
  vision::Preprocessor preprocessor_;
  std::vector<int32_t> stop_ids_;
  std::string template_note_;  // says so when the built-in template runs
  int32_t image_token_;
};

}  // namespace visavis::models
