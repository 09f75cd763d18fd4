#include "engine/checkpoint/mapped_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "engine/checkpoint/safetensors.h"

namespace visavis::checkpoint {

void MappedSource::add(std::unique_ptr<base::MappedFile> file, std::vector<MappedTensor> tensors) {
  const std::string name = file->path().filename().string();
  for (MappedTensor& tensor : tensors) {
    infos_.push_back({tensor.name, tensor.dtype, tensor.shape, name});
    Place place = {.file = file.get(),
                   .begin = tensor.begin,
                   .end = tensor.end,
                   .encoded = std::move(tensor.encoded)};
    const auto [at, fresh] = places_.try_emplace(tensor.name, std::move(place));
    require(fresh, file->path().string(), ": tensor '", tensor.name, "' is also in '",
            at->second.file->path().filename().string(), "'");
  }
  bytes_ += static_cast<int64_t>(file->bytes().size());
  files_->files.push_back(std::move(file));
}

void MappedSource::finish() {
  std::sort(infos_.begin(), infos_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  for (size_t i = 0; i < infos_.size(); ++i) places_.at(infos_[i].name).info = i;
}

const TensorInfo* MappedSource::find(const std::string& name) const {
  const auto at = places_.find(name);
  return at == places_.end() ? nullptr : &infos_[at->second.info];
}

const EncodedTensor* MappedSource::encoded(const std::string& name) const {
  const auto at = places_.find(name);
  return at == places_.end() ? nullptr : at->second.encoded.get();
}

tensor::View MappedSource::read(const std::string& name) const {
  const Place& place = at(name);
  require(place.encoded == nullptr, "tensor '", name, "' is in codes and has no values to map");
  const TensorInfo& info = infos_[place.info];
  return {info.dtype, info.shape, place.file->bytes().data() + place.begin};
}

std::optional<FilePlace> MappedSource::place(const std::string& name) const {
  const Place& place = at(name);
  return FilePlace{place.file, place.begin, place.end};
}

void MappedSource::drop(const std::string& name, int64_t begin, int64_t end) const {
  const Place& place = at(name);
  require(begin >= 0 && begin <= end && end <= place.end - place.begin, "tensor '", name,
          "': cannot drop bytes ", begin, " to ", end);
  place.file->drop(place.begin + begin, end - begin);
}

const MappedSource::Place& MappedSource::at(const std::string& name) const {
  const auto found = places_.find(name);
  require(found != places_.end(), "the checkpoint has no tensor '", name, "'");
  return found->second;
}

std::unique_ptr<TensorSource> open_shards(
    const std::filesystem::path& index,
    const std::function<void(MappedSource&, const std::filesystem::path&)>& add) {
  constexpr int64_t kMaxIndexBytes = int64_t{64} << 20;
  const auto entries = parse_shard_index(base::read_file(index, kMaxIndexBytes), index.string());
  std::map<std::string, std::string> first_of_shard;
  for (const auto& [tensor, shard] : entries) first_of_shard.try_emplace(shard, tensor);
  auto source = std::make_unique<MappedSource>();
  for (const auto& [shard, tensor] : first_of_shard) {
    const std::filesystem::path path = index.parent_path() / shard;
    require(std::filesystem::is_regular_file(path), index.string(), ": shard '", shard,
            "' (of tensor '", tensor, "') is missing");
    add(*source, path);
  }
  source->finish();
  for (const auto& [tensor, shard] : entries) {
    const TensorInfo* info = source->find(tensor);
    require(info != nullptr && info->file == shard, index.string(), ": tensor '", tensor,
            "' is not in its shard '", shard, "'");
  }
  return source;
}

}  // namespace visavis::checkpoint
