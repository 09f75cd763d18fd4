// What the nodes of a chat template do, with Jinja's and Python's meaning.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "engine/text/template_interpreter.h"
#include "engine/text/template_library.h"
#include "engine/text/template_strings.h"

namespace visavis::text {
namespace {

using Level = Interpreter::Level;

Value in_range(bool overflow, const int64_t& result) {
  require(!overflow, "a whole number gets out of range");
  return Value(result);
}

std::optional<int64_t> integer_power(int64_t base, int64_t exponent) {
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(result, base, &result)) return std::nullopt;
    if (result == 0 || result == 1) break;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  }
  return result;
}

Value integer_arithmetic(const std::string& op, int64_t a, int64_t b) {
  int64_t result = 0;
  if (op == "+") return in_range(__builtin_add_overflow(a, b, &result), result);
  if (op == "-") return in_range(__builtin_sub_overflow(a, b, &result), result);
  if (op == "*") return in_range(__builtin_mul_overflow(a, b, &result), result);
  if (op == "**") {
    if (b < 0) return Value(std::pow(static_cast<double>(a), static_cast<double>(b)));
    const std::optional<int64_t> power = integer_power(a, b);
    return in_range(!power, power.value_or(0));
  }
  require(b != 0, "division by zero");
  if (op == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
  require(a != std::numeric_limits<int64_t>::min() || b != -1, "a whole number gets out of range");
  int64_t quotient = a / b;
  int64_t remainder = a % b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {  // Python rounds down
    --quotient;
    remainder += b;
  }
  return Value(op == "//" ? quotient : remainder);
}

Value real_arithmetic(const std::string& op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (op == "**") return Value(std::pow(a, b));
  require(b != 0, "division by zero");
  if (op == "/") return Value(a / b);
  if (op == "//") return Value(std::floor(a / b));
  return Value(a - b * std::floor(a / b));
}

Value repeat(Interpreter& run, const Value& value, int64_t times) {
  const auto count = static_cast<size_t>(std::max<int64_t>(times, 0));
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, value.weight() + 1, &bytes)) bytes = SIZE_MAX;
  run.built(bytes);
  if (const TaggedText* text = value.text()) {
    TaggedText out;
    for (size_t i = 0; i < count && !text->empty(); ++i) {
      out.append(*text);
    }
    return Value(std::move(out));
  }
  std::vector<Value> items;
  for (size_t i = 0; i < count && !value.list()->items.empty(); ++i) {
    items.insert(items.end(), value.list()->items.begin(), value.list()->items.end());
  }
  return Value::list(std::move(items), value.list()->tuple);
}

Value concatenated(Interpreter& run, const TaggedText& a, const TaggedText& b) {
  run.built(a.size() + b.size());
  TaggedText out = a;
  out.append(b);
  return Value(std::move(out));
}

Value arithmetic(Interpreter& run, const std::string& op, const Value& a, const Value& b) {
  if (a.integer() && b.integer()) return integer_arithmetic(op, *a.integer(), *b.integer());
  if (a.is_number() && b.is_number()) return real_arithmetic(op, *a.real(), *b.real());
  if (op == "+" && a.text() && b.text()) return concatenated(run, *a.text(), *b.text());
  if (op == "+" && a.list() && b.list()) {
    run.built(a.weight() + b.weight());
    std::vector<Value> items = a.list()->items;
    items.insert(items.end(), b.list()->items.begin(), b.list()->items.end());
    return Value::list(std::move(items), a.list()->tuple);
  }
  if (op == "*" && (a.text() || a.list()) && b.integer()) return repeat(run, a, *b.integer());
  if (op == "*" && (b.text() || b.list()) && a.integer()) return repeat(run, b, *a.integer());
  if (op == "%" && a.text()) return Value(formatted(run, *a.text(), b));
  fail("'", op, "' of ", a.kind(), " and ", b.kind(), " is not possible");
}

