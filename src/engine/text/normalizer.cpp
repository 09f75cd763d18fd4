#include "engine/text/normalizer.h"

#include <unicode/locid.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/text.h"
#include "engine/text/json_fields.h"
#include "engine/text/pattern.h"

namespace visavis::text {
namespace {

// Rebuilds a MarkedText from parts of an old one and new text.
class Rewriter {
 public:
  explicit Rewriter(const MarkedText& old) : old_(old), marked_(!old.user.empty()) {}

  void keep(size_t begin, size_t end) {
    out_.text.append(old_.text, begin, end - begin);
    if (marked_) {
      const auto first = old_.user.begin();
      out_.user.insert(out_.user.end(), first + static_cast<std::ptrdiff_t>(begin),
                       first + static_cast<std::ptrdiff_t>(end));
    }
  }
  // `text` stands for the old bytes [begin, end).
  void put(std::string_view text, size_t begin, size_t end) {
    out_.text += text;
    if (!marked_) return;
    const auto first = old_.user.begin();
    const bool user =
        std::any_of(first + static_cast<std::ptrdiff_t>(begin),
                    first + static_cast<std::ptrdiff_t>(end), [](uint8_t tag) { return tag != 0; });
    out_.user.insert(out_.user.end(), text.size(), user ? 1 : 0);
  }
  MarkedText take() { return std::move(out_); }

 private:
  const MarkedText& old_;
  const bool marked_;
  MarkedText out_;
};

class UnicodeForm : public Normalizer {
 public:
  UnicodeForm(const icu::Normalizer2& form, const icu::UnicodeSet& characters)
      : form_(form, characters) {}

  void apply(MarkedText& text) const override {
    if (is_ascii(text.text)) return;
    UErrorCode status = U_ZERO_ERROR;
    if (text.user.empty()) {
      std::string out;
      icu::StringByteSink<std::string> sink(&out, static_cast<int32_t>(text.text.size()));
      form_.normalizeUTF8(0, text.text, sink, nullptr, status);
      require(U_SUCCESS(status), "Unicode normalisation failed: ", u_errorName(status));
      text.text = std::move(out);
      return;
    }
    // Piece by piece between points where normalisation cannot look across, so that tags stay put.
    Rewriter rewriter(text);
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.text.data());
    const auto size = static_cast<int32_t>(text.text.size());
    int32_t begin = 0;
    while (begin < size) {
      int32_t end = begin;
      UChar32 c = 0;
      U8_NEXT(bytes, end, size, c);
      while (end < size) {
        int32_t next = end;
        U8_NEXT(bytes, next, size, c);
        if (form_.hasBoundaryBefore(c)) break;
        end = next;
      }
      const std::string_view old(text.text.data() + begin, static_cast<size_t>(end - begin));
      std::string out;
      icu::StringByteSink<std::string> sink(&out);
      form_.normalizeUTF8(0, old, sink, nullptr, status);
      require(U_SUCCESS(status), "Unicode normalisation failed: ", u_errorName(status));
      if (out == old) {
        rewriter.keep(static_cast<size_t>(begin), static_cast<size_t>(end));
      } else {
        rewriter.put(out, static_cast<size_t>(begin), static_cast<size_t>(end));
      }
      begin = end;
    }
    text = rewriter.take();
  }

 private:
  static bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  }

  icu::FilteredNormalizer2 form_;
};

class Prepend : public Normalizer {
 public:
  explicit Prepend(std::string prefix) : prefix_(std::move(prefix)) {}
  void apply(MarkedText& text) const override {
    if (text.text.empty()) return;
    text.text.insert(0, prefix_);
    if (!text.user.empty()) text.user.insert(text.user.begin(), prefix_.size(), 0);
  }

 private:
  std::string prefix_;
};

class ReplaceAll : public Normalizer {
 public:
  ReplaceAll(Pattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  void apply(MarkedText& text) const override {
    const std::vector<ByteRange> matches = pattern_.find_all(text.text);
    if (matches.empty()) return;
    Rewriter rewriter(text);
    size_t copied = 0;
    for (const ByteRange& match : matches) {
      rewriter.keep(copied, match.begin);
      rewriter.put(content_, match.begin, match.end);
      copied = match.end;
    }
    rewriter.keep(copied, text.text.size());
    text = rewriter.take();
  }

 private:
  Pattern pattern_;
  std::string content_;
};

// Rewrites character by character.
class PerCharacter : public Normalizer {
 public:
  using Rewrite = std::function<void(char32_t c, std::string& out)>;
  explicit PerCharacter(Rewrite rewrite) : rewrite_(std::move(rewrite)) {}
  void apply(MarkedText& text) const override {
    Rewriter rewriter(text);
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.text.data());
    const auto size = static_cast<int32_t>(text.text.size());
    std::string out;
    for (int32_t at = 0; at < size;) {
      const int32_t begin = at;
      UChar32 c = 0;
      U8_NEXT(bytes, at, size, c);
      out.clear();
      rewrite_(static_cast<char32_t>(c), out);
      rewriter.put(out, static_cast<size_t>(begin), static_cast<size_t>(at));
    }
    text = rewriter.take();
  }

