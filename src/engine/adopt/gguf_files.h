// GGUF files tell in their metadata what the hub tells in small files beside the weights.
#pragma once

#include <string>

#include "engine/adopt/derived_files.h"
#include "engine/checkpoint/gguf.h"

namespace visavis::adopt {

/// One GGUF file: what it tells, and how errors call it.
struct GgufFile {
  std::string name;
  checkpoint::GgufHeader header;
};

/// The files of a model whose text model and vision tower (mmproj) are in these two. Throws Error
/// for architectures and projectors that no family of ours has, and for keys that are missing.
DerivedFiles files_of_gguf(const GgufFile& text, const GgufFile& tower);

/// tokenizer.json and tokenizer_config.json of the text model's file.
DerivedFiles tokenizer_of_gguf(const GgufFile& text);

}  // namespace visavis::adopt
