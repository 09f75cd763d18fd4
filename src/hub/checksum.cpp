#include "hub/checksum.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "base/error.h"
#include "hub/stopped.h"

namespace visavis::hub {
namespace {

constexpr size_t kPiece = size_t{1} << 20;

struct DigestDeleter {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

bool has_right_bytes(const std::filesystem::path& path, const RemoteFile& file,
                     std::atomic<int64_t>* read, const std::atomic<bool>& cancelled) {
  const std::string& wanted = blob_name(file);
  require(!wanted.empty(), "'", file.path, "': the hub gives no checksum for it");
  const Descriptor input{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info {};
  if (input.fd < 0 || ::fstat(input.fd, &info) != 0)
    fail("cannot open '", path.string(), "': ", std::strerror(errno));
  if (info.st_size < file.bytes) return false;
  const std::unique_ptr<EVP_MD_CTX, DigestDeleter> context(EVP_MD_CTX_new());
  const bool git = file.sha256.empty();
  require(context != nullptr &&
              EVP_DigestInit_ex(context.get(), git ? EVP_sha1() : EVP_sha256(), nullptr) == 1,
          "this libcrypto has no ", git ? "SHA-1" : "SHA-256");
  if (git) {
    // With its final zero, as git hashes it.
    const std::string head = "blob " + std::to_string(file.bytes);
    EVP_DigestUpdate(context.get(), head.c_str(), head.size() + 1);
  }
  std::vector<char> buffer(kPiece);
  for (int64_t left = file.bytes; left > 0;) {
    if (cancelled) throw Stopped();
    const ssize_t got =
        ::read(input.fd, buffer.data(), std::min(buffer.size(), static_cast<size_t>(left)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read '", path.string(), "': ", std::strerror(errno));
    if (got == 0) return false;
    left -= got;
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<size_t>(got));
    if (read != nullptr) *read += got;
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &size);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    hex += kDigits[digest[i] >> 4];
    hex += kDigits[digest[i] & 15];
  }
  return hex == wanted;
}

}  // namespace visavis::hub
