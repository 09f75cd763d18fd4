// What hubs send: each of the three documents, an ETag, and the tail of a half-fetched file. An
// Error or a value whose paths stay below their folder.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "base/error.h"
#include "hub/listing.h"
#include "hub/partial_file.h"

namespace {

void check(const std::vector<visavis::hub::RemoteFile>& files) {
  for (const visavis::hub::RemoteFile& file : files) {
    const auto path = (std::filesystem::path("/folder") / file.path).lexically_normal().string();
    if (!path.starts_with("/folder/") || file.bytes < -1) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace visavis;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    check(hub::parse_huggingface_info(text, "info").files);
  } catch (const Error&) {
  }
  try {
    check(hub::parse_huggingface_tree(text, "tree"));
  } catch (const Error&) {
  }
  try {
    check(hub::parse_modelscope_files(text, "files").files);
  } catch (const Error&) {
  }
  hub::RemoteFile file;
  if (hub::take_etag(text, file) == hub::blob_name(file).empty()) std::abort();
  hub::is_repository_name(text);
  const auto journal = hub::read_journal(text, static_cast<int64_t>(size) * 7);
  if (journal)
    for (const int64_t done : journal->done)
      if (done < 0 || done > journal->piece_bytes) std::abort();
  return 0;
}
