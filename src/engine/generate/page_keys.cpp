#include "engine/generate/page_keys.h"

#include <algorithm>

#include "base/hash.h"
#include "engine/generate/kv_pool.h"

namespace visavis::generate {
namespace {

void append(std::string& text, int64_t number) {
  text += std::to_string(number);
  text += ' ';
}

// "t ID TIME ROW COLUMN" or "i OFFSET TIME ROW COLUMN", the latter behind "p KEY" where a picture
// or the page begins: no two contents share a text.
void append_token(const models::Prompt& prompt, std::span<const int32_t> ids, int64_t i,
                  std::string& text) {
  const auto slot = std::find_if(prompt.slots.begin(), prompt.slots.end(),
                                 [i](const models::ImageSlot& s) { return i < s.end(); });
  if (slot != prompt.slots.end() && i >= slot->begin) {
    if (i == slot->begin || i % KvPool::kPageSize == 0) text += "p " + slot->key + " ";
    text += "i ";
    append(text, i - slot->begin);
  } else {
    text += "t ";
    append(text, ids[static_cast<size_t>(i)]);
  }
  for (const int32_t axis : prompt.position(i)) append(text, axis);
}

}  // namespace

void extend_page_keys(const models::Prompt& prompt, std::span<const int32_t> ids, int64_t tokens,
                      std::vector<std::string>& keys) {
  const int64_t pages = tokens / KvPool::kPageSize;
  for (auto page = static_cast<int64_t>(keys.size()); page < pages; ++page) {
    std::string text = keys.empty() ? std::string() : keys.back();
    text += '\n';
    for (int64_t i = page * KvPool::kPageSize; i < (page + 1) * KvPool::kPageSize; ++i) {
      append_token(prompt, ids, i, text);
    }
    keys.push_back(base::sha256_hex(text));
  }
}

}  // namespace visavis::generate
