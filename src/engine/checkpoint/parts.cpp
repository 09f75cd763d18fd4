#include "engine/checkpoint/parts.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace visavis::checkpoint {
namespace {

namespace fs = std::filesystem;

struct Part {
  const char* folder;
  std::string_view beginning;  // of the names of its tensors that count
};

constexpr Part kParts[] = {{"language_model", ""}, {"vision_tower", "vision_model."}};

class PartsSource : public TensorSource {
 public:
  void add(std::unique_ptr<TensorSource> part, std::string_view beginning) {
    for (const TensorInfo& info : part->tensors()) {
      if (!info.name.starts_with(beginning)) continue;
      const auto [at, fresh] = owners_.emplace(info.name, part.get());
      require(fresh, info.file, ": tensor '", info.name, "' is also in ",
              fresh ? "" : at->second->find(info.name)->file);
      infos_.push_back(info);
    }
    parts_->push_back(std::move(part));
    std::sort(infos_.begin(), infos_.end(),
              [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
  }

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  const TensorInfo* find(const std::string& name) const override {
    const auto owner = owners_.find(name);
    return owner == owners_.end() ? nullptr : owner->second->find(name);
  }
  const EncodedTensor* encoded(const std::string& name) const override {
    const auto owner = owners_.find(name);
    return owner == owners_.end() ? nullptr : owner->second->encoded(name);
  }
  tensor::View read(const std::string& name) const override { return owner(name).read(name); }
  std::optional<FilePlace> place(const std::string& name) const override {
    return owner(name).place(name);
  }
  using TensorSource::drop;
  void drop(const std::string& name, int64_t begin, int64_t end) const override {
    owner(name).drop(name, begin, end);
  }
  std::shared_ptr<void> keep_alive() const override { return parts_; }
  int64_t file_bytes() const override {
    int64_t bytes = 0;
    for (const auto& part : *parts_) bytes += part->file_bytes();
    return bytes;
  }

 private:
  const TensorSource& owner(const std::string& name) const {
    const auto at = owners_.find(name);
    require(at != owners_.end(), "the checkpoint has no tensor '", name, "'");
    return *at->second;
  }

  std::vector<TensorInfo> infos_;
  std::map<std::string, const TensorSource*> owners_;
  std::shared_ptr<std::vector<std::unique_ptr<TensorSource>>> parts_ =
      std::make_shared<std::vector<std::unique_ptr<TensorSource>>>();
};

}  // namespace

bool has_parts(const fs::path& folder) { return fs::is_directory(folder / kParts[0].folder); }

std::vector<fs::path> part_folders(const fs::path& folder) {
  std::vector<fs::path> folders;
  if (!has_parts(folder)) return folders;
  for (const Part& part : kParts)
    if (fs::exists(folder / part.folder)) folders.push_back(folder / part.folder);
  return folders;
}

std::unique_ptr<TensorSource> open_parts(const fs::path& folder) {
  auto source = std::make_unique<PartsSource>();
  for (const Part& part : kParts) {
    const fs::path inner = folder / part.folder;
    if (!fs::exists(inner)) continue;
    require(!has_parts(inner), "'", inner.string(), "': a part of a checkpoint has parts itself");
    source->add(open_tensors(inner), part.beginning);
  }
  return source;
}

}  // namespace visavis::checkpoint
