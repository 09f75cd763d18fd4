#include "hub/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <string>

#include "base/error.h"

namespace visavis::hub {
namespace {

constexpr std::array<char, 8> kMagic = {'v', 'v', 'p', 'a', 'r', 't', '0', '1'};
constexpr int64_t kMaxPieces = int64_t{1} << 20;

// Followed by one int64 for each piece.
struct Head {
  std::array<char, 8> magic = kMagic;
  int64_t bytes = 0;
  int64_t piece_bytes = 0;
};

int64_t pieces_of(int64_t bytes, int64_t piece_bytes) {
  return bytes / piece_bytes + (bytes % piece_bytes != 0 ? 1 : 0);
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

std::optional<Journal> journal_of(int fd, int64_t size, int64_t bytes) {
  const int64_t tail_bytes = size - bytes;
  if (tail_bytes <= 0 || tail_bytes > static_cast<int64_t>(sizeof(Head) + kMaxPieces * 8))
    return std::nullopt;
  std::string tail(static_cast<size_t>(tail_bytes), '\0');
  if (::pread(fd, tail.data(), tail.size(), bytes) != tail_bytes) return std::nullopt;
  return read_journal(tail, bytes);
}

std::string reason() { return std::strerror(errno); }

}  // namespace

std::optional<Journal> read_journal(std::string_view tail, int64_t bytes) {
  Head head;
  if (bytes < 0 || tail.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, tail.data(), sizeof head);
  if (head.magic != kMagic || head.bytes != bytes || head.piece_bytes <= 0) return std::nullopt;
  const int64_t pieces = pieces_of(bytes, head.piece_bytes);
  tail.remove_prefix(sizeof head);
  if (pieces > kMaxPieces || tail.size() != static_cast<size_t>(pieces) * sizeof(int64_t))
    return std::nullopt;
  Journal journal{.piece_bytes = head.piece_bytes,
                  .done = std::vector<int64_t>(static_cast<size_t>(pieces))};
  if (pieces > 0) std::memcpy(journal.done.data(), tail.data(), tail.size());
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const int64_t length = std::min(head.piece_bytes, bytes - piece * head.piece_bytes);
    const int64_t done = journal.done[static_cast<size_t>(piece)];
    if (done < 0 || done > length) return std::nullopt;
  }
  return journal;
}

Leftover leftover(const std::filesystem::path& path, int64_t bytes) {
  Leftover left;
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return left;
  constexpr int64_t kBlock = 512;  // the unit of st_blocks, whatever the file system's own is
  left.disk_bytes = info.st_blocks * kBlock;
  if (const std::optional<Journal> journal = journal_of(file.fd, info.st_size, bytes))
    left.done_bytes = std::accumulate(journal->done.begin(), journal->done.end(), int64_t{0});
  return left;
}

PartialFile::PartialFile(std::filesystem::path path, int64_t bytes, int64_t piece_bytes)
    : path_(std::move(path)), bytes_(bytes) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) fail("cannot write '", path_.string(), "': ", reason());
  struct stat info {};
  if (::fstat(fd_, &info) == 0)
    if (std::optional<Journal> journal = journal_of(fd_, info.st_size, bytes_)) {
      journal_ = std::move(*journal);
      return;
    }
  try {
    begin_anew(std::max(piece_bytes, bytes_ / kMaxPieces + 1));
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

PartialFile::~PartialFile() {
  if (fd_ >= 0) ::close(fd_);
}

void PartialFile::begin_anew(int64_t piece_bytes) {
  journal_ = {.piece_bytes = piece_bytes,
              .done = std::vector<int64_t>(static_cast<size_t>(pieces_of(bytes_, piece_bytes)))};
  if (::ftruncate(fd_, 0) != 0) fail("cannot write '", path_.string(), "': ", reason());
  const int64_t whole = bytes_ + static_cast<int64_t>(sizeof(Head) + journal_.done.size() * 8);
  // File systems that cannot reserve find out about a full disk later.
  if (::fallocate(fd_, 0, 0, whole) != 0 && errno == ENOSPC)
    fail("cannot write '", path_.string(), "': ", reason());
  write_tail();
}

void PartialFile::write_tail() {
  const Head head{.bytes = bytes_, .piece_bytes = journal_.piece_bytes};
  std::string tail;
  tail.append(reinterpret_cast<const char*>(&head), sizeof head);
  tail.append(reinterpret_cast<const char*>(journal_.done.data()),
              journal_.done.size() * sizeof(int64_t));
  write_at(bytes_, tail.data(), tail.size());
}

int64_t PartialFile::end(int64_t piece) const {
  return std::min(bytes_, begin(piece) + journal_.piece_bytes);
}

int64_t PartialFile::next_of(int64_t piece) const {
  return begin(piece) + journal_.done[static_cast<size_t>(piece)];
}

int64_t PartialFile::next(int64_t piece) const {
  const std::lock_guard lock(mutex_);
  return next_of(piece);
}

int64_t PartialFile::done_bytes() const {
  const std::lock_guard lock(mutex_);
  int64_t sum = 0;
  for (const int64_t done : journal_.done) sum += done;
  return sum;
}

int64_t PartialFile::first_missing() const {
  const std::lock_guard lock(mutex_);
  for (int64_t piece = 0; piece < pieces(); ++piece)
    if (next_of(piece) < end(piece)) return next_of(piece);
  return bytes_;
}

void PartialFile::write_at(int64_t offset, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t put = ::pwrite(fd_, bytes, count, offset);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("cannot write '", path_.string(), "': ", reason());
    bytes += put;
    offset += put;
    count -= static_cast<size_t>(put);
  }
}

int64_t PartialFile::write(int64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  int64_t fresh = 0;
  const int64_t stop = std::min(bytes_, offset + static_cast<int64_t>(bytes.size()));
  for (int64_t at = offset; at < stop;) {
    const int64_t piece = at / journal_.piece_bytes;
    const int64_t until = std::min(stop, end(piece));
    const int64_t from = next_of(piece);
    if (from >= at && from < until) {
      write_at(from, bytes.data() + (from - offset), static_cast<size_t>(until - from));
      fresh += until - from;
      // Behind the data, so that the tail never promises what was not written.
      int64_t& done = journal_.done[static_cast<size_t>(piece)];
      done = until - begin(piece);
      write_at(bytes_ + static_cast<int64_t>(sizeof(Head)) + piece * 8,
               reinterpret_cast<const char*>(&done), sizeof done);
    }
    at = until;
  }
  return fresh;
}

void PartialFile::start_over() {
  const std::lock_guard lock(mutex_);
  std::fill(journal_.done.begin(), journal_.done.end(), 0);
  write_tail();
}

void PartialFile::finish(const std::filesystem::path& target) {
  const std::lock_guard lock(mutex_);
  if (::ftruncate(fd_, bytes_) != 0 || ::fdatasync(fd_) != 0)
    fail("cannot write '", path_.string(), "': ", reason());
  if (::rename(path_.c_str(), target.c_str()) != 0)
    fail("cannot rename '", path_.string(), "' to '", target.string(), "': ", reason());
  ::close(fd_);
  fd_ = -1;
}

}  // namespace visavis::hub
