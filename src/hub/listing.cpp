#include "hub/listing.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"

namespace visavis::hub {
namespace {

constexpr size_t kMaxFiles = 20'000;
constexpr size_t kMaxPath = 1000;
constexpr size_t kMaxName = 200;
constexpr int64_t kMaxBytes = int64_t{1} << 50;
constexpr size_t kSha256 = 64;
constexpr size_t kSha1 = 40;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string text_at(const base::Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t size_at(const base::Json& object, const char* key, const std::string& path,
                std::string_view name) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return -1;
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() || found->get<uint64_t>() <= kMaxBytes);
  const int64_t bytes = fits ? found->get<int64_t>() : -1;
  require(bytes >= 0 && bytes <= kMaxBytes, name, ": the size of '", path,
          "' is no number of bytes");
  return bytes;
}

std::string digest_at(const base::Json& object, const char* key, size_t digits) {
  std::string digest = text_at(object, key);
  return is_hex(digest, digits) ? digest : std::string();
}

const base::Json& list_at(const base::Json& object, const char* key, std::string_view name) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  require(object.is_object() && found != object.end() && found->is_array(), name,
          ": found no list '", key, "'");
  require(found->size() <= kMaxFiles, name, ": lists ", found->size(), " files, wanted at most ",
          kMaxFiles);
  return *found;
}

std::string path_at(const base::Json& entry, const char* key, std::string_view name) {
  require(entry.is_object(), name, ": an entry of the list is no object");
  std::string path = text_at(entry, key);
  require(is_safe_path(path), name, ": '", base::valid_utf8(path.substr(0, kMaxName)),
          "' is no path that may be created here");
  return path;
}

// Git's own digest is that of the pointer where the bytes lie elsewhere ("lfs").
void take_digests(const base::Json& entry, const char* git_key, const char* lfs_key,
                  RemoteFile& file, std::string_view name) {
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && lfs->is_object()) {
    file.sha256 = digest_at(*lfs, lfs_key, kSha256);
    const int64_t bytes = size_at(*lfs, "size", file.path, name);
    if (bytes >= 0) file.bytes = bytes;
  } else {
    file.git_sha1 = digest_at(entry, git_key, kSha1);
  }
}

// One name, or the first of a list, as cards have it.
std::string card_text(const base::Json& info, const char* key) {
  const auto card = info.find("cardData");
  if (card == info.end() || !card->is_object()) return {};
  const auto value = card->find(key);
  if (value != card->end() && value->is_array() && !value->empty() && value->front().is_string())
    return base::valid_utf8(value->front().get<std::string>().substr(0, kMaxName));
  return base::valid_utf8(text_at(*card, key).substr(0, kMaxName));
}

}  // namespace

const std::string& blob_name(const RemoteFile& file) {
  return file.sha256.empty() ? file.git_sha1 : file.sha256;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.front() == '/') return false;
  for (const char c : path)
    if (static_cast<unsigned char>(c) < 32 || c == '\\' || c == 127) return false;
  if (base::valid_utf8(path) != path) return false;
  const std::vector<std::string> parts = base::split(path, '/');
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && part != "." && part != ".." && part.size() <= kMaxName;
  });
}

bool is_repository_name(std::string_view name) {
  const std::vector<std::string> parts = base::split(name, '/');
  if (parts.size() != 2 || name.size() > kMaxName) return false;
  return std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && part.front() != '.' && part.front() != '-' &&
           part.find("..") == std::string::npos && part.find("--") == std::string::npos &&
           std::all_of(part.begin(), part.end(), [](char c) {
             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    c == '.' || c == '-' || c == '_';
           });
  });
}

bool take_etag(std::string_view etag, RemoteFile& file) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"')
    etag = etag.substr(1, etag.size() - 2);
  if (is_hex(etag, kSha256))
    file.sha256 = etag;
  else if (is_hex(etag, kSha1))
    file.git_sha1 = etag;
  else
    return false;
  return true;
}

Listing parse_huggingface_info(std::string_view text, std::string_view name) {
  const base::Json info = base::parse_json(text, name);
  Listing listing;
  for (const base::Json& entry : list_at(info, "siblings", name)) {
    RemoteFile file{.path = path_at(entry, "rfilename", name), .sha256 = {}, .git_sha1 = {}};
    file.bytes = size_at(entry, "size", file.path, name);
    take_digests(entry, "blobId", "sha256", file, name);
    listing.files.push_back(std::move(file));
  }
  listing.commit = digest_at(info, "sha", kSha1);
  require(!listing.commit.empty(), name, ": found no commit ('sha') of 40 hex digits");
  listing.license = card_text(info, "license");
  listing.base_model = card_text(info, "base_model");
  if (!is_repository_name(listing.base_model)) listing.base_model.clear();
  return listing;
}

std::vector<RemoteFile> parse_huggingface_tree(std::string_view text, std::string_view name) {
  const base::Json tree = base::parse_json(text, name);
  require(tree.is_array() && tree.size() <= kMaxFiles, name, ": wanted a list of at most ",
          kMaxFiles, " files");
  std::vector<RemoteFile> files;
  for (const base::Json& entry : tree) {
    require(entry.is_object(), name, ": an entry of the list is no object");
    if (text_at(entry, "type") != "file") continue;
    RemoteFile file{.path = path_at(entry, "path", name), .sha256 = {}, .git_sha1 = {}};
    file.bytes = size_at(entry, "size", file.path, name);
    take_digests(entry, "oid", "oid", file, name);
    files.push_back(std::move(file));
  }
  return files;
}

ModelScopePage parse_modelscope_files(std::string_view text, std::string_view name) {
  const base::Json answer = base::parse_json(text, name);
  require(answer.is_object(), name, ": wanted an object");
  const auto success = answer.find("Success");
  if (success != answer.end() && success->is_boolean() && !success->get<bool>())
    fail(name, ": ", base::valid_utf8(text_at(answer, "Message").substr(0, kMaxName)));
  const auto data = answer.find("Data");
  require(data != answer.end(), name, ": found no 'Data'");
  const base::Json& list = list_at(*data, "Files", name);
  ModelScopePage page;
  page.entries = static_cast<int64_t>(list.size());
  for (const base::Json* holder : {&*data, &answer}) {
    const auto total = holder->find("TotalCount");
    if (total != holder->end() && total->is_number_integer())
      page.total = std::clamp<int64_t>(total->get<int64_t>(), 0, kMaxFiles);
  }
  for (const base::Json& entry : list) {
    require(entry.is_object(), name, ": an entry of the list is no object");
    if (text_at(entry, "Type") == "tree") continue;
    RemoteFile file{.path = path_at(entry, "Path", name), .sha256 = {}, .git_sha1 = {}};
    file.bytes = size_at(entry, "Size", file.path, name);
    file.sha256 = digest_at(entry, "Sha256", kSha256);
    page.files.push_back(std::move(file));
  }
  return page;
}

std::string content_commit(const std::vector<RemoteFile>& files) {
  std::map<std::string, std::string> sorted;
  for (const RemoteFile& file : files) sorted[file.path] = blob_name(file);
  base::Sha256 hash;
  for (const auto& [path, digest] : sorted) hash.update(path + '\n' + digest + '\n');
  return hash.finish().substr(0, kSha1);
}

}  // namespace visavis::hub
