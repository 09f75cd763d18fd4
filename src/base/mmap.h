// A read-only memory map of a whole file. Pages can be dropped after use, so that streaming a large
// checkpoint through memory leaves the resident size near what is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace visavis::base {

class MappedFile {
 public:
  /// Maps the file. Throws Error if it cannot be opened or mapped; an empty file maps to no bytes.
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

  /// Which file this is, whatever its name stands for later.
  uint64_t inode() const { return inode_; }
  uint64_t device() const { return device_; }

  /// Whether all of these bytes are in memory, as far as the system tells.
  bool resident(int64_t offset, int64_t size) const;
  /// Tells the system that these bytes will be read soon (read-ahead).
  void prefetch(int64_t offset, int64_t size) const;
  /// Gives back the resident pages that lie wholly inside the range; they are read again on use.
  void drop(int64_t offset, int64_t size) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  uint64_t inode_ = 0;
  uint64_t device_ = 0;
};

}  // namespace visavis::base
