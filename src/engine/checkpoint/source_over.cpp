#include "engine/checkpoint/source_over.h"

#include <algorithm>
#include <utility>

namespace visavis::checkpoint {

void SourceOver::show(std::vector<TensorInfo> infos) {
  infos_ = std::move(infos);
  std::sort(infos_.begin(), infos_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

const TensorInfo* SourceOver::find(const std::string& name) const {
  const auto at = std::lower_bound(
      infos_.begin(), infos_.end(), name,
      [](const TensorInfo& info, const std::string& key) { return info.name < key; });
  return at != infos_.end() && at->name == name ? &*at : nullptr;
}

}  // namespace visavis::checkpoint
