// The directory of a zip archive, as far as PyTorch's files need it: stored entries, with the
// 64-bit extension. The directory at the archive's end counts, local headers only say where an
// entry's bytes begin.
#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "base/error.h"
#include "engine/checkpoint/pytorch.h"

namespace visavis::checkpoint {
namespace {

constexpr int64_t kEndBytes = 22;      // of the end record, without its comment
constexpr int64_t kLocatorBytes = 20;  // of the 64-bit end record's locator
constexpr int64_t kEnd64Bytes = 56;
constexpr int64_t kEntryBytes = 46;
constexpr int64_t kLocalBytes = 30;
constexpr int64_t kMaxComment = 0xFFFF;
constexpr uint32_t kFull32 = 0xFFFFFFFF;  // the value is in the 64-bit extension
constexpr uint16_t kFull16 = 0xFFFF;

class Archive {
 public:
  Archive(std::span<const std::byte> bytes, const std::string& file)
      : bytes_(bytes), file_(file), size_(static_cast<int64_t>(bytes.size())) {}

  std::vector<ZipEntry> read() {
    const int64_t end = find_end();
    uint64_t count = number<uint16_t>(end + 10);
    uint64_t begin = number<uint32_t>(end + 16);
    if (count == kFull16 || begin == kFull32) {
      require(end >= kLocatorBytes && number<uint32_t>(end - kLocatorBytes) == 0x07064b50, file_,
              ": the zip archive has no 64-bit directory where it wants one");
      const int64_t end64 = place(number<uint64_t>(end - kLocatorBytes + 8), kEnd64Bytes);
      require(number<uint32_t>(end64) == 0x06064b50, file_,
              ": the zip archive's 64-bit end record is damaged");
      count = number<uint64_t>(end64 + 32);
      begin = number<uint64_t>(end64 + 48);
    }
    require(count <= static_cast<uint64_t>(size_ / kEntryBytes), file_, ": the zip archive claims ",
            count, " entries, which do not fit its ", size_, " bytes");
    std::vector<ZipEntry> entries;
    std::set<std::string> names;
    int64_t at = place(begin, 0);
    for (uint64_t i = 0; i < count; ++i) {
      entries.push_back(entry(at));
      require(names.insert(entries.back().name).second, file_, ": zip entry '", entries.back().name,
              "' is there twice");
    }
    return entries;
  }

 private:
  // Throws unless `bytes` bytes lie at this offset.
  int64_t place(uint64_t offset, int64_t bytes) const {
    require(offset <= static_cast<uint64_t>(size_) && bytes <= size_ - static_cast<int64_t>(offset),
            file_, ": the zip archive points to byte ", offset, " of ", size_, " (truncated?)");
    return static_cast<int64_t>(offset);
  }

  template <class T>
  T number(int64_t offset) const {
    place(static_cast<uint64_t>(offset), static_cast<int64_t>(sizeof(T)));
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof(T));
    return value;
  }

  int64_t find_end() const {
    const int64_t first = std::max<int64_t>(0, size_ - kEndBytes - kMaxComment);
    for (int64_t at = size_ - kEndBytes; at >= first; --at)
      if (number<uint32_t>(at) == 0x06054b50) return at;
    fail(file_, ": is no zip archive, as PyTorch has written since version 1.6 (truncated?)");
  }

  // Reads the directory's entry at `at` and moves on to the next.
  ZipEntry entry(int64_t& at) const {
    place(static_cast<uint64_t>(at), kEntryBytes);
    require(number<uint32_t>(at) == 0x02014b50, file_, ": the zip archive's directory is damaged");
    const auto method = number<uint16_t>(at + 10);
    uint64_t packed = number<uint32_t>(at + 20);
    uint64_t size = number<uint32_t>(at + 24);
    const int64_t name_bytes = number<uint16_t>(at + 28);
    const int64_t extra_bytes = number<uint16_t>(at + 30);
    const int64_t comment_bytes = number<uint16_t>(at + 32);
    uint64_t local = number<uint32_t>(at + 42);
    place(static_cast<uint64_t>(at + kEntryBytes), name_bytes + extra_bytes + comment_bytes);
    ZipEntry result;
    result.name.assign(reinterpret_cast<const char*>(bytes_.data() + at + kEntryBytes),
                       static_cast<size_t>(name_bytes));
    for (char& c : result.name)
      if (static_cast<unsigned char>(c) < 32) c = '?';
    read_extension(at + kEntryBytes + name_bytes, extra_bytes, size, packed, local);
    at += kEntryBytes + name_bytes + extra_bytes + comment_bytes;

    require(method == 0 && packed == size, file_, ": zip entry '", result.name,
            "' is compressed, wanted stored");
    const int64_t header = place(local, kLocalBytes);
    require(number<uint32_t>(header) == 0x04034b50, file_, ": zip entry '", result.name,
            "' does not lie where the directory says");
    result.begin =
        header + kLocalBytes + number<uint16_t>(header + 26) + number<uint16_t>(header + 28);
    require(result.begin <= size_ && size <= static_cast<uint64_t>(size_ - result.begin), file_,
            ": zip entry '", result.name, "' claims ", size, " bytes, the file has ",
            std::max<int64_t>(0, size_ - result.begin), " left (truncated?)");
    result.end = result.begin + static_cast<int64_t>(size);
    return result;
  }

  // Values that did not fit 32 bits stand in the extension 1, in this order.
  void read_extension(int64_t at, int64_t bytes, uint64_t& size, uint64_t& packed,
                      uint64_t& local) const {
    const int64_t end = at + bytes;
    while (end - at >= 4) {
      const auto id = number<uint16_t>(at);
      const int64_t length = number<uint16_t>(at + 2);
      at += 4;
      if (length > end - at) return;
      if (id == 1) {
        int64_t value = at;
        for (uint64_t* each : {&size, &packed, &local}) {
          if (*each != kFull32) continue;
          require(value + 8 <= at + length, file_, ": a zip entry's 64-bit extension is damaged");
          *each = number<uint64_t>(value);
          value += 8;
        }
        return;
      }
      at += length;
    }
  }

  std::span<const std::byte> bytes_;
  const std::string& file_;
  int64_t size_;
};

}  // namespace

std::vector<ZipEntry> parse_zip(std::span<const std::byte> bytes, const std::string& file) {
  require(bytes.size() >= static_cast<size_t>(kEndBytes), file, ": has ", bytes.size(),
          " bytes, a zip archive has at least ", kEndBytes);
  return Archive(bytes, file).read();
}

}  // namespace visavis::checkpoint
