#include "base/mmap.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"

namespace visavis::base {

MappedFile::MappedFile(const std::filesystem::path& path) : path_(path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail("cannot open '", path.string(), "': ", std::strerror(errno));
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    fail("cannot map '", path.string(), "': not a regular file");
  }
  size_ = static_cast<size_t>(info.st_size);
  inode_ = info.st_ino;
  device_ = info.st_dev;
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    const int error = errno;
    ::close(fd);
    if (mapped == MAP_FAILED) fail("cannot map '", path.string(), "': ", std::strerror(error));
    data_ = static_cast<const std::byte*>(mapped);
  } else {
    ::close(fd);
  }
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

bool MappedFile::resident(int64_t offset, int64_t size) const {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t begin = offset / page * page;
  const int64_t pages = (offset + size - begin + page - 1) / page;
  std::vector<unsigned char> state(static_cast<size_t>(pages));
  if (::mincore(const_cast<std::byte*>(data_ + begin), static_cast<size_t>(offset + size - begin),
                state.data()) != 0)
    return false;
  return std::all_of(state.begin(), state.end(), [](unsigned char bits) { return bits & 1; });
}

void MappedFile::prefetch(int64_t offset, int64_t size) const {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t begin = offset / page * page;
  const int64_t end = std::min<int64_t>(offset + size, static_cast<int64_t>(size_));
  if (data_ != nullptr && end > begin)
    ::madvise(const_cast<std::byte*>(data_ + begin), static_cast<size_t>(end - begin),
              MADV_WILLNEED);
}

void MappedFile::drop(int64_t offset, int64_t size) const {
  const int64_t page = ::sysconf(_SC_PAGESIZE);
  const int64_t begin = (offset + page - 1) / page * page;
  const int64_t end = (offset + size) / page * page;
  if (data_ != nullptr && end > begin && end <= static_cast<int64_t>(size_))
    ::madvise(const_cast<std::byte*>(data_ + begin), static_cast<size_t>(end - begin),
              MADV_DONTNEED);
}

}  // namespace visavis::base
