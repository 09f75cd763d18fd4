#include "engine/generate/feature_cache.h"

#include <algorithm>
#include <utility>

namespace visavis::generate {

FeatureCache::FeatureCache(ops::Ops& ops, int64_t prompt_bytes, int64_t cache_bytes,
                           int64_t token_bytes)
    : token_bytes_(token_bytes),
      prompt_(ops.allocate(prompt_bytes)),
      store_(cache_bytes > 0 ? ops.allocate(cache_bytes) : tensor::Buffer()) {}

void FeatureCache::begin_prompt() {
  prompt_.rewind(0);
  for (Entry& entry : entries_) entry.in_use = false;
}

std::optional<models::ImageFeatures> FeatureCache::find(const std::string& key) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&key](const Entry& e) { return e.key == key; });
  if (key.empty() || entry == entries_.end()) return std::nullopt;
  entry->used = ++uses_;
  entry->in_use = true;
  return entry->features;
}

models::ImageFeatures FeatureCache::encode(
    const std::string& key, int64_t tokens,
    const std::function<models::ImageFeatures(tensor::Arena&)>& encode) {
  const int64_t bytes = tokens * token_bytes_;
  const std::optional<size_t> place = key.empty() ? std::nullopt : make_room(bytes);
  if (!place) return encode(prompt_);
  const int64_t begin = *place == 0 ? 0 : entries_[*place - 1].end;
  tensor::Arena room(
      tensor::Buffer::adopt(nullptr, store_.data() + begin, bytes, store_.on_host()));
  Entry entry{.key = key,
              .begin = begin,
              .end = begin + bytes,
              .features = encode(room),
              .used = ++uses_,
              .in_use = true};
  models::ImageFeatures features = entry.features;
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(*place), std::move(entry));
  return features;
}

// The place in entries_ of a new entry that begins where the one before it ends.
std::optional<size_t> FeatureCache::make_room(int64_t bytes) {
  if (bytes > store_.bytes()) return std::nullopt;
  do {
    int64_t free_from = 0;
    for (size_t i = 0; i <= entries_.size(); ++i) {
      const int64_t free_to = i < entries_.size() ? entries_[i].begin : store_.bytes();
      if (free_to - free_from >= bytes) return i;
      if (i < entries_.size()) free_from = entries_[i].end;
    }
  } while (drop_oldest());
  return std::nullopt;
}

bool FeatureCache::drop_oldest() {
  auto oldest = entries_.end();
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!entry->in_use && (oldest == entries_.end() || entry->used < oldest->used)) oldest = entry;
  }
  if (oldest == entries_.end()) return false;
  entries_.erase(oldest);
  return true;
}

}  // namespace visavis::generate
