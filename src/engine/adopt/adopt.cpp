#include "engine/adopt/adopt.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/mmap.h"
#include "engine/adopt/gguf_files.h"
#include "engine/adopt/gguf_metadata.h"
#include "engine/checkpoint/gguf.h"

namespace visavis::adopt {
namespace {

namespace fs = std::filesystem;

// What was derived by other rules is derived anew.
constexpr const char* kRules = "1";

// "name" of name-00001-of-00003.gguf; the stem of others.
std::string split_name(const fs::path& file) {
  std::string stem = file.stem().string();
  const size_t of = stem.rfind("-of-");
  if (of == std::string::npos || of < 6 || stem.size() != of + 9) return stem;
  return stem.substr(0, of - 6);
}

GgufFile read_header(const fs::path& path) {
  const base::MappedFile file(path);
  return {path.string(), checkpoint::parse_gguf(file.bytes(), path.string())};
}

bool is_tower(const GgufFile& file) { return text_or(file, "general.architecture", "") == "clip"; }

struct Model {
  std::vector<fs::path> files;  // all of its weights
  GgufFile text;                // every split's tensors
  GgufFile tower;
};

// The model of a folder, or that of one of its files.
Model find_model(const fs::path& path) {
  const bool one = !fs::is_directory(path);
  const fs::path folder = one ? fs::absolute(path).parent_path() : fs::absolute(path);
  Model model;
  std::vector<std::string> towers;
  for (const fs::path& file : checkpoint::gguf_files(folder)) {
    GgufFile header = read_header(file);
    if (is_tower(header)) {
      towers.push_back(file.filename().string());
      model.tower = std::move(header);
      model.files.push_back(file);
      continue;
    }
    if (one && split_name(file) != split_name(path)) continue;
    model.files.push_back(file);
    if (model.text.name.empty()) {
      model.text = std::move(header);
      continue;
    }
    // The first part has the metadata, the others only say which part they are.
    for (auto& [key, value] : header.header.metadata)
      model.text.header.metadata.emplace(key, std::move(value));
    for (checkpoint::GgufTensor& tensor : header.header.tensors)
      model.text.header.tensors.push_back(std::move(tensor));
  }
  require(!model.text.name.empty(), "'", path.string(),
          "': found no GGUF file of a text model; wanted one beside the mmproj file");
  require(!towers.empty(), "'", path.string(),
          "': found no vision tower; wanted its GGUF file (mmproj) in the same folder");
  require(towers.size() == 1, "'", path.string(), "': found ", towers.size(),
          " vision towers beside it (", towers[0], ", ", towers.size() > 1 ? towers[1] : "",
          "), wanted one; put the pair into a folder of its own");
  return model;
}

// Changes with every file that the model is made of.
std::string key_of(const std::vector<fs::path>& files) {
  base::Sha256 hash;
  hash.update(kRules);
  for (const fs::path& file : files) {
    hash.update(file.string() + "\n" + std::to_string(fs::file_size(file)) + "\n" +
                std::to_string(fs::last_write_time(file).time_since_epoch().count()) + "\n");
  }
  return hash.finish().substr(0, 16);
}

// Makes the folder whole or not at all; another process may make it at the same time.
void write_folder(const fs::path& folder, const DerivedFiles& files,
                  const std::vector<fs::path>& weights) {
  fs::path draft = folder;
  draft += "." + std::to_string(getpid());
  std::error_code ignored;
  fs::remove_all(draft, ignored);
  base::make_folder(draft);
  for (const auto& [name, text] : files) base::write_file_atomically(draft / name, text);
  for (const fs::path& file : weights) fs::create_symlink(file, draft / file.filename());
  std::error_code error;
  fs::rename(draft, folder, error);
  if (error) fs::remove_all(draft, ignored);
  require(fs::is_directory(folder), "cannot make folder '", folder.string(),
          "': ", error.message());
}

}  // namespace

fs::path hub_layout(const fs::path& path, const fs::path& cache) {
  const bool file = fs::is_regular_file(path) && path.extension() == ".gguf";
  if (!file && (fs::exists(path / "config.json") || !checkpoint::has_gguf(path))) return path;
  const Model model = find_model(path);
  require(
      !cache.empty(), "'", path.string(),
      "': there is no cache folder to keep what its GGUF files tell; set HOME or XDG_CACHE_HOME");
  const fs::path folder = cache / "adopted" / key_of(model.files);
  if (fs::exists(folder / "config.json")) return folder;
  write_folder(folder, files_of_gguf(model.text, model.tower), model.files);
  return folder;
}

}  // namespace visavis::adopt
