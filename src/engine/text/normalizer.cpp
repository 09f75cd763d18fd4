#include "engine/text/normalizer.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <functional>
#include <map>

#include "base/text.h"
#include "engine/text/json_fields.h"
#include "engine/text/marked_rewriter.h"
#include "engine/text/pattern.h"
#include "engine/text/unicode_normalizer.h"

namespace visavis::text {
namespace {

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

template <UnicodeForm form>
std::unique_ptr<Normalizer> unicode_form(const base::Json&, const std::string&) {
  return make_unicode_normalizer(form);
}

using Make = std::unique_ptr<Normalizer> (*)(const base::Json&, const std::string&);

const std::map<std::string, Make>& makers() {
  static const std::map<std::string, Make> table = {
      {"NFC", &unicode_form<UnicodeForm::nfc>},
      {"NFD", &unicode_form<UnicodeForm::nfd>},
      {"NFKC", &unicode_form<UnicodeForm::nfkc>},
      {"NFKD", &unicode_form<UnicodeForm::nfkd>},
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
