#include "engine/text/template_value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace visavis::text {
namespace {

constexpr int kMaxDepth = 100;
constexpr size_t kMaxWeight = size_t{1} << 26;
constexpr size_t kItemWeight = 16;

// Python's repr of a float: shortest digits that read back, always with a point or exponent.
std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

// Rewrites character by character, each keeping its tag.
template <class Rewrite>
TaggedText rewrite_characters(const TaggedText& text, Rewrite rewrite) {
  TaggedText out;
  size_t at = 0;
  for (const char32_t c : base::to_code_points(text.text())) {
    std::string old;
    base::append_utf8(old, c);
    const bool user = text.is_user(at);
    at += old.size();
    std::string fresh = rewrite(c, std::move(old));
    if (user) {
      out.append(TaggedText::from_user(std::move(fresh)));
    } else {
      out.append(fresh);
    }
  }
  return out;
}

TaggedText quoted_for_python(const TaggedText& text) {
  const bool single = text.text().find('\'') != std::string::npos;
  const bool twice = text.text().find('"') != std::string::npos;
  const char32_t quote = single && !twice ? U'"' : U'\'';
  TaggedText out(std::string(1, static_cast<char>(quote)));
  out.append(rewrite_characters(text, [&](char32_t c, std::string old) -> std::string {
    if (c == quote || c == U'\\') return "\\" + old;
    if (c == U'\n') return "\\n";
    if (c == U'\r') return "\\r";
    if (c == U'\t') return "\\t";
    if (c < 0x20 || c == 0x7F) return fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
    return old;
  }));
  out.append(std::string(1, static_cast<char>(quote)));
  return out;
}

TaggedText quoted_for_json(const TaggedText& text) {
  TaggedText out("\"");
  out.append(rewrite_characters(text, [](char32_t c, std::string old) -> std::string {
    switch (c) {
      case U'"':
        return "\\\"";
      case U'\\':
        return "\\\\";
      case U'\n':
        return "\\n";
      case U'\r':
        return "\\r";
      case U'\t':
        return "\\t";
      case U'\b':
        return "\\b";
      case U'\f':
        return "\\f";
      default:
        if (c < 0x20) return fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
        return old;
    }
  }));
  out.append("\"");
  return out;
}

void represent_into(const Value& value, TaggedText& out) {
  if (const TaggedText* text = value.text()) {
    out.append(quoted_for_python(*text));
  } else if (const ListData* list = value.list()) {
    out.append(list->tuple ? "(" : "[");
    for (size_t i = 0; i < list->items.size(); ++i) {
      if (i > 0) out.append(", ");
      represent_into(list->items[i], out);
    }
    if (list->tuple && list->items.size() == 1) out.append(",");
    out.append(list->tuple ? ")" : "]");
  } else if (const DictEntries* dict = value.dict()) {
    out.append("{");
    for (size_t i = 0; i < dict->size(); ++i) {
      if (i > 0) out.append(", ");
      represent_into((*dict)[i].first, out);
      out.append(": ");
      represent_into((*dict)[i].second, out);
    }
    out.append("}");
  } else if (value.is_undefined()) {
    out.append("Undefined");
  } else {
    out.append(printed(value));
  }
}

class JsonWriter {
 public:
  explicit JsonWriter(int64_t indent) : indent_(indent) {}

  void write(const Value& value, int depth) {
    if (const TaggedText* text = value.text()) {
      out_.append(quoted_for_json(*text));
    } else if (const ListData* list = value.list()) {
      begin("[", list->items.empty(), depth);
      for (size_t i = 0; i < list->items.size(); ++i) {
        if (i > 0) separate(depth);
        write(list->items[i], depth + 1);
      }
      end("]", list->items.empty(), depth);
    } else if (const DictEntries* dict = value.dict()) {
      begin("{", dict->empty(), depth);
      for (size_t i = 0; i < dict->size(); ++i) {
        if (i > 0) separate(depth);
        const auto& [key, entry] = (*dict)[i];
        out_.append(quoted_for_json(key.text() ? *key.text() : printed(key)));
        out_.append(": ");
        write(entry, depth + 1);
      }
      end("}", dict->empty(), depth);
    } else if (value.is_none()) {
      out_.append("null");
    } else if (const bool* truth = value.get<bool>()) {
      out_.append(*truth ? "true" : "false");
    } else {
      require(value.is_number(), "tojson: ", value.kind(), " is not supported");
      out_.append(printed(value));
    }
  }
  TaggedText take() { return std::move(out_); }

