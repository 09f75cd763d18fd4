// Whole files in and out with errors that name the path. Memory maps are in mmap.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace visavis::base {

/// The bytes of a regular file. Throws Error if it is missing, a folder, or larger than `max_bytes`
/// (checked before anything is allocated).
std::string read_file(const std::filesystem::path& path, int64_t max_bytes = int64_t{1} << 32);

/// Replaces the file in one step: writes `path` + ".tmp", syncs it, renames. A reader sees the old
/// or the new file, never half. Throws Error (disk full, read-only, missing folder).
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// Creates the folder and its parents. Throws Error if it cannot be created or written to.
void make_folder(const std::filesystem::path& path);

/// `relative` below `folder`; an absolute path is returned as it is.
std::filesystem::path resolve(const std::filesystem::path& folder,
                              const std::filesystem::path& relative);

}  // namespace visavis::base
