// The filters of chat templates.
#include "engine/text/template_library.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/template_arguments.h"
#include "engine/text/template_interpreter.h"
#include "engine/text/template_strings.h"

namespace visavis::text {
namespace {

// attribute='a.b' of a value.
Value path_of(Interpreter& run, const Value& value, const Value& path) {
  if (path.integer()) {
    const std::vector<Value> items = items_of(run, value);
    const int64_t at = *path.integer();
    if (at < 0 || at >= static_cast<int64_t>(items.size())) return Undefined{"item"};
    return items[static_cast<size_t>(at)];
  }
  Value found = value;
  for (const std::string& name : base::split(text_of(path, "attribute").text(), '.')) {
    found = attribute_of(run, found, name);
  }
  return found;
}

// The order of sort, min and max: strings without regard to case unless told otherwise.
struct Order {
  Interpreter& run;
  bool case_sensitive = false;
  const Value* attribute = nullptr;

  Value key(const Value& value) const {
    Value part = attribute ? path_of(run, value, *attribute) : value;
    if (case_sensitive || !part.text()) return part;
    return Value(lower_case(*part.text()));
  }
};

Order order_of(Interpreter& run, const Arguments& arguments, size_t case_position,
               size_t attribute_position) {
  Order order{run};
  if (const Value* flag = arguments.find(case_position, "case_sensitive")) {
    order.case_sensitive = flag->truth();
  }
  order.attribute = arguments.find(attribute_position, "attribute");
  if (order.attribute && order.attribute->is_none()) order.attribute = nullptr;
  return order;
}

std::vector<std::pair<Value, Value>> keyed(const Order& order, std::vector<Value> items) {
  std::vector<std::pair<Value, Value>> out;
  for (Value& item : items) {
    Value key = order.key(item);
    order.run.built(key.weight());
    out.emplace_back(std::move(key), std::move(item));
  }
  return out;
}

Value extreme(Interpreter& run, const Value& value, const Arguments& arguments, bool largest) {
  arguments.expect("min and max", 2, {"case_sensitive", "attribute"});
  const auto items = keyed(order_of(run, arguments, 0, 1), items_of(run, value));
  if (items.empty()) return Undefined{"the extreme of nothing"};
  const auto* best = &items[0];
  for (const auto& item : items) {
    if (largest ? less(best->first, item.first) : less(item.first, best->first)) best = &item;
  }
  return best->second;
}

// select, reject, selectattr and rejectattr.
Value chosen(Interpreter& run, const Value& value, const Arguments& arguments, bool by_attribute,
             bool wanted) {
  require(arguments.named.empty(), "select and reject have no named arguments");
  const size_t first = by_attribute ? 1 : 0;
  require(arguments.positional.size() >= first, "selectattr wants an attribute");
  TestFunction test = nullptr;
  Arguments rest;
  rest.line = arguments.line;
  if (arguments.positional.size() > first) {
    const std::string name = text_of(arguments.positional[first], "select").text();
    test = find_test(name);
    require(test != nullptr, "test '", name, "' is not supported");
    rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(first) + 1,
                           arguments.positional.end());
  }
  std::vector<Value> out;
  for (Value& item : items_of(run, value)) {
    const Value subject = by_attribute ? path_of(run, item, arguments.positional[0]) : item;
    const bool holds = test ? test(run, subject, rest) : subject.truth();
    if (holds == wanted) out.push_back(std::move(item));
  }
  return Value::list(std::move(out));
}

Value mapped(Interpreter& run, const Value& value, const Arguments& arguments) {
  std::vector<Value> out;
  if (const Value* attribute = arguments.find(arguments.positional.size(), "attribute")) {
    const Value* fallback = arguments.find(arguments.positional.size(), "default");
    for (const Value& item : items_of(run, value)) {
      Value part = path_of(run, item, *attribute);
      out.push_back(part.is_undefined() && fallback ? *fallback : std::move(part));
    }
    return Value::list(std::move(out));
  }
  require(!arguments.positional.empty(), "map wants a filter or attribute=");
  const std::string name = text_of(arguments.positional[0], "map").text();
  const FilterFunction filter = find_filter(name);
  require(filter != nullptr, "filter '", name, "' is not supported");
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin());
  for (const Value& item : items_of(run, value)) {
    const Interpreter::Level level(run, arguments.line);
    run.built(item.weight());
    out.push_back(filter(run, item, rest));
  }
  return Value::list(std::move(out));
}

