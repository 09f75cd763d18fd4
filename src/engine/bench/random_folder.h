// A checkpoint folder of a published size made from nothing: configuration, tokenizer and either
// random_weights.json or, by bench/random_checkpoint, real files. Its answers are noise.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/temporary_folder.h"
#include "engine/bench/random_shapes.h"

namespace visavis::bench {

/// Writes everything but the weights. Tokenizer and chat template are copied from `tokenizer`, a
/// folder of a model of the same family whose special token ids config.json then gets; without one
/// (empty) they are the least that loads: single bytes. Throws Error.
void write_side_files(const std::filesystem::path& folder, const RandomShape& shape,
                      const std::filesystem::path& tokenizer);

/// A folder below the system's temporary folder that loads like a checkpoint of this size, a few
/// kilobytes on disk; it goes when the object goes.
class RandomFolder {
 public:
  /// Throws Error.
  RandomFolder(const RandomShape& shape, uint64_t seed);

  const std::filesystem::path& path() const { return folder_.path(); }

 private:
  base::TemporaryFolder folder_;
};

}  // namespace visavis::bench
