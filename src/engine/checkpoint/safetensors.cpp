#include "engine/checkpoint/safetensors.h"

#include <algorithm>
#include <system_error>

#include "base/error.h"
#include "base/mmap.h"
#include "engine/checkpoint/mapped_source.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kSingle[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";

void add_file(MappedSource& source, const fs::path& path) {
  auto file = std::make_unique<base::MappedFile>(path);
  std::vector<MappedTensor> tensors;
  for (SafetensorsEntry& entry : parse_safetensors(file->bytes(), path.string()))
    tensors.push_back({std::move(entry.name), entry.dtype, entry.shape, entry.begin, entry.end});
  source.add(std::move(file), std::move(tensors));
}

std::vector<fs::path> safetensors_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

bool has_safetensors(const fs::path& folder) {
  return fs::is_regular_file(folder / kSingle) || fs::is_regular_file(folder / kIndex) ||
         safetensors_files(folder).size() == 1;
}

std::unique_ptr<TensorSource> open_safetensors_file(const fs::path& file) {
  auto source = std::make_unique<MappedSource>();
  add_file(*source, file);
  source->finish();
  return source;
}

std::unique_ptr<TensorSource> open_safetensors(const fs::path& folder) {
  if (fs::is_regular_file(folder / kSingle)) return open_safetensors_file(folder / kSingle);
  if (fs::is_regular_file(folder / kIndex)) return open_shards(folder / kIndex, add_file);
  const std::vector<fs::path> files = safetensors_files(folder);
  require(files.size() == 1, "'", folder.string(), "': found ", files.size(),
          " *.safetensors files, wanted ", kSingle, " or ", kIndex);
  return open_safetensors_file(files[0]);
}

}  // namespace visavis::checkpoint