bool compare(Interpreter& run, const std::string& op, const Value& a, const Value& b) {
  if (op == "in") return contains(run, b, a);
  if (op == "not in") return !contains(run, b, a);
  run.built(std::min(a.weight(), b.weight()));
  if (op == "==") return equal(a, b);
  if (op == "!=") return !equal(a, b);
  if (op == "<") return less(a, b);
  if (op == ">") return less(b, a);
  return op == "<=" ? !less(b, a) : !less(a, b);
}

// Python's slice bounds for a sequence of `size`: where it starts, where it stops, its step.
struct Bounds {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t step = 1;
};

Bounds slice_bounds(const Value& begin, const Value& end, const Value& step, int64_t size) {
  const auto number = [](const Value& value, int64_t fallback) {
    if (value.is_none()) return fallback;
    require(value.integer().has_value(), "a slice wants whole numbers, found ", value.kind());
    return *value.integer();
  };
  Bounds bounds;
  bounds.step = number(step, 1);
  require(bounds.step != 0, "a slice has step 0");
  const bool forward = bounds.step > 0;
  const auto clip = [&](int64_t at) {
    if (at < 0) at = std::max<int64_t>(at + size, forward ? 0 : -1);
    return std::min(at, forward ? size : size - 1);
  };
  bounds.begin = begin.is_none() ? (forward ? 0 : size - 1) : clip(number(begin, 0));
  bounds.end = end.is_none() ? (forward ? size : -1) : clip(number(end, 0));
  // Larger steps reach no further element.
  bounds.step = std::clamp(bounds.step, -size - 1, size + 1);
  return bounds;
}

template <class Use>
void for_slice(const Bounds& bounds, Use use) {
  for (int64_t at = bounds.begin; bounds.step > 0 ? at < bounds.end : at > bounds.end;
       at += bounds.step) {
    use(static_cast<size_t>(at));
  }
}

Value item_of(Interpreter& run, const Value& object, const Value& index) {
  if (const DictEntries* dict = object.dict()) {
    run.built(dict->size());
    if (const Value* found = text::lookup(*dict, index)) return *found;
  } else if (const auto at = index.integer(); at && (object.list() || object.text())) {
    if (const TaggedText* text = object.text()) return character_at(run, *text, *at);
    const auto& items = object.list()->items;
    const auto size = static_cast<int64_t>(items.size());
    const int64_t place = *at < 0 ? *at + size : *at;
    if (place < 0 || place >= size) return Undefined{"item " + std::to_string(*at)};
    return items[static_cast<size_t>(place)];
  }
  if (const TaggedText* name = index.text()) return attribute_of(run, object, name->text());
  require(!object.is_undefined() && !object.is_none(), object.kind(), " has no items");
  return Undefined{"item"};
}

// The variable `loop` of one round.
Value loop_variable(Interpreter& run, const std::vector<Value>& items, size_t index) {
  const auto number = [](size_t value) { return Value(static_cast<int64_t>(value)); };
  const size_t count = items.size();
  const auto cycle = [index](const Arguments& arguments) {
    require(!arguments.positional.empty(), "loop.cycle wants values");
    return arguments.positional[index % arguments.positional.size()];
  };
  const auto name = [](const char* text) { return Value::string(text); };
  run.built(1024);
  return Value::dict(
      {{name("index"), number(index + 1)},
       {name("index0"), number(index)},
       {name("revindex"), number(count - index)},
       {name("revindex0"), number(count - index - 1)},
       {name("first"), Value(index == 0)},
       {name("last"), Value(index + 1 == count)},
       {name("length"), number(count)},
       {name("depth"), number(1)},
       {name("depth0"), number(0)},
       {name("previtem"), index > 0 ? items[index - 1] : Value(Undefined{"loop.previtem"})},
       {name("nextitem"), index + 1 < count ? items[index + 1] : Value(Undefined{"loop.nextitem"})},
       {name("cycle"), Value::function("cycle", cycle)}});
}

std::map<std::string, Value> bound_names(Interpreter& run, const std::vector<std::string>& targets,
                                         const Value& value) {
  if (targets.size() == 1) return {{targets[0], value}};
  const std::vector<Value> parts = items_of(run, value);
  require(parts.size() == targets.size(), "found ", parts.size(), " values for ", targets.size(),
          " names");
  std::map<std::string, Value> names;
  for (size_t i = 0; i < targets.size(); ++i) names[targets[i]] = parts[i];
  return names;
}

}  // namespace

