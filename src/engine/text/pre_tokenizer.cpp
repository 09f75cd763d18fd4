#include "engine/text/pre_tokenizer.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/text.h"
#include "engine/text/byte_alphabet.h"
#include "engine/text/json_fields.h"
#include "engine/text/pattern.h"

namespace visavis::text {
namespace {

// What becomes of the pieces that a split matches.
enum class Behavior { removed, isolated, contiguous, merged_with_previous, merged_with_next };

Behavior read_behavior(const base::Json& json, const char* fallback, const std::string& name) {
  static const std::map<std::string, Behavior> names = {
      {"Removed", Behavior::removed},
      {"Isolated", Behavior::isolated},
      {"Contiguous", Behavior::contiguous},
      {"MergedWithPrevious", Behavior::merged_with_previous},
      {"MergedWithNext", Behavior::merged_with_next}};
  const std::string word = optional_string_field(json, "behavior", name).value_or(fallback);
  const auto found = names.find(word);
  require(found != names.end(), name, ": split behavior '", word, "' is not supported");
  return found->second;
}

struct Span {
  ByteRange range;
  bool match = false;
};

// Matches and the gaps between them, covering the text.
std::vector<Span> spans_of(const std::vector<ByteRange>& matches, size_t size, bool invert) {
  std::vector<Span> spans;
  spans.reserve(matches.size() + 1);
  size_t end = 0;
  for (const ByteRange& match : matches) {
    if (match.begin > end) spans.push_back({{end, match.begin}, invert});
    if (match.end > match.begin) spans.push_back({match, !invert});
    end = match.end;
  }
  if (end < size) spans.push_back({{end, size}, invert});
  return spans;
}

void emit(Piece piece, const std::vector<Span>& spans, Behavior behavior, std::vector<Piece>& out) {
  std::vector<ByteRange> cuts;
  cuts.reserve(spans.size());
  for (size_t i = 0; i < spans.size(); ++i) {
    const bool match = spans[i].match;
    const bool previous_match = i > 0 && spans[i - 1].match;
    bool join = false;
    switch (behavior) {
      case Behavior::removed:
        if (match) continue;
        break;
      case Behavior::isolated:
        break;
      case Behavior::contiguous:
        join = i > 0 && match == previous_match;
        break;
      case Behavior::merged_with_previous:
        join = i > 0 && match && !previous_match;
        break;
      case Behavior::merged_with_next:
        // A match opens a piece that the text after it joins; of two matches in a row each opens
        // its own.
        join = i > 0 && !match && previous_match;
        break;
    }
    if (join) {
      cuts.back().end = spans[i].range.end;
    } else {
      cuts.push_back(spans[i].range);
    }
  }
  if (cuts.size() == 1 && cuts[0] == ByteRange{0, piece.text.size()}) {
    out.push_back(std::move(piece));
    return;
  }
  for (const ByteRange& cut : cuts) {
    out.push_back(
        {piece.text.substr(cut.begin, cut.end - cut.begin), piece.starts_text && cut.begin == 0});
  }
}

class Split : public PreTokenizer {
 public:
  Split(Pattern pattern, Behavior behavior, bool invert)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {}
  void split(Piece piece, std::vector<Piece>& out) const override {
    if (piece.text.empty()) return;
    const auto spans = spans_of(pattern_.find_all(piece.text), piece.text.size(), invert_);
    emit(std::move(piece), spans, behavior_, out);
  }

 private:
  Pattern pattern_;
  Behavior behavior_;
  bool invert_;
};

// Splits at characters of a class; every character is a match of its own.
class SplitCharacters : public PreTokenizer {
 public:
  using Class = bool (*)(UChar32);
  SplitCharacters(Class is_match, Behavior behavior) : is_match_(is_match), behavior_(behavior) {}
  void split(Piece piece, std::vector<Piece>& out) const override {
    std::vector<ByteRange> matches;
    const auto* bytes = reinterpret_cast<const uint8_t*>(piece.text.data());
    const auto size = static_cast<int32_t>(piece.text.size());
    for (int32_t at = 0; at < size;) {
      const int32_t begin = at;
      UChar32 c = 0;
      U8_NEXT(bytes, at, size, c);
      if (is_match_(c)) matches.push_back({static_cast<size_t>(begin), static_cast<size_t>(at)});
    }
    const auto spans = spans_of(matches, piece.text.size(), false);
    emit(std::move(piece), spans, behavior_, out);
  }

 private:
  Class is_match_;
  Behavior behavior_;
};

bool is_numeric(UChar32 c) { return (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0; }
bool is_space(UChar32 c) { return u_isUWhiteSpace(c) != 0; }
bool is_punctuation(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_P_MASK) != 0 ||
         (c < 0x80 &&
          std::string_view("$+<=>^`|~").find(static_cast<char>(c)) != std::string_view::npos);
}

class ByteLevel : public PreTokenizer {
 public:
  ByteLevel(bool add_prefix_space, bool use_regex)
      : add_prefix_space_(add_prefix_space), use_regex_(use_regex) {}
  void split(Piece piece, std::vector<Piece>& out) const override {
    if (add_prefix_space_ && !piece.text.starts_with(' ')) piece.text.insert(0, 1, ' ');
    const size_t first = out.size();
    if (use_regex_) {
      const auto spans = spans_of(words().find_all(piece.text), piece.text.size(), false);
      emit(std::move(piece), spans, Behavior::isolated, out);
    } else if (!piece.text.empty()) {
      out.push_back(std::move(piece));
    }
    for (size_t i = first; i < out.size(); ++i) out[i].text = to_byte_alphabet(out[i].text);
  }

