// The Hugging Face cache on the disk, as its own tools lay it out, so that neither they nor visavis
// fetch what the other has: models--ORG--NAME/{blobs/DIGEST, snapshots/COMMIT/PATH -> blob,
// refs/NAME}, and .locks/models--ORG--NAME/DIGEST.lock (flock).
// Source: huggingface_hub's documentation, "Understand caching".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace visavis::hub {

/// $HF_HUB_CACHE, $HUGGINGFACE_HUB_CACHE, $HF_HOME/hub, $XDG_CACHE_HOME/huggingface/hub or
/// ~/.cache/huggingface/hub; empty if none of these variables is set.
std::filesystem::path default_hub_cache();
/// The folder above it that the hub's tools keep their token in.
std::filesystem::path default_hub_home();

/// The folder of one repository, ORG/NAME.
std::filesystem::path repository_folder(const std::filesystem::path& cache,
                                        std::string_view repository);
std::filesystem::path lock_path(const std::filesystem::path& cache, std::string_view repository,
                                std::string_view blob);

/// An flock, let go of at the end of its life or of its process.
class FileLock {
 public:
  /// Nothing if somebody else holds it. Throws Error if the file cannot be made.
  static std::optional<FileLock> try_take(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

/// Puts snapshots/COMMIT/PATH, a link to a blob of the same repository, in one step.
void link_into_snapshot(const std::filesystem::path& repository, const std::string& commit,
                        const std::string& path, const std::string& blob);
/// refs/REF holds the commit.
void write_ref(const std::filesystem::path& repository, const std::string& ref,
               const std::string& commit);

/// A folder with a checkpoint: config.json or a GGUF file. Not whether all of it is there.
bool is_checkpoint(const std::filesystem::path& folder);
/// Names in the folder that lead nowhere, and shards that an index names but that are not there.
std::vector<std::string> missing_files(const std::filesystem::path& folder);

/// The snapshot that refs/main names, else refs/modelscope/master, else the only one; nothing if
/// that is no checkpoint.
std::optional<std::filesystem::path> find_snapshot(const std::filesystem::path& repository);

struct CachedRepository {
  std::string name;  // ORG/NAME
  std::filesystem::path folder;
  int64_t bytes = 0;  // on the disk, blobs that are half there included
  int64_t snapshots = 0;
  bool partial = false;  // something of it is still to be fetched
};
/// Every repository of models, by name.
std::vector<CachedRepository> cached_repositories(const std::filesystem::path& cache);

/// Removes a repository with all its snapshots and returns the bytes that are free now. Throws
/// Error if it is not there or one of its files is being fetched by another process.
int64_t remove_repository(const std::filesystem::path& cache, const std::string& repository);

/// Bytes that the files below a folder take on the disk; links are not followed.
int64_t disk_bytes(const std::filesystem::path& folder);

/// How a half-fetched blob ends; the hub's own tools use another ending, whose files are read from
/// the front only.
inline constexpr std::string_view kPartialEnding = ".visavis-part";

}  // namespace visavis::hub