 private:
  void line(int depth) {
    if (indent_ < 0) return;
    out_.append("\n" + std::string(static_cast<size_t>(indent_ * depth), ' '));
  }
  void begin(std::string_view bracket, bool empty, int depth) {
    out_.append(bracket);
    if (!empty) line(depth + 1);
  }
  void separate(int depth) {
    out_.append(indent_ < 0 ? ", " : ",");
    line(depth + 1);
  }
  void end(std::string_view bracket, bool empty, int depth) {
    if (!empty) line(depth);
    out_.append(bracket);
  }

  int64_t indent_;
  TaggedText out_;
};

bool equal_values(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto left = a.integer();
    const auto right = b.integer();
    return left && right ? *left == *right : *a.real() == *b.real();
  }
  if (a.text() && b.text()) return a.text()->text() == b.text()->text();
  if (a.list() && b.list()) {
    return a.list()->tuple == b.list()->tuple &&
           std::equal(a.list()->items.begin(), a.list()->items.end(), b.list()->items.begin(),
                      b.list()->items.end(), equal_values);
  }
  if (a.dict() && b.dict()) {
    if (a.dict()->size() != b.dict()->size()) return false;
    return std::all_of(a.dict()->begin(), a.dict()->end(), [&](const auto& entry) {
      const Value* other = lookup(*b.dict(), entry.first);
      return other && equal_values(entry.second, *other);
    });
  }
  if (a.space() && b.space()) return *a.space() == *b.space();
  return (a.is_none() && b.is_none()) || (a.is_undefined() && b.is_undefined());
}

}  // namespace

const Value* Arguments::find(size_t position, const char* name) const {
  if (position < positional.size()) return &positional[position];
  for (const auto& [label, value] : named) {
    if (label == name) return &value;
  }
  return nullptr;
}

void Arguments::expect(const std::string& function, size_t count,
                       std::initializer_list<const char*> names) const {
  require(positional.size() <= count, function, " takes at most ", count, " arguments, found ",
          positional.size());
  for (const auto& [label, value] : named) {
    require(std::find(names.begin(), names.end(), label) != names.end(), function,
            " has no argument '", label, "'");
  }
}

Value::Value(TaggedText text) : data_(std::make_shared<const TaggedText>(std::move(text))) {}

Value Value::list(std::vector<Value> items, bool tuple) {
  ListData data{.items = std::move(items), .tuple = tuple};
  for (const Value& item : data.items) {
    data.weight = std::min(kMaxWeight + 1, data.weight + kItemWeight + item.weight());
    data.depth = std::max(data.depth, item.depth() + 1);
  }
  require(data.weight <= kMaxWeight, "a list is heavier than ", kMaxWeight, " bytes");
  require(data.depth <= kMaxDepth, "a list is nested deeper than ", kMaxDepth);
  Value value;
  value.data_ = std::make_shared<const ListData>(std::move(data));
  return value;
}

Value Value::dict(DictEntries entries) {
  DictData data{.entries = std::move(entries)};
  for (const auto& [key, item] : data.entries) {
    data.weight =
        std::min(kMaxWeight + 1, data.weight + 2 * kItemWeight + key.weight() + item.weight());
    data.depth = std::max({data.depth, key.depth() + 1, item.depth() + 1});
  }
  require(data.weight <= kMaxWeight, "a mapping is heavier than ", kMaxWeight, " bytes");
  require(data.depth <= kMaxDepth, "a mapping is nested deeper than ", kMaxDepth);
  Value value;
  value.data_ = std::make_shared<const DictData>(std::move(data));
  return value;
}