 private:
  // The split that "use_regex" stands for: English contractions, letters, numbers, other
  // characters, spaces.
  static const Regex& words() {
    static const Regex regex(
        R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)");
    return regex;
  }

  bool add_prefix_space_;
  bool use_regex_;
};

class Metaspace : public PreTokenizer {
 public:
  enum class Prepend { always, first, never };
  Metaspace(std::string replacement, Prepend prepend, bool split)
      : replacement_(std::move(replacement)), prepend_(prepend), split_(split) {}
  void split(Piece piece, std::vector<Piece>& out) const override {
    piece.text = base::replace_all(piece.text, " ", replacement_);
    if (piece.text.empty()) return;
    const bool wanted =
        prepend_ == Prepend::always || (prepend_ == Prepend::first && piece.starts_text);
    if (wanted && !piece.text.starts_with(replacement_)) piece.text.insert(0, replacement_);
    if (!split_) {
      out.push_back(std::move(piece));
      return;
    }
    const std::vector<ByteRange> matches = Pattern(replacement_).find_all(piece.text);
    const auto spans = spans_of(matches, piece.text.size(), false);
    emit(std::move(piece), spans, Behavior::merged_with_next, out);
  }

 private:
  std::string replacement_;
  Prepend prepend_;
  bool split_;
};

class Sequence : public PreTokenizer {
 public:
  explicit Sequence(std::vector<std::unique_ptr<PreTokenizer>> steps) : steps_(std::move(steps)) {}
  void split(Piece piece, std::vector<Piece>& out) const override {
    std::vector<Piece> pieces;
    pieces.push_back(std::move(piece));
    for (const auto& step : steps_) {
      std::vector<Piece> next;
      next.reserve(pieces.size());
      for (Piece& part : pieces) step->split(std::move(part), next);
      pieces = std::move(next);
    }
    std::move(pieces.begin(), pieces.end(), std::back_inserter(out));
  }

 private:
  std::vector<std::unique_ptr<PreTokenizer>> steps_;
};

std::unique_ptr<PreTokenizer> make_metaspace(const base::Json& json, const std::string& name) {
  using Prepend = Metaspace::Prepend;
  static const std::map<std::string, Prepend> schemes = {
      {"always", Prepend::always}, {"first", Prepend::first}, {"never", Prepend::never}};
  const bool add_prefix_space = bool_field(json, "add_prefix_space", true, name);
  const std::string scheme = optional_string_field(json, "prepend_scheme", name)
                                 .value_or(add_prefix_space ? "always" : "never");
  const auto found = schemes.find(scheme);
  require(found != schemes.end(), name, ": prepend_scheme '", scheme, "' is not supported");
  const std::string replacement = string_field(json, "replacement", name);
  require(base::count_code_points(replacement) == 1, name,
          ": 'replacement' is not one character: '", replacement, "'");
  return std::make_unique<Metaspace>(replacement, found->second,
                                     bool_field(json, "split", true, name));
}

using Make = std::unique_ptr<PreTokenizer> (*)(const base::Json&, const std::string&);

const std::map<std::string, Make>& makers() {
  static const std::map<std::string, Make> table = {
      {"ByteLevel",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<PreTokenizer> {
         return std::make_unique<ByteLevel>(bool_field(json, "add_prefix_space", true, name),
                                            bool_field(json, "use_regex", true, name));
       }},
      {"Digits",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<PreTokenizer> {
         const bool each = bool_field(json, "individual_digits", false, name);
         return std::make_unique<SplitCharacters>(&is_numeric,
                                                  each ? Behavior::isolated : Behavior::contiguous);
       }},
      {"Metaspace", &make_metaspace},
      {"Punctuation",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<PreTokenizer> {
         return std::make_unique<SplitCharacters>(&is_punctuation,
                                                  read_behavior(json, "Isolated", name));
       }},
      {"Sequence",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<PreTokenizer> {
         std::vector<std::unique_ptr<PreTokenizer>> steps;
         for (const base::Json& step : array_field(json, "pretokenizers", name)) {
           require(!step.is_null(), name, ": 'pretokenizers' holds null");
           steps.push_back(make_pre_tokenizer(step, name));
         }
         return std::make_unique<Sequence>(std::move(steps));
       }},
      {"Split",
       [](const base::Json& json, const std::string& name) -> std::unique_ptr<PreTokenizer> {
         return std::make_unique<Split>(Pattern::read(json, name), read_behavior(json, "", name),
                                        bool_field(json, "invert", false, name));
       }},
      {"Whitespace",
       [](const base::Json&, const std::string&) -> std::unique_ptr<PreTokenizer> {
         return std::make_unique<Split>(Pattern(Regex(R"(\w+|[^\w\s]+)")), Behavior::removed, true);
       }},
      {"WhitespaceSplit",
       [](const base::Json&, const std::string&) -> std::unique_ptr<PreTokenizer> {
         return std::make_unique<SplitCharacters>(&is_space, Behavior::removed);
       }},
  };
  return table;
}

}  // namespace

std::unique_ptr<PreTokenizer> make_pre_tokenizer(const base::Json& json, const std::string& name) {
  if (json.is_null()) return nullptr;
  const std::string type = type_field(json, name);
  const auto maker = makers().find(type);
  require(maker != makers().end(), name, ": pre-tokenizer '", type, "' is not supported");
  return maker->second(json, name);
}

}  // namespace visavis::text
