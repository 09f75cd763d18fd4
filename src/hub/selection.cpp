#include "hub/selection.h"

#include <fnmatch.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include "base/error.h"
#include "base/text.h"

namespace visavis::hub {
namespace {

constexpr size_t kMostShown = 12;

bool is_at_top(const RemoteFile& file) { return file.path.find('/') == std::string::npos; }

bool ends(const RemoteFile& file, std::string_view ending) { return file.path.ends_with(ending); }

// What the engine reads beside weights, and the licence.
bool is_side_file(const RemoteFile& file) {
  for (const char* ending : {".json", ".jinja", ".txt", ".model", ".tiktoken"})
    if (ends(file, ending)) return true;
  return file.path.starts_with("LICENSE") || file.path.starts_with("NOTICE");
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::string names_of(const std::vector<RemoteFile>& files) {
  std::vector<std::string> names;
  for (const RemoteFile& file : files) {
    if (names.size() == kMostShown) {
      names.emplace_back("...");
      break;
    }
    names.push_back(file.path);
  }
  return names.empty() ? "nothing" : base::join(names, ", ");
}

enum class Part { none, whole, shard };

// Whether "...-KIND.gguf" or "...-KIND-00001-of-00002.gguf" is a file's name.
Part part_of_kind(const RemoteFile& file, const std::string& kind) {
  const std::string name = "_" + base::replace_all(upper(file.path), "-", "_");
  const size_t at = name.rfind("_" + kind);
  if (at == std::string::npos) return Part::none;
  const std::string_view rest = std::string_view(name).substr(at + 1 + kind.size());
  if (rest == ".GGUF") return Part::whole;
  return rest.starts_with("_0") && rest.find("_OF_") != std::string_view::npos ? Part::shard
                                                                               : Part::none;
}

// The first kind of which there is a file, or all of its shards.
void add_first_kind(std::vector<RemoteFile>& chosen, const std::vector<RemoteFile>& from,
                    std::initializer_list<const char*> kinds) {
  for (const char* kind : kinds) {
    const size_t before = chosen.size();
    for (const RemoteFile& file : from) {
      const Part part = part_of_kind(file, kind);
      if (part == Part::none) continue;
      chosen.push_back(file);
      if (part == Part::whole) return;
    }
    if (chosen.size() > before) return;
  }
}

}  // namespace

std::vector<RemoteFile> select_named(const Listing& listing,
                                     const std::vector<std::string>& patterns,
                                     const std::string& repository) {
  std::vector<bool> taken(listing.files.size());
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (size_t i = 0; i < listing.files.size(); ++i) {
      if (::fnmatch(pattern.c_str(), listing.files[i].path.c_str(), 0) != 0) continue;
      taken[i] = true;
      any = true;
    }
    require(any, "repository '", repository, "': no file is called '", pattern,
            "'; it holds: ", names_of(listing.files));
  }
  std::vector<RemoteFile> chosen;
  for (size_t i = 0; i < listing.files.size(); ++i)
    if (taken[i]) chosen.push_back(listing.files[i]);
  return chosen;
}

std::vector<RemoteFile> select_side_files(const Listing& listing) {
  std::vector<RemoteFile> chosen;
  for (const RemoteFile& file : listing.files)
    if (is_at_top(file) && is_side_file(file)) chosen.push_back(file);
  return chosen;
}

std::vector<RemoteFile> select_by_rule(const Listing& listing, const std::string& repository) {
  std::vector<RemoteFile> chosen = select_side_files(listing);
  std::vector<RemoteFile> safetensors;
  std::vector<RemoteFile> gguf;
  std::vector<RemoteFile> mmproj;
  std::vector<RemoteFile> pickles;
  for (const RemoteFile& file : listing.files) {
    if (!is_at_top(file)) continue;
    if (ends(file, ".safetensors")) safetensors.push_back(file);
    if (ends(file, ".gguf")) (file.path.find("mmproj") == 0 ? mmproj : gguf).push_back(file);
    if (ends(file, ".bin") || ends(file, ".pth")) pickles.push_back(file);
  }
  // Some repositories hold the same weights once more in their maker's own layout.
  if (std::any_of(safetensors.begin(), safetensors.end(),
                  [](const RemoteFile& file) { return file.path.starts_with("model"); }))
    std::erase_if(safetensors,
                  [](const RemoteFile& file) { return file.path.starts_with("consolidated"); });
  // Others of that ending hold a trainer's settings or a part that the weights hold again.
  if (std::any_of(pickles.begin(), pickles.end(),
                  [](const RemoteFile& file) { return file.path.starts_with("pytorch_model"); }))
    std::erase_if(pickles,
                  [](const RemoteFile& file) { return !file.path.starts_with("pytorch_model"); });
  const size_t side_files = chosen.size();
  if (!safetensors.empty()) {
    chosen.insert(chosen.end(), safetensors.begin(), safetensors.end());
  } else if (!gguf.empty()) {
    add_first_kind(chosen, gguf, {"Q4_K_M", "Q4_K", "Q4_K_S", "Q4_1", "Q4_0"});
    require(chosen.size() > side_files, "repository '", repository,
            "': found no GGUF of four bits among ", names_of(gguf), "; name one with --include");
    add_first_kind(chosen, mmproj, {"F16", "BF16", "Q8_0", "F32"});
  } else {
    chosen.insert(chosen.end(), pickles.begin(), pickles.end());
  }
  require(chosen.size() > side_files, "repository '", repository,
          "': found no weights (safetensors, GGUF, .bin); it holds: ", names_of(listing.files));
  return chosen;
}

void hold_against(std::vector<RemoteFile>& files, const std::vector<KnownFile>& known,
                  const std::string& repository) {
  for (RemoteFile& file : files) {
    const auto row = std::find_if(known.begin(), known.end(),
                                  [&](const KnownFile& each) { return each.path == file.path; });
    if (row == known.end()) continue;
    const bool other_size = row->bytes >= 0 && file.bytes >= 0 && row->bytes != file.bytes;
    const bool other_digest =
        !row->sha256.empty() && !file.sha256.empty() && row->sha256 != file.sha256;
    require(!other_size && !other_digest, "repository '", repository, "': '", file.path, "' has ",
            other_size ? std::to_string(file.bytes) + " bytes" : "SHA-256 " + file.sha256,
            ", the catalogue wants ", other_size ? std::to_string(row->bytes) : row->sha256,
            "; pull ", repository, " itself if you trust what is there now");
    if (file.bytes < 0) file.bytes = row->bytes;
    if (file.sha256.empty() && !row->sha256.empty()) {
      file.sha256 = row->sha256;
      file.git_sha1.clear();
    }
  }
}

}  // namespace visavis::hub
