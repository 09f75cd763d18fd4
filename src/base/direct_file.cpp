#include "base/direct_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <utility>

namespace visavis::base {

DirectFile::DirectFile(const MappedFile& file)
    : descriptor_(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC | O_DIRECT)) {
  struct stat info {};
  // The name may stand for another file by now.
  if (usable() && (::fstat(descriptor_, &info) != 0 || info.st_ino != file.inode() ||
                   info.st_dev != file.device())) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

DirectFile::DirectFile(DirectFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

DirectFile::~DirectFile() {
  if (usable()) ::close(descriptor_);
}

const std::byte* DirectFile::read(int64_t begin, int64_t end, std::span<std::byte> room) const {
  const int64_t from = begin / kAlign * kAlign;
  const int64_t wanted = (end - from + kAlign - 1) / kAlign * kAlign;
  assert(begin >= 0 && end >= begin && wanted <= static_cast<int64_t>(room.size()));
  assert(reinterpret_cast<uintptr_t>(room.data()) % kAlign == 0);
  int64_t got = 0;
  while (from + got < end) {
    const ssize_t more =
        ::pread(descriptor_, room.data() + got, static_cast<size_t>(wanted - got), from + got);
    if (more < 0 && errno == EINTR) continue;
    if (more <= 0) return nullptr;
    got += more;
    // A piece that ends between two blocks is the file's end, or cannot be continued.
    if (got % kAlign != 0) break;
  }
  return from + got < end ? nullptr : room.data() + (begin - from);
}

}  // namespace visavis::base
