// The tests and methods of chat templates, and what their values offer by name.
#include "engine/text/template_library.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "engine/text/template_arguments.h"
#include "engine/text/template_interpreter.h"
#include "engine/text/template_strings.h"

namespace visavis::text {
namespace {

constexpr size_t kCharacterBytes = 128;  // what a one-character value takes

const std::map<std::string, TestFunction>& tests() {
  static const std::map<std::string, TestFunction> table = [] {
    std::map<std::string, TestFunction> out;
    out["defined"] = [](Interpreter&, const Value& v, const Arguments&) {
      return !v.is_undefined();
    };
    out["undefined"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.is_undefined();
    };
    out["none"] = [](Interpreter&, const Value& v, const Arguments&) { return v.is_none(); };
    out["string"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.text() != nullptr;
    };
    out["mapping"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.dict() != nullptr;
    };
    out["sequence"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.text() || v.list() || v.dict() || v.is_undefined();
    };
    out["iterable"] = out["sequence"];
    out["number"] = [](Interpreter&, const Value& v, const Arguments&) { return v.is_number(); };
    out["integer"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.get<int64_t>() != nullptr;
    };
    out["float"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.get<double>() != nullptr;
    };
    out["boolean"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.get<bool>() != nullptr;
    };
    out["true"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.get<bool>() && *v.get<bool>();
    };
    out["false"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.get<bool>() && !*v.get<bool>();
    };
    out["callable"] = [](Interpreter&, const Value& v, const Arguments&) {
      return v.function() != nullptr;
    };
    out["even"] = [](Interpreter&, const Value& v, const Arguments&) {
      return integer_of(v, "even") % 2 == 0;
    };
    out["odd"] = [](Interpreter&, const Value& v, const Arguments&) {
      return integer_of(v, "odd") % 2 != 0;
    };
    out["divisibleby"] = [](Interpreter&, const Value& v, const Arguments& arguments) {
      const int64_t by = integer_of(other(arguments), "divisibleby");
      require(by != 0, "division by zero");
      return by == -1 || integer_of(v, "divisibleby") % by == 0;
    };
    out["in"] = [](Interpreter& run, const Value& v, const Arguments& arguments) {
      return contains(run, other(arguments), v);
    };
    out["eq"] = [](Interpreter& run, const Value& v, const Arguments& arguments) {
      run.built(std::min(v.weight(), other(arguments).weight()));
      return equal(v, other(arguments));
    };
    out["ne"] = [](Interpreter& run, const Value& v, const Arguments& arguments) {
      run.built(std::min(v.weight(), other(arguments).weight()));
      return !equal(v, other(arguments));
    };
    out["lt"] = [](Interpreter&, const Value& v, const Arguments& arguments) {
      return less(v, other(arguments));
    };
    out["gt"] = [](Interpreter&, const Value& v, const Arguments& arguments) {
      return less(other(arguments), v);
    };
    out["le"] = [](Interpreter&, const Value& v, const Arguments& arguments) {
      return !less(other(arguments), v);
    };
    out["ge"] = [](Interpreter&, const Value& v, const Arguments& arguments) {
      return !less(v, other(arguments));
    };
    out["equalto"] = out["eq"];
    out["lessthan"] = out["lt"];
    out["greaterthan"] = out["gt"];
    return out;
  }();
  return table;
}

using Method = Value (*)(Interpreter& run, const Value& self, const Arguments& arguments);

template <bool left, bool right>
Value strip_method(Interpreter&, const Value& self, const Arguments& arguments) {
  return Value(stripped(*self.text(), left, right, optional_text(arguments, 0, "chars", "strip")));
}

template <bool from_right>
Value split_method(Interpreter& run, const Value& self, const Arguments& arguments) {
  arguments.expect("split", 2, {"sep", "maxsplit"});
  const Value* most = arguments.find(1, "maxsplit");
  return Value::list(split_text(run, *self.text(), optional_text(arguments, 0, "sep", "split"),
                                most ? integer_of(*most, "split") : -1, from_right));
}

template <bool at_start>
Value affix_method(Interpreter&, const Value& self, const Arguments& arguments) {
  const Value& wanted = other(arguments);
  const auto fits = [&](const Value& affix) {
    const std::string& text = text_of(affix, "startswith and endswith").text();
    return at_start ? self.text()->text().starts_with(text) : self.text()->text().ends_with(text);
  };
  if (!wanted.list()) return Value(fits(wanted));
  return Value(std::any_of(wanted.list()->items.begin(), wanted.list()->items.end(), fits));
}

Value find_in_text(Interpreter&, const Value& self, const Arguments& arguments) {
  const size_t at = self.text()->text().find(text_of(other(arguments), "find").text());
  if (at == std::string::npos) return Value(int64_t{-1});
  return Value(base::count_code_points(std::string_view(self.text()->text()).substr(0, at)));
}

Value count_in_text(Interpreter&, const Value& self, const Arguments& arguments) {
  const std::string& wanted = text_of(other(arguments), "count").text();
  require(!wanted.empty(), "count of an empty string is not supported");
  int64_t count = 0;
  const std::string& text = self.text()->text();
  for (size_t at = text.find(wanted); at != std::string::npos;
       at = text.find(wanted, at + wanted.size())) {
    ++count;
  }
  return Value(count);
}

const std::map<std::string, Method>& text_methods() {
  static const std::map<std::string, Method> table = {
      {"strip", &strip_method<true, true>},
      {"lstrip", &strip_method<true, false>},
      {"rstrip", &strip_method<false, true>},
      {"split", &split_method<false>},
      {"rsplit", &split_method<true>},
      {"startswith", &affix_method<true>},
      {"endswith", &affix_method<false>},
      {"find", &find_in_text},
      {"count", &count_in_text},
      {"upper", find_filter("upper")},
      {"lower", find_filter("lower")},
      {"capitalize", find_filter("capitalize")},
      {"title", [](Interpreter&, const Value& self,
                   const Arguments&) { return Value(title_case(*self.text(), false)); }},
      {"replace",
       [](Interpreter& run, const Value& self, const Arguments& arguments) {
         return find_filter("replace")(run, self, arguments);
       }},
      {"join",
       [](Interpreter& run, const Value& self, const Arguments& arguments) {
         const Value items = other(arguments);
         Arguments separator;
         separator.positional.push_back(self);
         return find_filter("join")(run, items, separator);
       }},
  };
  return table;
}

const std::map<std::string, Method>& dict_methods() {
  static const std::map<std::string, Method> table = {
      {"items", find_filter("items")},
      {"keys",
       [](Interpreter&, const Value& self, const Arguments&) {
         std::vector<Value> out;
         for (const auto& [key, value] : *self.dict()) out.push_back(key);
         return Value::list(std::move(out));
       }},
      {"values",
       [](Interpreter&, const Value& self, const Arguments&) {
         std::vector<Value> out;
         for (const auto& [key, value] : *self.dict()) out.push_back(value);
         return Value::list(std::move(out));
       }},
      {"get",
       [](Interpreter&, const Value& self, const Arguments& arguments) {
         require(!arguments.positional.empty() && arguments.positional.size() <= 2,
                 "get wants a key and at most a default");
         if (const Value* found = lookup(*self.dict(), arguments.positional[0])) return *found;
         return arguments.positional.size() == 2 ? arguments.positional[1] : Value();
       }},
  };
  return table;
}

}  // namespace

TestFunction find_test(const std::string& name) {
  const auto found = tests().find(name);
  return found == tests().end() ? nullptr : found->second;
}

Value find_method(Interpreter& run, const Value& value, const std::string& name) {
  if (!value.text() && !value.dict()) return Undefined{name};
  const auto& table = value.text() ? text_methods() : dict_methods();
  const auto found = table.find(name);
  if (found == table.end()) return Undefined{name};
  const Method method = found->second;
  return Value::function(name, [&run, value, method](const Arguments& arguments) {
    run.built(value.text() ? value.weight() : value.dict()->size() * sizeof(Value));
    return method(run, value, arguments);
  });
}

Value attribute_of(Interpreter& run, const Value& value, const std::string& name) {
  require(!value.is_undefined(), value.kind(), " has no attribute '", name, "'");
  Value method = find_method(run, value, name);
  if (!method.is_undefined()) return method;
  if (const DictEntries* dict = value.dict()) {
    run.built(dict->size());
    if (const Value* found = lookup(*dict, Value::string(name))) return *found;
  }
  if (const Value::Space* space = value.space()) {
    if (const auto found = (*space)->find(name); found != (*space)->end()) return found->second;
  }
  return Undefined{name};
}

std::vector<Value> items_of(Interpreter& run, const Value& value) {
  if (value.is_undefined()) return {};
  if (const ListData* list = value.list()) {
    run.built(list->items.size() * sizeof(Value));
    return list->items;
  }
  std::vector<Value> out;
  if (const DictEntries* dict = value.dict()) {
    run.built(dict->size() * sizeof(Value));
    for (const auto& entry : *dict) out.push_back(entry.first);
    return out;
  }
  require(value.text() != nullptr, value.kind(), " cannot be looped over");
  run.built(value.text()->size() * kCharacterBytes);
  const std::vector<size_t> starts = character_starts(*value.text());
  for (size_t i = 0; i + 1 < starts.size(); ++i) {
    out.emplace_back(value.text()->slice(starts[i], starts[i + 1]));
  }
  return out;
}

bool contains(Interpreter& run, const Value& haystack, const Value& needle) {
  if (haystack.is_undefined()) return false;
  if (const TaggedText* text = haystack.text()) {
    run.built(text->size());
    return text->text().find(text_of(needle, "'in' a string").text()) != std::string::npos;
  }
  if (const DictEntries* dict = haystack.dict()) {
    run.built(dict->size());
    return lookup(*dict, needle) != nullptr;
  }
  require(haystack.list() != nullptr, haystack.kind(), " cannot be searched");
  run.built(haystack.weight());
  const auto& items = haystack.list()->items;
  return std::any_of(items.begin(), items.end(),
                     [&](const Value& item) { return equal(item, needle); });
}

}  // namespace visavis::text
