// Grader "schema": the answer is JSON, alone or in one fenced block, that follows the key's JSON
// Schema (Draft 7). What the library would pass over in silence is refused when the suite is read:
// unknown keywords, recursion, and keywords that need a backtracking regular expression.
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "harness/graders/rows.h"

namespace visavis::graders {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxBytes = size_t{1} << 20;  // of an answer or a schema
constexpr int kMaxDepth = 64;
constexpr int kMaxValues = 10'000;  // uniqueItems compares each with each
constexpr int kMaxSteps = 10'000;   // schemas looked at, references followed

constexpr std::array<std::string_view, 20> kPlain = {
    "type",        "enum",        "const",         "required",      "minimum",
    "maximum",     "multipleOf",  "minLength",     "maxLength",     "minItems",
    "maxItems",    "uniqueItems", "minProperties", "maxProperties", "title",
    "description", "default",     "examples",      "$schema",       "$comment"};
// exclusiveMinimum is a number since Draft 6; the library reads both forms by the draft.
constexpr std::array<std::string_view, 2> kNumbers = {"exclusiveMinimum", "exclusiveMaximum"};
constexpr std::array<std::string_view, 8> kOne = {
    "not",      "if",           "then", "else", "additionalProperties", "additionalItems",
    "contains", "propertyNames"};
constexpr std::array<std::string_view, 3> kLists = {"allOf", "anyOf", "oneOf"};
constexpr std::array<std::string_view, 3> kMaps = {"properties", "definitions", "$defs"};
constexpr std::array<std::string_view, 3> kNeedPatterns = {"pattern", "patternProperties",
                                                           "format"};

template <size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Brackets nest no deeper and commas are no more than that, whatever the rest of the text is.
bool is_small(std::string_view text) {
  int depth = 0;
  int values = 1;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (c == ',') ++values;
    if (depth > kMaxDepth || values > kMaxValues) return false;
  }
  return true;
}

std::optional<Json> parse(std::string_view text) {
  if (text.size() > kMaxBytes || !is_small(text)) return std::nullopt;
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

// Walks a schema and whatever it refers to.
class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  // What is wrong, or nothing.
  std::string check(const Json& schema) {
    if (++steps_ > kMaxSteps) return "is too large or refers to itself too often";
    if (schema.is_boolean()) return "";
    if (!schema.is_object()) return "holds " + schema.dump() + ", wanted a schema";
    for (const auto& [key, value] : schema.items())
      if (std::string problem = check_keyword(key, value); !problem.empty()) return problem;
    return "";
  }

 private:
  std::string check_keyword(const std::string& key, const Json& value) {
    if (is_one_of(key, kPlain)) return "";
    if (is_one_of(key, kNumbers))
      return value.is_number() ? "" : "has '" + key + "' that is no number (Draft 7)";
    if (is_one_of(key, kNeedPatterns))
      return "has '" + key + "', which is not checked here; use the grader 'regex' beside it";
    if (is_one_of(key, kOne)) return check(value);
    if (is_one_of(key, kLists)) return check_list(value);
    if (key == "items") return value.is_array() ? check_list(value) : check(value);
    if (is_one_of(key, kMaps)) return check_map(value);
    if (key == "$ref") return check_reference(value);
    return "has the keyword '" + key + "', which is not known (Draft 7)";
  }

  std::string check_list(const Json& list) {
    if (!list.is_array()) return "holds " + list.dump() + ", wanted a list of schemas";
    for (const Json& schema : list)
      if (std::string problem = check(schema); !problem.empty()) return problem;
    return "";
  }

  std::string check_map(const Json& map) {
    if (!map.is_object()) return "holds " + map.dump() + ", wanted schemas by name";
    for (const auto& [name, schema] : map.items())
      if (std::string problem = check(schema); !problem.empty()) return problem;
    return "";
  }

  std::string check_reference(const Json& value) {
    if (!value.is_string()) return "has a '$ref' that is no text";
    const std::string reference = value.get<std::string>();
    if (!reference.starts_with("#/"))
      return "refers to '" + reference + "', wanted a place in itself (#/...)";
    if (reference.find_first_of("~%") != std::string::npos)
      return "refers to '" + reference + "'; escapes are not accepted";
    if (!open_.insert(reference).second) return "refers to '" + reference + "' from within it";
    const Json::json_pointer pointer(reference.substr(1));
    if (!root_.contains(pointer)) return "refers to '" + reference + "', which does not exist";
    std::string problem = check(root_.at(pointer));
    open_.erase(reference);
    return problem;
  }

  const Json& root_;
  std::set<std::string> open_;
  int steps_ = 0;
};

// Throws what the library throws.
void load(const Json& json, valijson::Schema& schema) {
  valijson::SchemaParser parser;
  const valijson::adapters::NlohmannJsonAdapter adapter(json);
  parser.populateSchema(adapter, schema);
}

struct Body {
  std::string text;
  const char* rule;
};

// The answer, or what its only fenced block holds.
Body body_of(std::string_view answer) {
  constexpr std::string_view kFence = "```";
  const std::string_view whole = base::trim(answer);
  const size_t begin = whole.find(kFence);
  if (begin == std::string_view::npos) return {std::string(whole), "schema.whole"};
  const size_t line = whole.find('\n', begin);
  const size_t end = line == std::string_view::npos ? line : whole.find(kFence, line);
  if (end == std::string_view::npos || whole.find(kFence, end + kFence.size()) != whole.npos)
    return {std::string(whole), "schema.whole"};
  return {std::string(base::trim(whole.substr(line, end - line))), "schema.fenced"};
}

}  // namespace

std::string schema_problem(const suites::Key& key) {
  if (key.schema.empty()) return "needs 'schema', which is absent";
  const std::optional<Json> json = parse(key.schema);
  if (!json)
    return "needs a 'schema' that is JSON, nested at most 64 deep, of at most 10,000 values";
  try {
    if (const std::string problem = Checker(*json).check(*json); !problem.empty())
      return "cannot use its 'schema': it " + problem;
    valijson::Schema schema;
    load(*json, schema);
  } catch (const std::exception& error) {
    return std::string("cannot use its 'schema': ") + error.what();
  }
  return "";
}

Grade schema_grade(const suites::Question& question, std::string_view answer, const Cutoffs&) {
  const Body body = body_of(answer);
  Grade grade;
  grade.rule = "schema.no_json";
  grade.normalised = base::valid_utf8(body.text);
  grade.verdict = Verdict::wrong;
  const std::optional<Json> found = parse(body.text);
  if (!found) {
    grade.evidence.push_back(
        {"violation", "the answer is no JSON, or has too many values", "", -1, -1});
    return grade;
  }
  grade.rule = body.rule;
  try {
    valijson::Schema schema;
    load(Json::parse(question.key.schema), schema);
    valijson::Validator validator;
    valijson::ValidationResults results;
    const valijson::adapters::NlohmannJsonAdapter target(*found);
    if (validator.validate(schema, target, &results)) {
      grade.score = 1;
      grade.verdict = Verdict::full;
      grade.raw_match = grade.rule == "schema.whole";
    }
    for (const valijson::ValidationResults::Error& error : results)
      grade.evidence.push_back(
          {"violation", base::join(error.context, "") + ": " + error.description, "", -1, -1});
  } catch (const std::exception& error) {
    grade.evidence.push_back({"violation", error.what(), "", -1, -1});
  }
  return grade;
}

}  // namespace visavis::graders
