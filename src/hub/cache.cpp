#include "hub/cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "hub/listing.h"

namespace visavis::hub {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "models--";

fs::path environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? fs::path() : fs::path(value);
}

std::optional<fs::path> snapshot_of_ref(const fs::path& repository, const fs::path& ref) {
  std::ifstream file(repository / "refs" / ref);
  std::string commit;
  if (!(file >> commit) || !is_safe_path(commit) || commit.find('/') != std::string::npos)
    return std::nullopt;
  const fs::path snapshot = repository / "snapshots" / commit;
  return is_checkpoint(snapshot) ? std::optional(snapshot) : std::nullopt;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

bool is_partial(const fs::path& blob) {
  const std::string ending = blob.extension().string();
  return ending == kPartialEnding || ending == ".incomplete";
}

// A path beside `target` that nobody else uses.
fs::path beside(const fs::path& target) {
  return target.string() + "." + std::to_string(::getpid()) + ".tmp";
}

}  // namespace

fs::path default_hub_home() {
  if (const fs::path home = environment("HF_HOME"); !home.empty()) return home;
  if (const fs::path caches = environment("XDG_CACHE_HOME"); !caches.empty())
    return caches / "huggingface";
  const fs::path home = environment("HOME");
  return home.empty() ? fs::path() : home / ".cache" / "huggingface";
}

fs::path default_hub_cache() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"})
    if (const fs::path cache = environment(name); !cache.empty()) return cache;
  const fs::path home = default_hub_home();
  return home.empty() ? fs::path() : home / "hub";
}

fs::path repository_folder(const fs::path& cache, std::string_view repository) {
  return cache / (std::string(kPrefix) + base::replace_all(repository, "/", "--"));
}

fs::path lock_path(const fs::path& cache, std::string_view repository, std::string_view blob) {
  return repository_folder(cache / ".locks", repository) / (std::string(blob) + ".lock");
}

std::optional<FileLock> FileLock::try_take(const fs::path& path) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) fail("cannot write '", path.string(), "': ", std::strerror(errno));
  FileLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
    // Whoever removed the repository in between removed this file, too: then it guards nothing.
    struct stat held {};
    struct stat named {};
    if (::fstat(fd, &held) == 0 && ::stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino)
      return lock;
    return std::nullopt;
  }
  require(errno == EWOULDBLOCK, "cannot lock '", path.string(), "': ", std::strerror(errno));
  return std::nullopt;
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

void link_into_snapshot(const fs::path& repository, const std::string& commit,
                        const std::string& path, const std::string& blob) {
  const fs::path link = repository / "snapshots" / commit / path;
  base::make_folder(link.parent_path());
  const fs::path target =
      fs::relative(repository / "blobs" / blob, link.parent_path()).lexically_normal();
  std::error_code error;
  if (fs::is_symlink(link, error) && fs::read_symlink(link, error) == target) return;
  const fs::path temporary = beside(link);
  fs::remove(temporary, error);
  fs::create_symlink(target, temporary, error);
  require(!error, "cannot link '", link.string(), "': ", error.message());
  fs::rename(temporary, link, error);
  require(!error, "cannot link '", link.string(), "': ", error.message());
}

void write_ref(const fs::path& repository, const std::string& ref, const std::string& commit) {
  const fs::path path = repository / "refs" / ref;
  base::make_folder(path.parent_path());
  const fs::path temporary = beside(path);
  base::write_file_atomically(temporary, commit);
  std::error_code error;
  fs::rename(temporary, path, error);
  require(!error, "cannot write '", path.string(), "': ", error.message());
}

bool is_checkpoint(const fs::path& folder) {
  std::error_code ignored;
  if (fs::is_regular_file(folder / "config.json", ignored)) return true;
  const std::vector<fs::path> entries = entries_of(folder);
  return std::any_of(entries.begin(), entries.end(), [&](const fs::path& entry) {
    return entry.extension() == ".gguf" && fs::is_regular_file(entry, ignored);
  });
}

