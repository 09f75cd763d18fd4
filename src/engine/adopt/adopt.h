// Checkpoints that come without the hub's small files, or as single files: a folder as the rest of
// the engine reads it is made beside them, with links to the weights. Nothing is copied.
#pragma once

#include <filesystem>

namespace visavis::adopt {

/// The folder to load for `path`, which is a folder or a *.gguf file: `path` itself if it has a
/// config.json, else a folder below `cache` with what could be derived. A *.gguf file goes with its
/// other parts (-00001-of-00003) and with the one mmproj file beside it. A folder that no rule
/// knows is given back as it is. Throws Error, naming file and key, for what is no model of ours.
std::filesystem::path hub_layout(const std::filesystem::path& path,
                                 const std::filesystem::path& cache);

}  // namespace visavis::adopt
