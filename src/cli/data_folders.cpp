#include "cli/data_folders.h"

#include <algorithm>
#include <cstdlib>

#include "machine/gpu.h"

namespace visavis::cli {

std::vector<std::filesystem::path> data_folders(const std::string& name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::vector<fs::path> candidates = {fs::current_path(ignored) / name};
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (fs::path folder = program.parent_path(); folder.has_relative_path();
       folder = folder.parent_path())
    candidates.push_back(folder / name);
  candidates.push_back(program.parent_path().parent_path() / "share/visavis" / name);
  std::vector<fs::path> found;
  for (const fs::path& candidate : candidates)
    if (fs::is_directory(candidate, ignored) &&
        std::find(found.begin(), found.end(), candidate) == found.end())
      found.push_back(candidate);
  return found;
}

std::filesystem::path user_cache_folder() {
  // A relative path is to be ignored (XDG base directory specification).
  const char* caches = std::getenv("XDG_CACHE_HOME");
  if (caches != nullptr && caches[0] == '/') return std::filesystem::path(caches) / "visavis";
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') return {};
  return std::filesystem::path(home) / ".cache" / "visavis";
}

hub::Places model_places() {
  hub::Places places = hub::default_places();
  places.for_card = !machine::gpu_facts().empty();
  return places;
}

}  // namespace visavis::cli