std::vector<std::string> missing_files(const fs::path& folder) {
  std::set<std::string> missing;
  for (const fs::path& entry : entries_of(folder)) {
    std::error_code ignored;
    const std::string name = entry.filename().string();
    if (!fs::exists(entry, ignored)) {
      if (!is_partial(entry) && entry.extension() != ".tmp") missing.insert(name);
      continue;
    }
    if (!name.ends_with(".index.json")) continue;
    base::Json index;
    try {
      index = base::read_json(entry);
    } catch (const Error&) {
      continue;  // whoever loads it says what is wrong
    }
    const auto map = index.is_object() ? index.find("weight_map") : index.end();
    if (map == index.end() || !map->is_object()) continue;
    for (const base::Json& shard : *map) {
      if (!shard.is_string() || !is_safe_path(shard.get<std::string>())) continue;
      if (!fs::exists(folder / shard.get<std::string>(), ignored))
        missing.insert(shard.get<std::string>());
    }
  }
  return {missing.begin(), missing.end()};
}

std::optional<fs::path> find_snapshot(const fs::path& repository) {
  for (const char* ref : {"main", "modelscope/master"})
    if (auto snapshot = snapshot_of_ref(repository, ref)) return snapshot;
  std::vector<fs::path> snapshots;
  for (const fs::path& entry : entries_of(repository / "snapshots"))
    if (is_checkpoint(entry)) snapshots.push_back(entry);
  if (snapshots.size() != 1) return std::nullopt;
  return snapshots[0];
}

std::vector<CachedRepository> cached_repositories(const fs::path& cache) {
  std::vector<CachedRepository> found;
  for (const fs::path& folder : entries_of(cache)) {
    const std::string name = folder.filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const std::string repository = base::replace_all(name.substr(kPrefix.size()), "--", "/");
    std::error_code ignored;
    if (!is_repository_name(repository) || !fs::is_directory(folder, ignored)) continue;
    const std::vector<fs::path> blobs = entries_of(folder / "blobs");
    const auto snapshot = find_snapshot(folder);
    found.push_back({.name = repository,
                     .folder = folder,
                     .bytes = disk_bytes(folder),
                     .snapshots = static_cast<int64_t>(entries_of(folder / "snapshots").size()),
                     .partial = std::any_of(blobs.begin(), blobs.end(), &is_partial) || !snapshot ||
                                !missing_files(*snapshot).empty()});
  }
  return found;
}

int64_t remove_repository(const fs::path& cache, const std::string& repository) {
  const fs::path folder = repository_folder(cache, repository);
  std::error_code error;
  require(is_repository_name(repository) && fs::is_directory(folder, error), "found no '",
          repository, "' in '", cache.string(), "'");
  const fs::path locks = repository_folder(cache / ".locks", repository);
  std::vector<FileLock> held;
  for (const fs::path& path : entries_of(locks)) {
    std::optional<FileLock> lock = FileLock::try_take(path);
    require(lock.has_value(), "'", repository, "' is being fetched by another process");
    held.push_back(std::move(*lock));
  }
  const int64_t bytes = disk_bytes(folder);
  fs::remove_all(folder, error);
  require(!error, "cannot remove '", folder.string(), "': ", error.message());
  fs::remove_all(locks, error);
  return bytes;
}

int64_t disk_bytes(const fs::path& folder) {
  int64_t bytes = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error);
       !error && at != fs::recursive_directory_iterator(); at.increment(error)) {
    struct stat info {};
    constexpr int64_t kBlock = 512;  // the unit of st_blocks, whatever the file system's own is
    if (::lstat(at->path().c_str(), &info) == 0 && S_ISREG(info.st_mode))
      bytes += std::min<int64_t>(info.st_size, info.st_blocks * kBlock);
  }
  return bytes;
}

}  // namespace visavis::hub
