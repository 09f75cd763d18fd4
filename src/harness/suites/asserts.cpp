#include "harness/suites/asserts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"

namespace visavis::suites {
namespace {

using base::Json;

// What an assertion's value becomes.
enum class Value { answers, every, schema, changes, none };

struct Type {
  const char* name;
  const char* grader;
  Value value;
};

// Promptfoo's names first, then ours.
constexpr std::array<Type, 27> kTypes = {{
    {"equals", "exact", Value::answers},
    {"contains", "contains", Value::answers},
    {"icontains", "contains", Value::answers},
    {"contains-any", "contains", Value::answers},
    {"icontains-any", "contains", Value::answers},
    {"contains-all", "facts", Value::every},
    {"icontains-all", "facts", Value::every},
    {"regex", "regex", Value::answers},
    {"is-json", "schema", Value::schema},
    {"exact", "exact", Value::answers},
    {"schema", "schema", Value::schema},
    {"json-schema", "schema", Value::schema},
    {"number", "number", Value::answers},
    {"relaxed", "number", Value::answers},
    {"anls", "anls", Value::answers},
    {"anls-vlmevalkit", "anls_vlmevalkit", Value::answers},
    {"overlap", "overlap", Value::answers},
    {"f1", "overlap", Value::answers},
    {"vqa", "vqa", Value::answers},
    {"vqa-soft", "vqa", Value::answers},
    {"choice", "choice", Value::answers},
    {"mcq", "choice", Value::answers},
    {"facts", "facts", Value::every},
    {"changes", "changes", Value::changes},
    {"change-list", "changes", Value::changes},
    {"shown", "shown", Value::none},
    {"none", "shown", Value::none},
}};

const Type& find_type(const Fields& fields, const Node& node, std::string_view name) {
  for (const Type& type : kTypes)
    if (name == type.name) return type;
  std::vector<std::string> known;
  for (const Type& type : kTypes) known.emplace_back(type.name);
  fields.fail_at(node, "no grader for assert type '" + std::string(name) +
                           "'; known: " + base::join(known, ", "));
}

// YAML's plain values as JSON's: what reads as a number, a boolean or null is one.
Json json_of(const Node& node) {
  if (node.kind == Node::Kind::null) return nullptr;
  if (node.kind == Node::Kind::list) {
    Json list = Json::array();
    for (const Node& item : node.items) list.push_back(json_of(item));
    return list;
  }
  if (node.kind == Node::Kind::map) {
    Json map = Json::object();
    for (const auto& [key, value] : node.entries) map[key] = json_of(value);
    return map;
  }
  const std::string& text = node.scalar;
  if (text == "true" || text == "false") return text == "true";
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return text;
  Json parsed = Json::parse(text, nullptr, false);
  return parsed.is_number() ? parsed : Json(text);
}

// A list of wordings, or of {any: [...]}.
std::vector<Fact> facts_of(const Fields& fields, const std::string& file) {
  std::vector<Fact> facts;
  const Node& value = fields.require("value");
  if (value.kind == Node::Kind::scalar) return {{{value.scalar}}};
  if (value.kind != Node::Kind::list) fields.fail_at(value, "'value' of assert is no list");
  for (const Node& item : value.items) {
    Fact fact;
    if (item.kind == Node::Kind::scalar)
      fact.any = {item.scalar};
    else
      fact.any = Fields(item, file, "'value' entry", {"any"}).texts("any");
    if (fact.any.empty()) fields.fail_at(item, "'value' of assert holds an empty entry");
    for (const std::string& wording : fact.any)
      if (base::trim(wording).empty())
        fields.fail_at(item, "'value' of assert holds an empty text");
    facts.push_back(std::move(fact));
  }
  return facts;
}

void read_value(const Fields& fields, const Type& type, const std::string& file, Key& key) {
  switch (type.value) {
    case Value::answers:
      key.answers = fields.texts("value");
      for (const std::string& answer : key.answers)
        if (base::trim(answer).empty())
          fields.fail_at(fields.node(), "'value' of assert holds an empty text");
        else if (answer.find("{{") != std::string::npos)
          fields.fail_at(fields.node(), "'value' of assert holds a {{variable}}, wanted a text");
      return;
    case Value::every:
      key.facts = facts_of(fields, file);
      return;
    case Value::changes:
      key.changes = facts_of(fields, file);
      return;
    case Value::schema: {
      const Node* value = fields.find("value");
      if (value == nullptr)
        key.schema = "{}";
      else
        key.schema =
            value->kind == Node::Kind::scalar ? value->scalar : base::dump_json(json_of(*value));
      return;
    }
    case Value::none:
      return;
  }
}

}  // namespace

KeyPart read_assert(const Node& node, const std::string& file) {
  constexpr std::string_view kNot = "not-";
  const Fields fields(node, file, "assert",
                      {"type", "value", "weight", "options", "full", "partial"});
  std::string name = fields.required_text("type");
  KeyPart part;
  part.keys.resize(1);
  Key& key = part.keys.front();
  part.negated = name.starts_with(kNot);
  if (part.negated) name.erase(0, kNot.size());
  const Type& type = find_type(fields, fields.require("type"), name);
  part.grader = type.grader;
  part.weight = fields.number("weight", 1, 0, 1e6);
  read_value(fields, type, file, key);
  key.options = fields.texts("options");
  if (fields.find("full") != nullptr) key.facts_full = fields.number("full", 0, 0, 1);
  if (fields.find("partial") != nullptr) key.facts_partial = fields.number("partial", 0, 0, 1);
  // Promptfoo's contains-all means all.
  if (type.value == Value::every && name != "facts" && !key.facts_full) key.facts_full = 1;
  return part;
}

void put_parts(std::vector<KeyPart> parts, Question& question) {
  if (parts.empty()) {
    question.grader = "shown";
    return;
  }
  if (parts.size() == 1 && !parts.front().negated) {
    question.grader = parts.front().grader;
    question.key = std::move(parts.front().keys.front());
    return;
  }
  question.grader = "all";
  question.key.parts = std::move(parts);
}

}  // namespace visavis::suites
