// Writes a file of packed weights in one step: beside its place, synced, then renamed. Keeps the
// folder within its limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"

namespace visavis::load {

/// The checksum of a buffer, with the pool's threads if there is one.
uint64_t packed_checksum(std::span<const std::byte> bytes, base::ThreadPool* pool = nullptr);

struct PackedSource {
  std::string key;
  std::vector<std::span<const std::byte>> buffers;
};

/// Throws Error: no space, no permission, a failing disk; nothing is left behind. Returns why
/// nothing was written where another process is writing the same file.
std::optional<std::string> write_packed(const std::filesystem::path& path,
                                        const std::string& source,
                                        const std::vector<PackedSource>& weights);

/// Removes the files of packed weights in a folder that were used longest ago, but not `but`, until
/// the others have at most `most_bytes`.
void remove_least_recent(const std::filesystem::path& folder, const std::filesystem::path& but,
                         int64_t most_bytes);

/// Files of packed weights in a folder, and what writing them left behind when it was killed.
std::vector<std::filesystem::path> packed_files(const std::filesystem::path& folder);

}  // namespace visavis::load
