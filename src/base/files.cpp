#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace visavis::base {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string reason() { return std::strerror(errno); }

}  // namespace

std::string read_file(const std::filesystem::path& path, int64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail("cannot open '", path.string(), "': ", reason());
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) fail("cannot read '", path.string(), "': ", reason());
  require(!S_ISDIR(info.st_mode), "'", path.string(), "' is a folder, wanted a file");
  require(info.st_size <= max_bytes, "'", path.string(), "' has ", info.st_size,
          " bytes, wanted at most ", max_bytes);
  std::string bytes;
  // Pipes and /proc report no size, so the size is only where reading starts from.
  bytes.resize(static_cast<size_t>(info.st_size > 0 ? info.st_size : 4096));
  size_t filled = 0;
  while (true) {
    if (filled == bytes.size()) bytes.resize(bytes.size() + 4096);
    const ssize_t got = ::read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read '", path.string(), "': ", reason());
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    require(static_cast<int64_t>(filled) <= max_bytes, "'", path.string(), "' has more than ",
            max_bytes, " bytes");
  }
  bytes.resize(filled);
  return bytes;
}

void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  {
    const Descriptor file(
        ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) fail("cannot write '", path.string(), "': ", reason());
    size_t written = 0;
    while (written < bytes.size()) {
      const ssize_t put = ::write(file.get(), bytes.data() + written, bytes.size() - written);
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const std::string why = reason();
        ::unlink(temporary.c_str());
        fail("cannot write '", path.string(), "': ", why);
      }
      written += static_cast<size_t>(put);
    }
    if (::fsync(file.get()) != 0) fail("cannot write '", path.string(), "': ", reason());
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0)
    fail("cannot write '", path.string(), "': ", reason());
}

void make_folder(const std::filesystem::path& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  require(std::filesystem::is_directory(path), "cannot create folder '", path.string(),
          "': ", code ? code.message() : "a file is in the way");
  require(::access(path.c_str(), W_OK) == 0, "cannot write to folder '", path.string(),
          "': ", reason());
}

std::filesystem::path resolve(const std::filesystem::path& folder,
                              const std::filesystem::path& relative) {
  return relative.is_absolute() ? relative : folder / relative;
}

}  // namespace visavis::base