 private:
  Rewrite rewrite_;
};

// Rust's to_lowercase of one character: full mappings without regard to context.
void lower_case(char32_t c, std::string& out) {
  icu::UnicodeString one(static_cast<UChar32>(c));
  one.toLower(icu::Locale::getRoot()).toUTF8String(out);
}

void without_marks(char32_t c, std::string& out) {
  const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
  if ((mask & U_GC_MN_MASK) == 0) base::append_utf8(out, c);
}

class Strip : public Normalizer {
 public:
  Strip(bool left, bool right) : left_(left), right_(right) {}
  void apply(MarkedText& text) const override {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.text.data());
    auto end = static_cast<int32_t>(text.text.size());
    int32_t begin = 0;
    UChar32 c = 0;
    while (left_ && begin < end) {
      int32_t next = begin;
      U8_NEXT(bytes, next, end, c);
      if (!u_isUWhiteSpace(c)) break;
      begin = next;
    }
    while (right_ && end > begin) {
      int32_t previous = end;
      U8_PREV(bytes, begin, previous, c);
      if (!u_isUWhiteSpace(c)) break;
      end = previous;
    }
    Rewriter rewriter(text);
    rewriter.keep(static_cast<size_t>(begin), static_cast<size_t>(end));
    text = rewriter.take();
  }

 private:
  bool left_;
  bool right_;
};

class Sequence : public Normalizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<Normalizer>> steps) : steps_(std::move(steps)) {}
  void apply(MarkedText& text) const override {
    for (const auto& step : steps_) step->apply(text);
  }

 private:
  std::vector<std::unique_ptr<Normalizer>> steps_;
};

using Form = const icu::Normalizer2* (*)(UErrorCode&);

// The oracle's normalisation tables are those of Unicode 9: a character that came later passes
// through and stops reordering. (Measured on every character; ICU's full tables differ on 108.)
const icu::UnicodeSet& known_characters() {
  static const icu::UnicodeSet set = [] {
    UErrorCode status = U_ZERO_ERROR;
    icu::UnicodeSet characters(u"[:age=9.0:]", status);
    require(U_SUCCESS(status), "ICU has no character ages: ", u_errorName(status));
    characters.freeze();
    return characters;
  }();
  return set;
}

template <Form form>
std::unique_ptr<Normalizer> unicode_form(const base::Json&, const std::string&) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* instance = form(status);
  require(U_SUCCESS(status), "ICU has no normalisation data: ", u_errorName(status));
  return std::make_unique<UnicodeForm>(*instance, known_characters());
}

using Make = std::unique_ptr<Normalizer> (*)(const base::Json&, const std::string&);

const std::map<std::string, Make>& makers() {
  static const std::map<std::string, Make> table = {
      {"NFC", &unicode_form<&icu::Normalizer2::getNFCInstance>},
      {"NFD", &unicode_form<&icu::Normalizer2::getNFDInstance>},
      {"NFKC", &unicode_form<&icu::Normalizer2::getNFKCInstance>},
      {"NFKD", &unicode_form<&icu::Normalizer2::getNFKDInstance>},
      {"Lowercase",
       [](const base::Json&, const std::string&) -> std::unique_ptr<Normalizer> {
         return std::make_unique<PerCharacter>(&lower_case);
       }},
      {"StripAccents",
       [](const base::Json&, const std::string&) -> std::unique_ptr<Normalizer> {
         return std::make_unique<PerCharacter>(&without_marks);
       }},
      {"Prepend",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<Normalizer> {
         return std::make_unique<Prepend>(string_field(json, "prepend", name));
       }},
      {"Strip",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<Normalizer> {
         return std::make_unique<Strip>(bool_field(json, "strip_left", false, name),
                                        bool_field(json, "strip_right", false, name));
       }},
      {"Replace",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<Normalizer> {
         return std::make_unique<ReplaceAll>(Pattern::read(json, name),
                                             string_field(json, "content", name));
       }},
      {"Sequence",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<Normalizer> {
         std::vector<std::unique_ptr<Normalizer>> steps;
         for (const base::Json& step : array_field(json, "normalizers", name)) {
           require(!step.is_null(), name, ": 'normalizers' holds null");
           steps.push_back(make_normalizer(step, name));
         }
         return std::make_unique<Sequence>(std::move(steps));
       }},
  };
  return table;
}

}  // namespace

std::unique_ptr<Normalizer> make_normalizer(const base::Json& json, const std::string& name) {
  if (json.is_null()) return nullptr;
  const std::string type = type_field(json, name);
  const auto maker = makers().find(type);
  require(maker != makers().end(), name, ": normalizer '", type, "' is not supported");
  return maker->second(json, name);
}

}  // namespace visavis::text
