#include "engine/checkpoint/safetensors.h"

#include <algorithm>
#include <map>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "base/files.h"
#include "base/mmap.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

constexpr char kSingle[] = "model.safetensors";
constexpr char kIndex[] = "model.safetensors.index.json";
constexpr int64_t kMaxIndexBytes = int64_t{64} << 20;

struct Shards {
  std::vector<std::unique_ptr<base::MappedFile>> files;
};

class SafetensorsSource : public TensorSource {
 public:
  void add_file(const fs::path& path) {
    auto file = std::make_unique<base::MappedFile>(path);
    const std::string name = path.filename().string();
    for (SafetensorsEntry& entry : parse_safetensors(file->bytes(), path.string())) {
      infos_.push_back({entry.name, entry.dtype, entry.shape, name});
      const auto [at, fresh] =
          places_.try_emplace(entry.name, Place{file.get(), entry.begin, entry.end, 0});
      require(fresh, path.string(), ": tensor '", entry.name, "' is also in '",
              at->second.file->path().filename().string(), "'");
    }
    bytes_ += static_cast<int64_t>(file->bytes().size());
    shards_->files.push_back(std::move(file));
  }

  void finish() {
    std::sort(infos_.begin(), infos_.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
    for (size_t i = 0; i < infos_.size(); ++i) places_.at(infos_[i].name).info = i;
  }

  const std::vector<TensorInfo>& tensors() const override { return infos_; }

  const TensorInfo* find(const std::string& name) const override {
    const auto at = places_.find(name);
    return at == places_.end() ? nullptr : &infos_[at->second.info];
  }

  tensor::View read(const std::string& name) const override {
    const Place& place = at(name);
    const TensorInfo& info = infos_[place.info];
    return {info.dtype, info.shape, place.file->bytes().data() + place.begin};
  }

  std::optional<FilePlace> place(const std::string& name) const override {
    const Place& place = at(name);
    return FilePlace{place.file, place.begin, place.end};
  }

  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    const Place& place = at(name);
    require(begin >= 0 && begin <= end && end <= place.end - place.begin, "tensor '", name,
            "': cannot drop bytes ", begin, " to ", end);
    place.file->drop(place.begin + begin, end - begin);
  }

  std::shared_ptr<void> keep_alive() const override { return shards_; }
  int64_t file_bytes() const override { return bytes_; }

 private:
  struct Place {
    const base::MappedFile* file;
    int64_t begin;
    int64_t end;
    size_t info;  // in infos_
  };

  const Place& at(const std::string& name) const {
    const auto found = places_.find(name);
    require(found != places_.end(), "the checkpoint has no tensor '", name, "'");
    return found->second;
  }

  std::shared_ptr<Shards> shards_ = std::make_shared<Shards>();  // shared with kept weights
  std::vector<TensorInfo> infos_;
  std::map<std::string, Place> places_;
  int64_t bytes_ = 0;
};

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
  auto source = std::make_unique<SafetensorsSource>();
  for (const auto& [shard, tensor] : first_of_shard) {
    require(fs::is_regular_file(folder / shard), index.string(), ": shard '", shard,
            "' (of tensor '", tensor, "') is missing");
    source->add_file(folder / shard);
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
  auto source = std::make_unique<SafetensorsSource>();
  source->add_file(file);
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