Value Value::space(Space names) {
  Value value;
  value.data_ = std::move(names);
  return value;
}

Value Value::function(std::string name, std::function<Value(const Arguments&)> call) {
  Value value;
  value.data_ = std::make_shared<const Callable>(Callable{std::move(name), std::move(call)});
  return value;
}

const TaggedText* Value::text() const {
  const String* held = get<String>();
  return held ? held->get() : nullptr;
}

const ListData* Value::list() const {
  const List* held = get<List>();
  return held ? held->get() : nullptr;
}

const DictEntries* Value::dict() const {
  const Dict* held = get<Dict>();
  return held ? &(*held)->entries : nullptr;
}

size_t Value::weight() const {
  if (text()) return text()->size();
  if (list()) return list()->weight;
  const Dict* held = get<Dict>();
  return held ? (*held)->weight : 1;
}

int Value::depth() const {
  if (list()) return list()->depth;
  const Dict* held = get<Dict>();
  return held ? (*held)->depth : 0;
}

const Callable* Value::function() const {
  const Function* held = get<Function>();
  return held ? held->get() : nullptr;
}

bool Value::is_number() const { return get<bool>() || get<int64_t>() || get<double>(); }

std::string Value::kind() const {
  if (const Undefined* missing = get<Undefined>()) return "'" + missing->name + "', undefined,";
  if (is_none()) return "none";
  if (get<bool>()) return "a boolean";
  if (get<int64_t>()) return "a whole number";
  if (get<double>()) return "a number";
  if (text()) return "a string";
  if (list()) return "a list";
  if (dict()) return "a mapping";
  return function() ? "a function" : "a namespace";
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (const auto number = real()) return *number != 0;
  if (text()) return !text()->empty();
  if (list()) return !list()->items.empty();
  if (dict()) return !dict()->empty();
  return true;
}

std::optional<int64_t> Value::integer() const {
  if (const bool* truth = get<bool>()) return *truth ? 1 : 0;
  if (const int64_t* number = get<int64_t>()) return *number;
  return std::nullopt;
}

std::optional<double> Value::real() const {
  if (const double* number = get<double>()) return *number;
  if (const auto number = integer()) return static_cast<double>(*number);
  return std::nullopt;
}

bool equal(const Value& a, const Value& b) { return equal_values(a, b); }

bool less(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    const auto left = a.integer();
    const auto right = b.integer();
    return left && right ? *left < *right : *a.real() < *b.real();
  }
  // UTF-8 sorts as its code points do.
  if (a.text() && b.text()) return a.text()->text() < b.text()->text();
  fail(a.kind(), " and ", b.kind(), " cannot be ordered");
}

TaggedText printed(const Value& value) {
  if (value.text()) return *value.text();
  if (value.is_undefined()) return {};
  if (value.is_none()) return TaggedText("None");
  if (const bool* truth = value.get<bool>()) return TaggedText(*truth ? "True" : "False");
  if (const int64_t* number = value.get<int64_t>()) return TaggedText(std::to_string(*number));
  if (const double* number = value.get<double>()) return TaggedText(real_text(*number));
  require(value.list() || value.dict(), value.kind(), " cannot be printed");
  return represented(value);
}

TaggedText represented(const Value& value) {
  TaggedText out;
  represent_into(value, out);
  return out;
}

TaggedText to_json(const Value& value, int64_t indent) {
  JsonWriter writer(indent);
  writer.write(value, 0);
  return writer.take();
}

const Value* lookup(const DictEntries& entries, const Value& key) {
  for (const auto& [label, value] : entries) {
    if (equal(label, key)) return &value;
  }
  return nullptr;
}

}  // namespace visavis::text
