// Which family of models a model belongs to, by its name: a judge is partial to its own (self
// preference: arXiv 2604.11589).
#pragma once

#include <string>
#include <string_view>

namespace visavis::verdict {

/// "qwen", "llava", ... ; empty if the name tells nothing. `name` may be a path, an architecture or
/// an endpoint's MODEL.
std::string family_of(std::string_view name);

}  // namespace visavis::verdict
