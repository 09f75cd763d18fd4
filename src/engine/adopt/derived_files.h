// What a checkpoint's folder is to hold beside its weights, by file name.
#pragma once

#include <map>
#include <string>

namespace visavis::adopt {

/// The hub's small files (config.json, tokenizer.json, ...) as text.
using DerivedFiles = std::map<std::string, std::string>;

}  // namespace visavis::adopt
