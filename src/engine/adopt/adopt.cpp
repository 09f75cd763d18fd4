#include "engine/adopt/adopt.h"

#include <unistd.h>

#include <algorithm>
#include <map>
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
constexpr const char* kRules = "2";

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

using Links = std::map<std::string, fs::path>;  // what they lead to, by name

// Makes the folder whole or not at all; another process may make it at the same time.
void write_folder(const fs::path& folder, const DerivedFiles& files, const Links& links) {
  fs::path draft = folder;
  draft += "." + std::to_string(getpid());
  std::error_code ignored;
  fs::remove_all(draft, ignored);
  base::make_folder(draft);
  for (const auto& [name, text] : files) base::write_file_atomically(draft / name, text);
  for (const auto& [name, target] : links) fs::create_symlink(target, draft / name);
  std::error_code error;
  fs::rename(draft, folder, error);
  if (error) fs::remove_all(draft, ignored);
  require(fs::is_directory(folder), "cannot make folder '", folder.string(),
          "': ", error.message());
}

fs::path adopted_folder(const fs::path& path, const fs::path& cache,
                        const std::vector<fs::path>& files) {
  require(!cache.empty(), "'", path.string(),
          "': there is no cache folder to keep what its files tell; set HOME or XDG_CACHE_HOME");
  return cache / "adopted" / key_of(files);
}

fs::path adopt_gguf(const fs::path& path, const fs::path& cache) {
  const Model model = find_model(path);
  const fs::path folder = adopted_folder(path, cache, model.files);
  if (fs::exists(folder / "config.json")) return folder;
  Links links;
  for (const fs::path& file : model.files) links[file.filename().string()] = file;
  write_folder(folder, files_of_gguf(model.text, model.tower), links);
  return folder;
}

// All files of a folder that tell of the model in it.
void add_small_files(const fs::path& folder, std::vector<fs::path>& files) {
  const size_t begin = files.size();
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    for (const char* ending : {".json", ".jinja", ".model"})
      if (entry.path().extension() == ending) files.push_back(entry.path());
  std::sort(files.begin() + static_cast<std::ptrdiff_t>(begin), files.end());
}

fs::path adopt_llava(const fs::path& path, const fs::path& cache, const FindModel& find) {
  const fs::path own = fs::absolute(path);
  const fs::path tower = tower_of(own, find);
  std::vector<fs::path> files;
  add_small_files(own, files);
  add_small_files(tower, files);
  const fs::path folder = adopted_folder(path, cache, files);
  if (fs::exists(folder / "config.json")) return folder;
  Links links = {{"language_model", own}};
  if (!holds_tower(own)) links["vision_tower"] = tower;
  write_folder(folder, files_of_llava(own, tower), links);
  return folder;
}

}  // namespace

fs::path hub_layout(const fs::path& path, const fs::path& cache, const FindModel& find) {
  if (fs::is_regular_file(path) && path.extension() == ".gguf") return adopt_gguf(path, cache);
  if (is_authors_llava(path)) return adopt_llava(path, cache, find);
  if (!fs::exists(path / "config.json") && checkpoint::has_gguf(path))
    return adopt_gguf(path, cache);
  return path;
}

}  // namespace visavis::adopt
