// A Model made of the pieces that a family brings: how prompts and pictures are prepared, a text
// decoder, a picture encoder. What is the same for all of them (counting weights, loading, plans,
// steps) is here once.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/models/families.h"
#include "engine/models/frontend.h"
#include "engine/models/picture_encoder.h"
#include "engine/models/text_config.h"
#include "engine/models/text_decoder.h"

namespace visavis::models {

/// One family, its configuration read and its tensors found.
struct Assembly {
  const char* architecture = nullptr;
  Frontend::Family frontend = {};
  vision::Preprocessor preprocessor = {};
  std::optional<vision::VideoRules> videos = {};  // absent: takes pictures only
  TextConfig text = {};
  /// What a prompt with several pictures is told; null where the family was trained on several.
  const char* several_pictures = nullptr;
  /// A prepared picture as the encoder takes it.
  std::function<PreparedPicture(vision::Patches)> arrange = {};
  /// Gives a prompt its positions. Empty: Prompt::place_in_order.
  std::function<void(Prompt&)> place = {};
  /// The stored tensors with those that load_text and load_vision make of them. Empty: as stored.
  std::function<std::unique_ptr<checkpoint::TensorSource>(
      std::unique_ptr<checkpoint::TensorSource>)>
      with_parts = {};
  std::function<TextDecoder(load::WeightLoader&)> load_text = {};
  std::function<std::unique_ptr<PictureEncoder>(load::WeightLoader&)> load_vision = {};
  /// Bytes that the encoder takes from the workspace for one picture of a context of so many
  /// tokens.
  std::function<int64_t(int64_t)> vision_workspace = {};
  /// Bytes of the features arena that pictures of so many tokens take together, at most. Empty: a
  /// row of the text model for each.
  std::function<int64_t(int64_t)> feature_bytes = {};
};

/// Throws Error as open_model().
std::unique_ptr<Model> assemble(Checkpoint checkpoint, Assembly assembly);

}  // namespace visavis::models
