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

  /// Tells the system that these bytes will be read soon (read-ahead).
  void prefetch(int64_t offset, int64_t size) const;
  /// Gives back the resident pages that lie wholly inside the range; they are read again on use.
  void drop(int64_t offset, int64_t size) const;

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace visavis::base
