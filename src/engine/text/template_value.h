// Values of the template language, with Python's meaning of truth, equality, order and printing.
// Strings are tagged text, so a user's bytes stay known whatever a template does with them. Values
// are cheap to copy; all but namespaces are immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "engine/text/tagged_text.h"

namespace visavis::text {

class Value;

/// What a name or attribute that does not exist gives. Prints as nothing; using it is an error.
struct Undefined {
  std::string name;
};
struct None {};

struct ListData {
  std::vector<Value> items;
  bool tuple = false;  // prints with round brackets
  size_t weight = 0;
  int depth = 1;
};
using DictEntries = std::vector<std::pair<Value, Value>>;  // in order of insertion
struct DictData {
  DictEntries entries;
  size_t weight = 0;
  int depth = 1;
};
using SpaceData = std::map<std::string, Value>;

/// Arguments of a call of a function, filter, test or macro.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
  int line = 0;

  /// The argument at this position or of this name; null if it was not given.
  const Value* find(size_t position, const char* name) const;
  /// Throws Error unless at most `count` positional arguments were given and every name is known.
  void expect(const std::string& function, size_t count,
              std::initializer_list<const char*> names) const;
};

struct Callable {
  std::string name;
  std::function<Value(const Arguments&)> call;
};

class Value {
 public:
  using String = std::shared_ptr<const TaggedText>;
  using List = std::shared_ptr<const ListData>;
  using Dict = std::shared_ptr<const DictData>;
  using Space = std::shared_ptr<SpaceData>;
  using Function = std::shared_ptr<const Callable>;

  Value() : data_(None{}) {}
  Value(bool value) : data_(value) {}                // NOLINT: values convert from what they hold
  Value(int64_t value) : data_(value) {}             // NOLINT
  Value(double value) : data_(value) {}              // NOLINT
  Value(TaggedText text);                            // NOLINT
  Value(Undefined what) : data_(std::move(what)) {}  // NOLINT
  /// A string of ours.
  static Value string(std::string text) { return Value(TaggedText(std::move(text))); }
  /// Throws Error if the value becomes deeper or heavier than a template may build.
  static Value list(std::vector<Value> items, bool tuple = false);
  static Value dict(DictEntries entries);
  static Value space(Space names);
  static Value function(std::string name, std::function<Value(const Arguments&)> call);

  template <class T>
  const T* get() const {
    return std::get_if<T>(&data_);
  }
  const TaggedText* text() const;
  const ListData* list() const;
  const DictEntries* dict() const;
  const Space* space() const { return std::get_if<Space>(&data_); }
  const Callable* function() const;
  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  bool is_number() const;  // booleans are numbers, as in Python

  /// "a string", "a list", ... for errors.
  std::string kind() const;
  bool truth() const;
  /// About the bytes that printing or comparing the value takes, shared parts counted each time.
  size_t weight() const;
  /// An integer or boolean as a number; nullopt for anything else.
  std::optional<int64_t> integer() const;
  /// Any number as a double.
  std::optional<double> real() const;

 private:
  int depth() const;

  std::variant<Undefined, None, bool, int64_t, double, String, List, Dict, Space, Function> data_;
};

/// Python's ==.
bool equal(const Value& a, const Value& b);
/// Python's <, for two numbers or two strings. Throws Error for other pairs.
bool less(const Value& a, const Value& b);
/// Python's str(): what {{ value }} prints.
TaggedText printed(const Value& value);
/// Python's repr(), used inside printed lists.
TaggedText represented(const Value& value);
/// Python's json.dumps(value, ensure_ascii=False, indent=indent); indent < 0: on one line.
TaggedText to_json(const Value& value, int64_t indent);
/// The value of a key of a dictionary, or null.
const Value* lookup(const DictEntries& entries, const Value& key);

}  // namespace visavis::text