Value Literal::evaluate(Interpreter& run) const {
  const Level level(run, line);
  return value;
}

Value Name::evaluate(Interpreter& run) const {
  const Level level(run, line);
  return run.lookup(name);
}

Value ListLiteral::evaluate(Interpreter& run) const {
  const Level level(run, line);
  std::vector<Value> values;
  for (const ExpressionPtr& item : items) values.push_back(item->evaluate(run));
  Value list = Value::list(std::move(values), tuple);
  run.built(list.list()->items.size() * sizeof(Value));
  return list;
}

Value DictLiteral::evaluate(Interpreter& run) const {
  const Level level(run, line);
  DictEntries values;
  for (const auto& [key, value] : entries) {
    Value label = key->evaluate(run);
    require(label.text() || label.is_number() || label.is_none(), label.kind(),
            " cannot be the key of a mapping");
    Value content = value->evaluate(run);
    const auto old = std::find_if(values.begin(), values.end(),
                                  [&](const auto& entry) { return equal(entry.first, label); });
    if (old != values.end()) {
      old->second = std::move(content);
    } else {
      values.emplace_back(std::move(label), std::move(content));
    }
  }
  run.built(values.size() * 2 * sizeof(Value));
  return Value::dict(std::move(values));
}

Value Attribute::evaluate(Interpreter& run) const {
  const Level level(run, line);
  return attribute_of(run, object->evaluate(run), name);
}

Value Subscript::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value from = object->evaluate(run);
  return item_of(run, from, index->evaluate(run));
}

Value Slice::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value from = object->evaluate(run);
  const auto part = [&](const ExpressionPtr& bound) {
    return bound ? bound->evaluate(run) : Value();
  };
  const Value first = part(begin);
  const Value last = part(end);
  const Value stride = part(step);
  run.built(from.weight());
  if (const TaggedText* text = from.text()) {
    const std::vector<size_t> starts = character_starts(*text);
    const auto size = static_cast<int64_t>(starts.size()) - 1;
    const Bounds bounds = slice_bounds(first, last, stride, size);
    if (bounds.step == 1) {
      if (bounds.begin >= bounds.end) return Value(TaggedText());
      return Value(text->slice(starts[static_cast<size_t>(bounds.begin)],
                               starts[static_cast<size_t>(bounds.end)]));
    }
    TaggedText out;
    for_slice(bounds, [&](size_t at) { out.append(text->slice(starts[at], starts[at + 1])); });
    return Value(std::move(out));
  }
  require(from.list() != nullptr, from.kind(), " cannot be sliced");
  const auto& items = from.list()->items;
  std::vector<Value> out;
  for_slice(slice_bounds(first, last, stride, static_cast<int64_t>(items.size())),
            [&](size_t at) { out.push_back(items[at]); });
  return Value::list(std::move(out), from.list()->tuple);
}

Value Call::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value callee = function->evaluate(run);
  require(callee.function() != nullptr, callee.kind(), " cannot be called");
  Value result = callee.function()->call(text::evaluate(run, arguments, line));
  run.built(result.text() ? result.weight() : 0);
  return result;
}

Value Filter::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value from = object->evaluate(run);
  run.built(from.weight());
  return find_filter(name)(run, from, text::evaluate(run, arguments, line));
}

Value Test::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value from = object->evaluate(run);
  const bool holds = find_test(name)(run, from, text::evaluate(run, arguments, line));
  return Value(holds != negated);
}

Value Unary::evaluate(Interpreter& run) const {
  const Level level(run, line);
  const Value value = operand->evaluate(run);
  if (op == Operator::logical_not) return Value(!value.truth());
  require(value.is_number(), value.kind(), " has no sign");
  if (!value.integer()) return Value(op == Operator::negate ? -*value.real() : *value.real());
  return op == Operator::negate ? integer_arithmetic("-", 0, *value.integer())
                                : Value(*value.integer());
}

