// Checkpoints that come without the hub's small files, as single files, or in the layout of the
// model's authors: a folder as the rest of the engine reads it is made of them, with links to the
// weights. No weight is copied.
#pragma once

#include <filesystem>

#include "engine/adopt/llava_files.h"

namespace visavis::adopt {

/// The folder to load for `path`, which is a folder or a *.gguf file: `path` itself if it is in the
/// hub's layout, else a folder below `cache` with what could be derived. A *.gguf file goes with
/// its other parts (-00001-of-00003) and with the one mmproj file beside it; a checkpoint of
/// LLaVA's authors with its vision tower, which `find` finds unless it lies beside it. A folder
/// that no rule knows is given back as it is. Throws Error, naming file and key, for what is no
/// model of ours.
std::filesystem::path hub_layout(const std::filesystem::path& path,
                                 const std::filesystem::path& cache, const FindModel& find);

}  // namespace visavis::adopt