Value joined(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("join", 2, {"d", "attribute"});
  const Value* separator = arguments.find(0, "d");
  const Value* attribute = arguments.find(1, "attribute");
  const TaggedText between = separator ? printed(*separator) : TaggedText();
  TaggedText out;
  bool first = true;
  for (const Value& item : items_of(run, value)) {
    const Value part = attribute ? path_of(run, item, *attribute) : item;
    run.built(part.weight() + between.size());
    if (!first) out.append(between);
    out.append(printed(part));
    first = false;
  }
  return Value(std::move(out));
}

Value to_integer(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("int", 2, {"default", "base"});
  require(!arguments.find(1, "base"), "int with a base is not supported");
  const Value* fallback = arguments.find(0, "default");
  const Value otherwise = fallback ? *fallback : Value(int64_t{0});
  if (const auto number = value.integer()) return Value(*number);
  std::optional<double> number = value.real();
  if (value.text()) {
    const std::string digits(base::trim(value.text()->text()));
    const char* begin = digits.data() + (digits.starts_with('+') ? 1 : 0);
    const char* end = digits.data() + digits.size();
    int64_t whole = 0;
    if (const auto parsed = std::from_chars(begin, end, whole);
        parsed.ec == std::errc() && parsed.ptr == end) {
      return Value(whole);
    }
    double real = 0;
    if (const auto parsed = std::from_chars(begin, end, real);
        parsed.ec == std::errc() && parsed.ptr == end) {
      number = real;
    }
  }
  if (!number || !(std::abs(*number) < 9.2e18)) return otherwise;
  return Value(static_cast<int64_t>(*number));
}

Value to_real(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("float", 1, {"default"});
  if (const auto number = value.real()) return Value(*number);
  if (value.text()) {
    const std::string digits(base::trim(value.text()->text()));
    double real = 0;
    const char* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, real);
    if (parsed.ec == std::errc() && parsed.ptr == end) return Value(real);
  }
  const Value* fallback = arguments.find(0, "default");
  return fallback ? *fallback : Value(0.0);
}

Value length_of(Interpreter&, const Value& value, const Arguments&) {
  if (value.text()) return Value(base::count_code_points(value.text()->text()));
  if (value.list()) return Value(static_cast<int64_t>(value.list()->items.size()));
  if (value.dict()) return Value(static_cast<int64_t>(value.dict()->size()));
  require(value.is_undefined(), value.kind(), " has no length");
  return Value(int64_t{0});
}

Value indented(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("indent", 3, {"width", "first", "blank"});
  const Value* width = arguments.find(0, "width");
  const Value* first = arguments.find(1, "first");
  const Value* blank = arguments.find(2, "blank");
  TaggedText margin(std::string(4, ' '));
  if (width && width->text()) {
    margin = *width->text();
  } else if (width) {
    const int64_t count = integer_of(*width, "indent");
    require(count >= 0 && count <= 1024, "indent of ", count, " characters");
    margin = TaggedText(std::string(static_cast<size_t>(count), ' '));
  }
  TaggedText out;
  bool at_first = true;
  for (const Value& line : split_text(run, text_of(value, "indent"), "\n", -1, false)) {
    run.built(margin.size() + line.weight() + 1);
    if (!at_first) out.append("\n");
    const bool wanted = !line.text()->empty() || (blank && blank->truth());
    if (at_first ? (first && first->truth()) : wanted) out.append(margin);
    out.append(*line.text());
    at_first = false;
  }
  return Value(std::move(out));
}

