#include "engine/text/template_strings.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/template_interpreter.h"

namespace visavis::text {
namespace {

constexpr size_t kPartBytes = 128;  // what a small string value takes

void append_tagged(TaggedText& out, std::string text, bool user) {
  if (user) {
    out.append(TaggedText::from_user(std::move(text)));
  } else {
    out.append(text);
  }
}

// Rewrites run by run of equal tags.
template <class Rewrite>
TaggedText rewrite_runs(const TaggedText& text, Rewrite rewrite) {
  TaggedText out;
  size_t at = 0;
  const auto put = [&](size_t end, bool user) {
    if (end > at) append_tagged(out, rewrite(text.text().substr(at, end - at)), user);
    at = end;
  };
  for (const ByteRange& range : text.user_ranges()) {
    put(range.begin, false);
    put(range.end, true);
  }
  put(text.size(), false);
  return out;
}

std::string change_case(const std::string& text, bool upper) {
  icu::UnicodeString wide = icu::UnicodeString::fromUTF8(text);
  const icu::Locale& root = icu::Locale::getRoot();
  std::string out;
  (upper ? wide.toUpper(root) : wide.toLower(root)).toUTF8String(out);
  return out;
}

// Python's str.isspace: White_Space and the four information separators.
bool is_space(char32_t c) {
  return (c >= 0x1C && c <= 0x1F) || u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool is_letter(char32_t c) { return u_isalpha(static_cast<UChar32>(c)) != 0; }

// Calls use(character, its first byte, the byte behind it).
template <class Use>
void for_characters(const TaggedText& text, Use use) {
  size_t at = 0;
  std::string bytes;
  for (const char32_t c : base::to_code_points(text.text())) {
    bytes.clear();
    base::append_utf8(bytes, c);
    use(c, at, at + bytes.size());
    at += bytes.size();
  }
}

template <class Starts>
TaggedText with_capitals(const TaggedText& text, Starts starts_word) {
  TaggedText out;
  char32_t before = 0;
  for_characters(text, [&](char32_t c, size_t begin, size_t end) {
    const std::string one = text.text().substr(begin, end - begin);
    append_tagged(out, change_case(one, starts_word(begin == 0, before)), text.is_user(begin));
    before = c;
  });
  return out;
}

}  // namespace

std::vector<size_t> character_starts(const TaggedText& text) {
  std::vector<size_t> starts;
  for_characters(text, [&](char32_t, size_t begin, size_t) { starts.push_back(begin); });
  starts.push_back(text.size());
  return starts;
}

Value character_at(Interpreter& run, const TaggedText& text, int64_t index) {
  run.built(text.size());
  const std::vector<size_t> starts = character_starts(text);
  const auto size = static_cast<int64_t>(starts.size()) - 1;
  const int64_t place = index < 0 ? index + size : index;
  if (place < 0 || place >= size) return Undefined{"character " + std::to_string(index)};
  const auto at = static_cast<size_t>(place);
  return Value(text.slice(starts[at], starts[at + 1]));
}

TaggedText stripped(const TaggedText& text, bool left, bool right,
                    const std::optional<std::string>& characters) {
  const std::u32string set = base::to_code_points(characters.value_or(""));
  const auto goes = [&](char32_t c) {
    return characters ? set.find(c) != std::u32string::npos : is_space(c);
  };
  size_t begin = left ? text.size() : 0;
  size_t end = right ? 0 : text.size();
  for_characters(text, [&](char32_t c, size_t first, size_t behind) {
    if (goes(c)) return;
    if (left) begin = std::min(begin, first);
    if (right) end = behind;
  });
  return begin < end ? text.slice(begin, end) : TaggedText();
}

TaggedText upper_case(const TaggedText& text) {
  return rewrite_runs(text, [](const std::string& run) { return change_case(run, true); });
}

TaggedText lower_case(const TaggedText& text) {
  return rewrite_runs(text, [](const std::string& run) { return change_case(run, false); });
}

TaggedText capitalized(const TaggedText& text) {
  return with_capitals(text, [](bool first, char32_t) { return first; });
}

TaggedText title_case(const TaggedText& text, bool as_filter) {
  return with_capitals(text, [as_filter](bool first, char32_t before) {
    if (first || !as_filter) return first || !is_letter(before);
    return is_space(before) || std::u32string_view(U"-({[<").find(before) != std::u32string::npos;
  });
}

TaggedText replaced(Interpreter& run, const TaggedText& text, const TaggedText& from,
                    const TaggedText& to, int64_t count) {
  require(!from.empty(), "replace of an empty string is not supported");
  TaggedText out;
  size_t copied = 0;
  for (int64_t done = 0; count < 0 || done < count; ++done) {
    const size_t at = text.text().find(from.text(), copied);
    if (at == std::string::npos) break;
    run.built(at - copied + to.size());
    out.append(text.slice(copied, at));
    out.append(to);
    copied = at + from.size();
  }
  out.append(text.slice(copied, text.size()));
  return out;
}

std::vector<Value> split_text(Interpreter& run, const TaggedText& text,
                              const std::optional<std::string>& separator, int64_t most,
                              bool from_right) {
  std::vector<ByteRange> parts;
  if (separator) {
    require(!separator->empty(), "split by an empty string");
    size_t begin = 0;
    for (size_t at = text.text().find(*separator); at != std::string::npos;
         at = text.text().find(*separator, begin)) {
      run.built(kPartBytes);
      parts.push_back({begin, at});
      begin = at + separator->size();
    }
    parts.push_back({begin, text.size()});
  } else {
    bool inside = false;
    for_characters(text, [&](char32_t c, size_t begin, size_t end) {
      if (is_space(c)) {
        inside = false;
      } else if (inside) {
        parts.back().end = end;
      } else {
        run.built(kPartBytes);
        parts.push_back({begin, end});
        inside = true;
      }
    });
  }
  // Of more than `most` cuts, the far ones are undone.
  if (most >= 0 && parts.size() > static_cast<size_t>(most) + 1) {
    const auto keep = static_cast<size_t>(most);
    if (from_right) {
      const size_t joined = parts.size() - keep;
      parts[joined - 1].begin = separator ? 0 : parts[0].begin;
      parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(joined - 1));
    } else {
      parts[keep].end = text.size();
      parts.resize(keep + 1);
    }
  }
  std::vector<Value> out;
  for (const ByteRange& part : parts) out.emplace_back(text.slice(part.begin, part.end));
  return out;
}

TaggedText formatted(Interpreter& run, const TaggedText& format, const Value& values) {
  const bool several = values.list() && values.list()->tuple;
  size_t used = 0;
  const auto next = [&]() -> const Value& {
    const size_t count = several ? values.list()->items.size() : 1;
    require(used < count, "a format wants more than ", count, " values");
    return several ? values.list()->items[used++] : (++used, values);
  };
  TaggedText out;
  size_t copied = 0;
  const std::string& text = format.text();
  for (size_t at = text.find('%'); at != std::string::npos; at = text.find('%', copied)) {
    out.append(format.slice(copied, at));
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    copied = at + 2;
    if (kind == '%') {
      out.append(format.slice(at, at + 1));
      continue;
    }
    require(kind == 's' || kind == 'd', "a format other than %s, %d and %% is not supported");
    const Value& value = next();
    require(kind == 's' || value.integer().has_value(), "%d wants a whole number, found ",
            value.kind());
    run.built(value.weight());
    out.append(kind == 's' ? printed(value) : TaggedText(std::to_string(*value.integer())));
  }
  out.append(format.slice(copied, text.size()));
  require(!several || used == values.list()->items.size(), "a format leaves values unused");
  run.built(out.size());
  return out;
}

}  // namespace visavis::text