Value Binary::evaluate(Interpreter& run) const {
  const Level level(run, line);
  Value first = left->evaluate(run);
  if (op == "and") return first.truth() ? right->evaluate(run) : first;
  if (op == "or") return first.truth() ? first : right->evaluate(run);
  const Value second = right->evaluate(run);
  if (op == "~") {
    run.built(first.weight() + second.weight());
    return concatenated(run, printed(first), printed(second));
  }
  return arithmetic(run, op, first, second);
}

Value Comparison::evaluate(Interpreter& run) const {
  const Level level(run, line);
  Value previous = first->evaluate(run);
  for (const auto& [op, expression] : rest) {
    Value next = expression->evaluate(run);
    if (!compare(run, op, previous, next)) return Value(false);
    previous = std::move(next);
  }
  return Value(true);
}

Value Conditional::evaluate(Interpreter& run) const {
  const Level level(run, line);
  if (condition->evaluate(run).truth()) return then->evaluate(run);
  if (otherwise) return otherwise->evaluate(run);
  return Undefined{"the value of an if without else"};
}

Flow Output::execute(Interpreter& run) const {
  run.write(TaggedText(text));
  return Flow::next;
}

Flow Print::execute(Interpreter& run) const {
  const Value result = value->evaluate(run);
  run.built(result.weight());
  run.write(printed(result));
  return Flow::next;
}

Flow If::execute(Interpreter& run) const {
  for (const auto& [condition, body] : branches) {
    if (condition->evaluate(run).truth()) return run.run_block(body);
  }
  return run.run_block(otherwise);
}

Flow For::execute(Interpreter& run) const {
  std::vector<Value> rounds = items_of(run, items->evaluate(run));
  if (condition) {
    std::vector<Value> kept;
    for (Value& item : rounds) {
      if (run.evaluate_with(*condition, bound_names(run, targets, item)).truth()) {
        kept.push_back(std::move(item));
      }
    }
    rounds = std::move(kept);
  }
  if (rounds.empty()) return run.run_scoped(otherwise, {});
  for (size_t i = 0; i < rounds.size(); ++i) {
    const Level level(run, line);
    std::map<std::string, Value> names = bound_names(run, targets, rounds[i]);
    names["loop"] = loop_variable(run, rounds, i);
    if (run.run_scoped(body, std::move(names)) == Flow::loop_break) break;
  }
  return Flow::next;
}

Flow Set::execute(Interpreter& run) const {
  Value result = value->evaluate(run);
  if (!attribute.empty()) {
    const Value target = run.lookup(targets[0]);
    require(target.space() != nullptr, "'", targets[0], "' is no namespace, so ", targets[0], ".",
            attribute, " cannot be set");
    (**target.space())[attribute] = std::move(result);
    return Flow::next;
  }
  for (auto& [name, part] : bound_names(run, targets, result)) run.assign(name, part);
  return Flow::next;
}

Flow SetBlock::execute(Interpreter& run) const {
  run.assign(target, Value(run.capture(body)));
  return Flow::next;
}

Flow Macro::execute(Interpreter& run) const {
  const auto call = [this, &run](const Arguments& arguments) {
    require(arguments.positional.size() <= parameters.size(), "macro '", name, "' takes ",
            parameters.size(), " arguments, found ", arguments.positional.size());
    for (const auto& given : arguments.named) {
      const auto is_it = [&](const auto& parameter) { return parameter.first == given.first; };
      require(std::any_of(parameters.begin(), parameters.end(), is_it), "macro '", name,
              "' has no argument '", given.first, "'");
    }
    std::map<std::string, Value> names;
    for (size_t i = 0; i < parameters.size(); ++i) {
      const auto& [label, fallback] = parameters[i];
      if (const Value* given = arguments.find(i, label.c_str())) {
        names[label] = *given;
      } else if (fallback) {
        names[label] = fallback->evaluate(run);
      } else {
        names[label] = Undefined{label};
      }
    }
    return Value(run.call_macro(body, std::move(names)));
  };
  run.assign(name, Value::function(name, call));
  return Flow::next;
}

Flow Plain::execute(Interpreter& run) const { return run.run_block(body); }

}  // namespace visavis::text
