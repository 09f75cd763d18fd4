// Large reads past the page cache: about as fast as the disk, next to no work for the CPU, and what
// other programs have cached stays cached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/mmap.h"

namespace visavis::base {

class DirectFile {
 public:
  /// A read's room must be aligned to this and have twice as much to spare.
  static constexpr int64_t kAlign = 4096;

  /// Opens a mapped file once more. Some file systems cannot do this; usable() tells.
  explicit DirectFile(const MappedFile& file);
  DirectFile(DirectFile&& other) noexcept;
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;
  ~DirectFile();

  bool usable() const { return descriptor_ >= 0; }

  /// Reads bytes [begin, end) into the room; returns where they begin there, or null if they could
  /// not be read. Thread-safe.
  const std::byte* read(int64_t begin, int64_t end, std::span<std::byte> room) const;

 private:
  int descriptor_ = -1;
};

}  // namespace visavis::base
