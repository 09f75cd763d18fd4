// LLaVA-1.5 as its authors publish it (liuhaotian/llava-v1.5-7b): a LLaMA checkpoint with a
// projector, whose vision tower is a CLIP model of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "engine/adopt/derived_files.h"

namespace visavis::adopt {

/// Finds the folder of another model by its name. Throws Error, saying how to get it.
using FindModel = std::function<std::filesystem::path(const std::string&)>;

/// Whether the folder's config.json names that layout.
bool is_authors_llava(const std::filesystem::path& folder);

/// The folder of the vision tower that the checkpoint names: a path, a folder beside the
/// checkpoint, or what `find` finds. Throws Error.
std::filesystem::path tower_of(const std::filesystem::path& folder, const FindModel& find);

/// Whether the checkpoint holds the tower's weights, too. Throws Error for weights that cannot be
/// read.
bool holds_tower(const std::filesystem::path& folder);

/// The hub's files. The chat template is the published evaluation's (conversation vicuna_v1), with
/// its system text, unless the folder has one. Throws Error naming file and key: a projector, a
/// tower or a way of preparing pictures that LLaVA-1.5 does not have.
/// Source: llava/conversation.py, llava/model of the published code.
DerivedFiles files_of_llava(const std::filesystem::path& folder,
                            const std::filesystem::path& tower);

}  // namespace visavis::adopt
