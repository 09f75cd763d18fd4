#include "engine/text/tagged_text.h"

#include <algorithm>

namespace visavis::text {

TaggedText TaggedText::from_user(std::string text) {
  TaggedText tagged(std::move(text));
  tagged.add_range(0, tagged.text_.size());
  return tagged;
}

bool TaggedText::is_user(size_t byte) const { return touches_user(byte, byte + 1); }

bool TaggedText::touches_user(size_t begin, size_t end) const {
  const auto next = std::upper_bound(user_.begin(), user_.end(), begin,
                                     [](size_t at, const ByteRange& r) { return at < r.end; });
  return next != user_.end() && next->begin < end;
}

void TaggedText::append(std::string_view text) { text_ += text; }

void TaggedText::append(const TaggedText& other) {
  const size_t offset = text_.size();
  text_ += other.text_;
  for (const ByteRange& range : other.user_) add_range(offset + range.begin, offset + range.end);
}

TaggedText TaggedText::slice(size_t begin, size_t end) const {
  end = std::min(end, text_.size());
  begin = std::min(begin, end);
  TaggedText out(text_.substr(begin, end - begin));
  auto range = std::upper_bound(user_.begin(), user_.end(), begin,
                                [](size_t at, const ByteRange& r) { return at < r.end; });
  for (; range != user_.end() && range->begin < end; ++range) {
    out.add_range(std::max(range->begin, begin) - begin, std::min(range->end, end) - begin);
  }
  return out;
}

TaggedText TaggedText::replace_own(std::string_view from, std::string_view to) const {
  TaggedText out;
  size_t copied = 0;
  size_t search = 0;
  while (!from.empty()) {
    const size_t at = text_.find(from, search);
    if (at == std::string::npos) break;
    if (touches_user(at, at + from.size())) {
      search = at + 1;
      continue;
    }
    out.append(slice(copied, at));
    out.append(to);
    copied = search = at + from.size();
  }
  out.append(slice(copied, text_.size()));
  return out;
}

void TaggedText::add_range(size_t begin, size_t end) {
  if (begin == end) return;
  if (!user_.empty() && user_.back().end == begin) {
    user_.back().end = end;
  } else {
    user_.push_back({begin, end});
  }
}

}  // namespace visavis::text