Value sorted(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("sort", 3, {"reverse", "case_sensitive", "attribute"});
  auto items = keyed(order_of(run, arguments, 1, 2), items_of(run, value));
  const Value* reverse = arguments.find(0, "reverse");
  const bool down = reverse && reverse->truth();
  std::stable_sort(items.begin(), items.end(), [down](const auto& a, const auto& b) {
    return down ? less(b.first, a.first) : less(a.first, b.first);
  });
  std::vector<Value> out;
  for (auto& item : items) out.push_back(std::move(item.second));
  return Value::list(std::move(out));
}

Value unique(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("unique", 2, {"case_sensitive", "attribute"});
  const auto items = keyed(order_of(run, arguments, 0, 1), items_of(run, value));
  std::vector<Value> out;
  std::vector<const Value*> seen;
  for (const auto& entry : items) {
    run.built(seen.size());
    const auto same = [&](const Value* other) { return equal(*other, entry.first); };
    if (std::any_of(seen.begin(), seen.end(), same)) continue;
    seen.push_back(&entry.first);
    out.push_back(entry.second);
  }
  return Value::list(std::move(out));
}

Value reversed(Interpreter& run, const Value& value, const Arguments&) {
  std::vector<Value> items = items_of(run, value);
  std::reverse(items.begin(), items.end());
  if (!value.text()) return Value::list(std::move(items));
  TaggedText out;
  for (const Value& item : items) out.append(*item.text());
  return Value(std::move(out));
}

Value pairs_of(const DictEntries& entries) {
  std::vector<Value> out;
  for (const auto& [key, value] : entries) out.push_back(Value::list({key, value}, true));
  return Value::list(std::move(out));
}

Value dict_sorted(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("dictsort", 0, {});
  require(value.dict() != nullptr, "dictsort wants a mapping, found ", value.kind());
  DictEntries entries = *value.dict();
  const Order order{run};
  std::stable_sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
    return less(order.key(a.first), order.key(b.first));
  });
  return pairs_of(entries);
}

Value defaulted(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("default", 2, {"default_value", "boolean"});
  const Value* fallback = arguments.find(0, "default_value");
  const Value* boolean = arguments.find(1, "boolean");
  const bool missing = value.is_undefined() || (boolean && boolean->truth() && !value.truth());
  if (!missing) return value;
  return fallback ? *fallback : Value(TaggedText());
}

Value summed(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("sum", 2, {"attribute", "start"});
  const Value* attribute = arguments.find(0, "attribute");
  const Value* start = arguments.find(1, "start");
  double total = start ? start->real().value_or(0) : 0;
  bool whole = !start || start->integer();
  for (const Value& item : items_of(run, value)) {
    const Value part = attribute && !attribute->is_none() ? path_of(run, item, *attribute) : item;
    require(part.is_number(), "sum of ", part.kind());
    total += *part.real();
    whole = whole && part.integer();
  }
  if (whole && std::abs(total) < 9e15) return Value(static_cast<int64_t>(total));
  return Value(total);
}

Value as_json(Interpreter& run, const Value& value, const Arguments& arguments) {
  arguments.expect("tojson", 1, {"indent", "ensure_ascii"});
  const Value* indent = arguments.find(0, "indent");
  int64_t width = -1;
  if (indent && !indent->is_none()) {
    width = integer_of(*indent, "tojson");
    require(width >= 0 && width <= 16, "tojson: an indent of ", width, " is not supported");
    run.built(value.weight() * static_cast<size_t>(width + 1));
  }
  const Value* ascii = arguments.find(1, "ensure_ascii");
  require(!ascii || !ascii->truth(), "tojson: ensure_ascii is not supported");
  return Value(to_json(value, width));
}

