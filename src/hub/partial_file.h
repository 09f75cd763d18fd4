// A file that arrives in pieces, several at a time, and survives being cut anywhere: what has come
// of each piece is written behind the data, so that a killed process loses nothing that it wrote.
// Whether the bytes are the right ones is not known here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

namespace visavis::hub {

/// The tail of a partial file: how much of each piece, from its beginning, is there.
struct Journal {
  int64_t piece_bytes = 0;
  std::vector<int64_t> done;
};

/// Reads the tail of a file whose data has `bytes` bytes; nothing if it is not such a tail.
std::optional<Journal> read_journal(std::string_view tail, int64_t bytes);

/// What an earlier time left of a file of `bytes` bytes.
struct Leftover {
  int64_t done_bytes = 0;  // need not be fetched again
  int64_t disk_bytes = 0;  // taken on the disk, reserved ones included
};
Leftover leftover(const std::filesystem::path& path, int64_t bytes);

/// Thread-safe. Held by one process at a time: the caller has the blob's lock.
class PartialFile {
 public:
  /// Goes on with the file if it is one of `bytes` bytes, else begins anew with pieces of
  /// `piece_bytes`. Space is reserved where the file system can. Throws Error.
  PartialFile(std::filesystem::path path, int64_t bytes, int64_t piece_bytes);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  int64_t bytes() const { return bytes_; }
  int64_t pieces() const { return static_cast<int64_t>(journal_.done.size()); }
  int64_t begin(int64_t piece) const { return piece * journal_.piece_bytes; }
  int64_t end(int64_t piece) const;
  /// The first byte of a piece that is missing; its end if none is.
  int64_t next(int64_t piece) const;
  int64_t done_bytes() const;
  /// The first missing byte of the whole file.
  int64_t first_missing() const;

  /// Keeps bytes that belong at `offset`: those that continue what is there of their pieces; the
  /// rest is dropped. Returns how many were new. Throws Error (disk full).
  int64_t write(int64_t offset, std::string_view bytes);
  /// Forgets everything.
  void start_over();
  /// Cuts the tail off, makes the data durable and puts the file at `target` in one step.
  void finish(const std::filesystem::path& target);

 private:
  void write_at(int64_t offset, const char* bytes, size_t count);
  void begin_anew(int64_t piece_bytes);
  void write_tail();
  int64_t next_of(int64_t piece) const;  // with the mutex held

  std::filesystem::path path_;
  int64_t bytes_;
  int fd_ = -1;
  Journal journal_;
  mutable std::mutex mutex_;
};

}  // namespace visavis::hub
