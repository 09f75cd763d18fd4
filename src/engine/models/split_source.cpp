#include "engine/models/split_source.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace visavis::models {

SplitSource::SplitSource(std::unique_ptr<checkpoint::TensorSource> source,
                         const std::vector<std::string>& endings, int64_t parts)
    : source_(std::move(source)), parts_(parts) {
  for (const checkpoint::TensorInfo& info : source_->tensors()) {
    const bool fused = std::any_of(endings.begin(), endings.end(), [&info](const auto& ending) {
      return info.name.ends_with(ending);
    });
    if (!fused) {
      tensors_.push_back(info);
      continue;
    }
    require(info.shape.rank() >= 1 && info.shape[0] % parts == 0, info.file, ": tensor '",
            info.name, "' is ", info.shape.text(), ", wanted a first extent that is a multiple of ",
            parts);
    for (int64_t part = 0; part < parts; ++part) {
      checkpoint::TensorInfo piece = info;
      piece.name = part_name(info.name, part);
      piece.shape = tensor::Shape{info.shape[0] / parts};
      for (int axis = 1; axis < info.shape.rank(); ++axis) piece.shape.push_back(info.shape[axis]);
      split_.emplace(piece.name, Part{.whole = info.name, .index = part});
      if (const checkpoint::EncodedTensor* whole = source_->encoded(info.name))
        encoded_.emplace(piece.name, checkpoint::encoded_rows(*whole, part * piece.shape[0],
                                                              whole->stored_bytes() / parts));
      tensors_.push_back(std::move(piece));
    }
  }
  std::sort(tensors_.begin(), tensors_.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
}

std::string SplitSource::part_name(std::string_view name, int64_t part) {
  return std::string(name) + ":" + std::to_string(part);
}

std::string SplitSource::whole_name(std::string_view name) {
  return std::string(name.substr(0, name.rfind(':')));
}

const checkpoint::TensorInfo* SplitSource::find(const std::string& name) const {
  const auto at = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const checkpoint::TensorInfo& info, const std::string& key) { return info.name < key; });
  return at != tensors_.end() && at->name == name ? &*at : nullptr;
}

const checkpoint::EncodedTensor* SplitSource::encoded(const std::string& name) const {
  if (split_.find(name) == split_.end()) return source_->encoded(name);
  const auto part = encoded_.find(name);
  return part == encoded_.end() ? nullptr : part->second.get();
}

tensor::View SplitSource::read(const std::string& name) const {
  const auto split = split_.find(name);
  if (split == split_.end()) return source_->read(name);
  const tensor::View whole = source_->read(split->second.whole);
  const int64_t rows = whole.shape[0] / parts_;
  return tensor::slice_rows(whole, split->second.index * rows, (split->second.index + 1) * rows);
}

std::optional<checkpoint::FilePlace> SplitSource::place(const std::string& name) const {
  const auto split = split_.find(name);
  if (split == split_.end()) return source_->place(name);
  std::optional<checkpoint::FilePlace> place = source_->place(split->second.whole);
  if (!place) return place;
  const int64_t bytes = (place->end - place->begin) / parts_;
  place->begin += split->second.index * bytes;
  place->end = place->begin + bytes;
  return place;
}

void SplitSource::drop(const std::string& name, int64_t begin, int64_t end) const {
  const auto split = split_.find(name);
  if (split == split_.end()) {
    source_->drop(name, begin, end);
    return;
  }
  const int64_t offset = split->second.index * read(name).bytes();
  source_->drop(split->second.whole, offset + begin, offset + end);
}

}  // namespace visavis::models