template <TaggedText (*function)(const TaggedText&)>
Value text_filter(Interpreter&, const Value& value, const Arguments&) {
  return Value(function(printed(value)));
}

const std::map<std::string, FilterFunction>& filters() {
  static const std::map<std::string, FilterFunction> table = [] {
    std::map<std::string, FilterFunction> out = {
        {"capitalize", &text_filter<&capitalized>},
        {"default", &defaulted},
        {"dictsort", &dict_sorted},
        {"float", &to_real},
        {"indent", &indented},
        {"int", &to_integer},
        {"join", &joined},
        {"length", &length_of},
        {"lower", &text_filter<&lower_case>},
        {"map", &mapped},
        {"reverse", &reversed},
        {"sort", &sorted},
        {"sum", &summed},
        {"tojson", &as_json},
        {"unique", &unique},
        {"upper", &text_filter<&upper_case>},
    };
    out["abs"] = [](Interpreter&, const Value& value, const Arguments&) {
      require(value.is_number(), "abs wants a number, found ", value.kind());
      if (!value.integer()) return Value(std::abs(*value.real()));
      require(*value.integer() != INT64_MIN, "a whole number gets out of range");
      return Value(std::abs(*value.integer()));
    };
    out["first"] = [](Interpreter& run, const Value& value, const Arguments&) {
      const std::vector<Value> items = items_of(run, value);
      return items.empty() ? Value(Undefined{"the first of nothing"}) : items.front();
    };
    out["last"] = [](Interpreter& run, const Value& value, const Arguments&) {
      const std::vector<Value> items = items_of(run, value);
      return items.empty() ? Value(Undefined{"the last of nothing"}) : items.back();
    };
    out["items"] = [](Interpreter&, const Value& value, const Arguments&) {
      if (value.is_undefined()) return Value::list({});
      require(value.dict() != nullptr, "items wants a mapping, found ", value.kind());
      return pairs_of(*value.dict());
    };
    out["list"] = [](Interpreter& run, const Value& value, const Arguments&) {
      return Value::list(items_of(run, value));
    };
    out["max"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return extreme(run, value, arguments, true);
    };
    out["min"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return extreme(run, value, arguments, false);
    };
    out["replace"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      arguments.expect("replace", 3, {"old", "new", "count"});
      const Value* from = arguments.find(0, "old");
      const Value* to = arguments.find(1, "new");
      const Value* count = arguments.find(2, "count");
      require(from && to, "replace wants two strings");
      const bool all = !count || count->is_none();
      return Value(replaced(run, printed(value), text_of(*from, "replace"), text_of(*to, "replace"),
                            all ? -1 : integer_of(*count, "replace")));
    };
    out["select"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return chosen(run, value, arguments, false, true);
    };
    out["reject"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return chosen(run, value, arguments, false, false);
    };
    out["selectattr"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return chosen(run, value, arguments, true, true);
    };
    out["rejectattr"] = [](Interpreter& run, const Value& value, const Arguments& arguments) {
      return chosen(run, value, arguments, true, false);
    };
    out["safe"] = [](Interpreter&, const Value& value, const Arguments&) {
      return Value(printed(value));
    };
    out["string"] = out["safe"];
    out["title"] = [](Interpreter&, const Value& value, const Arguments&) {
      return Value(title_case(printed(value), true));
    };
    out["trim"] = [](Interpreter&, const Value& value, const Arguments& arguments) {
      arguments.expect("trim", 1, {"chars"});
      return Value(
          stripped(printed(value), true, true, optional_text(arguments, 0, "chars", "trim")));
    };
    out["count"] = out["length"];
    out["d"] = out["default"];
    return out;
  }();
  return table;
}

}  // namespace

FilterFunction find_filter(const std::string& name) {
  const auto found = filters().find(name);
  return found == filters().end() ? nullptr : found->second;
}

}  // namespace visavis::text
