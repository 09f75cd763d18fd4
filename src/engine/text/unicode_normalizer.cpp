#include "engine/text/unicode_normalizer.h"

#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/marked_rewriter.h"

namespace visavis::text {
namespace {

// A base character with more marks than this has them put in order before ICU sees them, because
// ICU orders them by insertion, which takes quadratic time.
constexpr size_t kManyMarks = 64;

void check(UErrorCode status) {
  require(U_SUCCESS(status), "Unicode normalisation failed: ", u_errorName(status));
}

// A character that came after Unicode 9 passes through the oracle's tables and stops reordering.
// (Measured on every character; ICU's own tables differ on 108.)
const icu::UnicodeSet& known_characters() {
  static const icu::UnicodeSet set = [] {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet characters(u"[:age=9.0:]", status);
    check(status);
    characters.freeze();
    return characters;
  }();
  return set;
}

const icu::Normalizer2& instance(UnicodeForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* found = nullptr;
  switch (form) {
    case UnicodeForm::nfc:
      found = icu::Normalizer2::getNFCInstance(status);
      break;
    case UnicodeForm::nfd:
      found = icu::Normalizer2::getNFDInstance(status);
      break;
    case UnicodeForm::nfkc:
      found = icu::Normalizer2::getNFKCInstance(status);
      break;
    case UnicodeForm::nfkd:
      found = icu::Normalizer2::getNFKDInstance(status);
      break;
  }
  check(status);
  return *found;
}

bool is_compatibility(UnicodeForm form) {
  return form == UnicodeForm::nfkc || form == UnicodeForm::nfkd;
}

std::string normalized(const icu::Normalizer2& form, std::string_view text) {
  UErrorCode status = U_ZERO_ERROR;
  std::string out;
  icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.size()));
  form.normalizeUTF8(0, icu::StringPiece(text.data(), static_cast<int32_t>(text.size())), sink,
                     nullptr, status);
  check(status);
  return out;
}

// A base character and what normalisation may join to it.
struct Segment {
  size_t begin = 0;
  size_t end = 0;
  size_t characters = 0;
};

Segment next_segment(const icu::Normalizer2& form, std::string_view text, size_t begin) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  auto end = static_cast<int32_t>(begin);
  UChar32 c = 0;
  U8_NEXT(bytes, end, size, c);
  size_t characters = 1;
  while (end < size) {
    int32_t next = end;
    U8_NEXT(bytes, next, size, c);
    if (form.hasBoundaryBefore(c)) break;
    end = next;
    ++characters;
  }
  return {begin, static_cast<size_t>(end), characters};
}

class UnicodeNormalizer : public Normalizer {
 public:
  explicit UnicodeNormalizer(UnicodeForm form)
      : form_(instance(form), known_characters()),
        decomposition_(instance(is_compatibility(form) ? UnicodeForm::nfkd : UnicodeForm::nfd),
                       known_characters()) {}

  void apply(MarkedText& text) const override {
    if (std::all_of(text.text.begin(), text.text.end(),
                    [](char c) { return static_cast<unsigned char>(c) < 0x80; })) {
      return;
    }
    order_many_marks(text);
    if (text.user.empty()) {
      text.text = normalized(form_, text.text);
      return;
    }
    // Segment by segment, so that tags stay where they belong.
    Rewriter rewriter(text);
    for (size_t at = 0; at < text.text.size();) {
      const Segment segment = next_segment(form_, text.text, at);
      at = segment.end;
      const auto old = std::string_view(text.text).substr(segment.begin, at - segment.begin);
      const std::string fresh = normalized(form_, old);
      if (fresh == old) {
        rewriter.keep(segment.begin, segment.end);
      } else {
        rewriter.put(fresh, segment.begin, segment.end);
      }
    }
    text = rewriter.take();
  }

 private:
  // Replaces segments with very many marks by their decomposition in canonical order: the same text
  // to every normalisation form, but already sorted.
  void order_many_marks(MarkedText& text) const {
    std::vector<Segment> long_segments;
    for (size_t at = 0; at < text.text.size();) {
      const Segment segment = next_segment(decomposition_, text.text, at);
      if (segment.characters > kManyMarks) long_segments.push_back(segment);
      at = segment.end;
    }
    if (long_segments.empty()) return;
    Rewriter rewriter(text);
    size_t copied = 0;
    for (const Segment& segment : long_segments) {
      rewriter.keep(copied, segment.begin);
      rewriter.put(decomposed(std::string_view(text.text).substr(segment.begin,
                                                                 segment.end - segment.begin)),
                   segment.begin, segment.end);
      copied = segment.end;
    }
    rewriter.keep(copied, text.text.size());
    text = rewriter.take();
  }

  std::string decomposed(std::string_view segment) const {
    struct Mark {
      char32_t character;
      uint8_t order;  // canonical combining class
    };
    std::vector<Mark> marks;
    for (const char32_t c : base::to_code_points(segment)) {
      std::string one;
      base::append_utf8(one, c);
      for (const char32_t part : base::to_code_points(normalized(decomposition_, one))) {
        const auto code = static_cast<UChar32>(part);
        marks.push_back(
            {part, known_characters().contains(code) ? u_getCombiningClass(code) : uint8_t{0}});
      }
    }
    const auto starts = [](const Mark& mark) { return mark.order == 0; };
    for (auto begin = marks.begin(); begin != marks.end();) {
      if (starts(*begin)) {
        ++begin;
        continue;
      }
      const auto end = std::find_if(begin, marks.end(), starts);
      std::stable_sort(begin, end, [](const Mark& a, const Mark& b) { return a.order < b.order; });
      begin = end;
    }
    std::string out;
    for (const Mark& mark : marks) base::append_utf8(out, mark.character);
    return out;
  }

  icu::FilteredNormalizer2 form_;
  icu::FilteredNormalizer2 decomposition_;
};

}  // namespace

std::unique_ptr<Normalizer> make_unicode_normalizer(UnicodeForm form) {
  return std::make_unique<UnicodeNormalizer>(form);
}

}  // namespace visavis::text
