#include "engine/checkpoint/safetensors.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"
#include "engine/checkpoint/mapped_source.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kSingle[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";
constexpr int64_t kMaxIndexBytes = int64_t{64} << 20;

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

std::unique_ptr<TensorSource> open_shards(const fs::path& folder) {
  const fs::path index = folder / kIndex;
  const auto entries = parse_shard_index(base::read_file(index, kMaxIndexBytes), index.string());
  std::map<std::string, std::string> first_of_shard;
  for (const auto& [tensor, shard] : entries) first_of_shard.try_emplace(shard, tensor);
  auto source = std::make_unique<MappedSource>();
  for (const auto& [shard, tensor] : first_of_shard) {
    require(fs::is_regular_file(folder / shard), index.string(), ": shard '", shard,
            "' (of tensor '", tensor, "') is missing");
    add_file(*source, folder / shard);
  }
  source->finish();
  for (const auto& [tensor, shard] : entries) {
    const TensorInfo* info = source->find(tensor);
    require(info != nullptr && info->file == shard, index.string(), ": tensor '", tensor,
            "' is not in its shard '", shard, "'");
  }
  return source;
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
  if (fs::is_regular_file(folder / kIndex)) return open_shards(folder);
  const std::vector<fs::path> files = safetensors_files(folder);
  require(files.size() == 1, "'", folder.string(), "': found ", files.size(),
          " *.safetensors files, wanted ", kSingle, " or ", kIndex);
  return open_safetensors_file(files[0]);
}

}  // namespace visavis::checkpoint
