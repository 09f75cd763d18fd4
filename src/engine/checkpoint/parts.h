// A checkpoint whose parts lie in folders of their own, each in a container of its own:
// language_model/ and, unless that holds the tower, too, vision_tower/. That is how LLaVA's authors
// publish theirs (engine/adopt makes such a folder).
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "engine/checkpoint/tensor_source.h"

namespace visavis::checkpoint {

bool has_parts(const std::filesystem::path& folder);

/// The folders of the parts; none if it has no parts.
std::vector<std::filesystem::path> part_folders(const std::filesystem::path& folder);

/// The tensors of all parts under their stored names; of a whole CLIP model only the tower's.
/// Throws Error: a part that has parts itself, a name that two parts have.
std::unique_ptr<TensorSource> open_parts(const std::filesystem::path& folder);

}  // namespace visavis::checkpoint
