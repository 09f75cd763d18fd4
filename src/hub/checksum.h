// The two digests by which hubs name files, of a file on the disk.
#pragma once

#include <atomic>
#include <filesystem>

#include "hub/listing.h"

namespace visavis::hub {

/// Whether the first file.bytes bytes of a file are the ones that `file` names by SHA-256, else by
/// git's SHA-1 of the blob. `read` counts bytes as they are read; may be null. Throws
/// Error if the file cannot be read or `file` names no digest, Stopped once `cancelled` is true.
bool has_right_bytes(const std::filesystem::path& path, const RemoteFile& file,
                     std::atomic<int64_t>* read, const std::atomic<bool>& cancelled);

}  // namespace visavis::hub
