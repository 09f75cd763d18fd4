#include "engine/load/packed_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "engine/load/packed_header.h"

namespace visavis::load {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kChecksumBlock = int64_t{1} << 20;
constexpr int64_t kPiece = int64_t{8} << 20;
constexpr int64_t kSpareBytes = int64_t{1} << 30;  // that a cache leaves on the disk
constexpr const char* kEnding = ".packed";
constexpr const char* kUnfinished = ".packed.tmp";

int64_t padded(int64_t bytes) { return (bytes + kPackedAlign - 1) / kPackedAlign * kPackedAlign; }

// A file under its temporary name, locked while it is written; gone unless it was published.
class Draft {
 public:
  explicit Draft(const fs::path& path) : path_(path), draft_(path.string() + ".tmp") {
    file_ = ::open(draft_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file_ < 0) fail("cannot write '", draft_.string(), "': ", std::strerror(errno));
    // Whoever held the lock before may have published or removed what is opened here.
    struct stat opened {};
    struct stat named {};
    ours_ = ::flock(file_, LOCK_EX | LOCK_NB) == 0 && ::fstat(file_, &opened) == 0 &&
            ::stat(draft_.c_str(), &named) == 0 && opened.st_ino == named.st_ino;
    if (ours_ && ::ftruncate(file_, 0) != 0) fail_write();
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;
  ~Draft() {
    if (ours_) ::unlink(draft_.c_str());
    ::close(file_);
  }

  bool ours() const { return ours_; }

  void reserve(int64_t bytes) {
    // Not every file system can; then a full disk is found by writing.
    if (::fallocate(file_, 0, 0, bytes) != 0 && errno == ENOSPC) fail_write();
  }

  void write(std::span<const std::byte> bytes, int64_t at) {
    while (!bytes.empty()) {
      const size_t piece = std::min(bytes.size(), static_cast<size_t>(kPiece));
      const ssize_t put = ::pwrite(file_, bytes.data(), piece, at);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) fail_write();
      // Written out as it comes: dirty pages do not pile up.
      ::sync_file_range(file_, at, put, SYNC_FILE_RANGE_WRITE);
      bytes = bytes.subspan(static_cast<size_t>(put));
      at += put;
    }
  }

  void publish(int64_t bytes) {
    if (::ftruncate(file_, bytes) != 0 || ::fsync(file_) != 0) fail_write();
    if (::rename(draft_.c_str(), path_.c_str()) != 0) fail_write();
    ours_ = false;
    const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
      ::fsync(folder);
      ::close(folder);
    }
  }

 private:
  [[noreturn]] void fail_write() const {
    fail("cannot write '", draft_.string(), "': ", std::strerror(errno));
  }

  fs::path path_;
  fs::path draft_;
  int file_ = -1;
  bool ours_ = false;
};

PackedHeader laid_out(const std::string& source, const std::vector<PackedSource>& weights) {
  PackedHeader header{.source = source, .weights = {}};
  int64_t end = 0;
  for (const PackedSource& weight : weights) {
    PackedWeight packed{.key = weight.key, .parts = {}};
    for (const auto& buffer : weight.buffers) {
      const auto bytes = static_cast<int64_t>(buffer.size());
      packed.parts.push_back({.offset = end, .bytes = bytes, .checksum = 0});
      end += padded(bytes);
    }
    header.weights.push_back(std::move(packed));
  }
  return header;
}

}  // namespace

uint64_t packed_checksum(std::span<const std::byte> bytes, base::ThreadPool* pool) {
  const auto size = static_cast<int64_t>(bytes.size());
  const int64_t blocks = (size + kChecksumBlock - 1) / kChecksumBlock;
  std::atomic<uint64_t> sum{static_cast<uint64_t>(size)};
  const auto add = [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      const int64_t begin = block * kChecksumBlock;
      const auto piece = bytes.subspan(static_cast<size_t>(begin),
                                       static_cast<size_t>(std::min(kChecksumBlock, size - begin)));
      sum += base::checksum(piece, static_cast<uint64_t>(block));
    }
  };
  if (pool == nullptr)
    add(0, blocks);
  else
    pool->parallel_for(blocks, 1, add);
  return sum;
}

std::optional<std::string> write_packed(const fs::path& path, const std::string& source,
                                        const std::vector<PackedSource>& weights) {
  base::make_folder(path.parent_path());
  PackedHeader header = laid_out(source, weights);
  // Checksums are not known yet; they take the same space.
  const auto data_begin = static_cast<int64_t>(packed_header_text(header).size());
  const int64_t bytes = data_begin + header.data_bytes();
  Draft draft(path);
  if (!draft.ours()) return "another process writes '" + path.string() + "'";
  std::error_code unknown;
  const fs::space_info space = fs::space(path.parent_path(), unknown);
  require(unknown || static_cast<int64_t>(space.available) - kSpareBytes >= bytes, "'",
          path.parent_path().string(), "' has ", space.available, " bytes free, wanted ",
          bytes + kSpareBytes);
  draft.reserve(bytes);
  for (size_t i = 0; i < weights.size(); ++i)
    for (size_t k = 0; k < weights[i].buffers.size(); ++k) {
      PackedPart& part = header.weights[i].parts[k];
      part.checksum = packed_checksum(weights[i].buffers[k]);
      draft.write(weights[i].buffers[k], data_begin + part.offset);
    }
  const std::string head = packed_header_text(header);
  draft.write(std::as_bytes(std::span(head)), 0);
  draft.publish(bytes);
  return std::nullopt;
}

std::vector<fs::path> packed_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if ((name.ends_with(kEnding) || name.ends_with(kUnfinished)) && entry.is_regular_file(none))
      files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void remove_least_recent(const fs::path& folder, const fs::path& but, int64_t most_bytes) {
  struct Found {
    fs::path path;
    fs::file_time_type used;
    int64_t bytes;
  };
  std::vector<Found> found;
  int64_t total = 0;
  std::error_code gone;
  for (const fs::path& path : packed_files(folder)) {
    if (path == but || path.extension() == ".tmp") continue;
    const auto bytes = static_cast<int64_t>(fs::file_size(path, gone));
    if (gone) continue;
    const auto used = fs::last_write_time(path, gone);
    if (gone) continue;
    found.push_back({path, used, bytes});
    total += bytes;
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.used < b.used; });
  for (const Found& each : found) {
    if (total <= most_bytes) return;
    fs::remove(each.path, gone);
    total -= each.bytes;
  }
}

}  // namespace visavis::load
