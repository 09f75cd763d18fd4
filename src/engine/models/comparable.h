// Whether two opened checkpoints are the same model, so that what they predict can be compared
// token by token whatever their weights are coded in.
#pragma once

#include <optional>
#include <string>

#include "engine/models/model.h"

namespace visavis::models {

/// What keeps the two apart in words ("the vocabulary has 100 tokens, that of the reference 200"),
/// or nothing: architecture and sizes, shapes of tensors that both name, ids of tokens, how text is
/// cut into tokens, the template, and what becomes of pictures. No weight is read. Throws Error if
/// one of them refuses a plain question.
std::optional<std::string> difference(const Model& model, const Model& reference);

}  // namespace visavis::models
