#include "harness/suites/items.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/suites/document.h"
#include "harness/suites/options.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{256} << 20;
constexpr size_t kMaxQuestions = 1'000'000;
constexpr size_t kMaxImages = 64;
constexpr size_t kMaxOptions = 26;  // A to Z

std::vector<Fact> read_facts(const Fields& fields, std::string_view key) {
  std::vector<Fact> facts;
  const Node* list = fields.find(key);
  if (list == nullptr) return facts;
  if (list->kind != Node::Kind::list)
    fields.fail_at(*list, "'" + std::string(key) + "' is not a list of {\"any\": [...]}");
  for (const Node& item : list->items) {
    const Fields entry(item, fields.file(), "'" + std::string(key) + "' entry", {"any"});
    Fact fact{entry.texts("any")};
    if (fact.any.empty()) entry.fail_at(item, "'any' is empty");
    for (const std::string& wording : fact.any)
      if (base::trim(wording).empty()) entry.fail_at(item, "'any' holds an empty wording");
    facts.push_back(std::move(fact));
  }
  return facts;
}

std::vector<std::string> read_wordings(const Fields& fields, std::string_view key) {
  std::vector<std::string> out = fields.texts(key);
  for (const std::string& wording : out)
    if (base::trim(wording).empty())
      fields.fail_at(fields.node(), "'" + std::string(key) + "' holds an empty text");
  return out;
}

std::string default_grader(const Key& key) {
  if (!key.facts.empty()) return "facts";
  if (!key.changes.empty()) return "changes";
  if (!key.options.empty()) return "choice";
  return key.answers.empty() ? "shown" : "contains";
}

Question read_question(const Node& node, const std::string& file,
                       const std::filesystem::path& folder) {
  const Fields fields(node, file, "item",
                      {"id", "scenario", "category", "lang", "difficulty", "cluster", "images",
                       "question", "grader", "answer", "aliases", "options", "facts",
                       "contradictions", "changes", "distractors"});
  Question question;
  question.id = fields.required_text("id");
  // "category" is the word of other tools' files for the same thing.
  question.scenario = fields.text("scenario", fields.text("category", "all"));
  question.lang = fields.text("lang", "en");
  if (question.lang != "en" && question.lang != "zh")
    fields.fail_at(node, "'lang' is '" + question.lang + "', wanted en or zh");
  question.difficulty = static_cast<int>(fields.integer("difficulty", 1, 1, 3));
  for (const std::string& name : fields.texts("images")) {
    if (name.empty()) fields.fail_at(node, "'images' holds an empty name");
    question.images.push_back({name, base::resolve(folder, name)});
  }
  if (question.images.size() > kMaxImages)
    fields.fail_at(node, "found " + std::to_string(question.images.size()) +
                             " images, wanted at most " + std::to_string(kMaxImages));
  question.cluster =
      fields.text("cluster", question.images.empty() ? question.id : question.images.front().name);
  question.question = fields.required_text("question");
  question.key.answers = read_wordings(fields, "answer");
  for (std::string& alias : read_wordings(fields, "aliases"))
    question.key.answers.push_back(std::move(alias));
  question.key.options = fields.texts("options");
  if (question.key.options.size() > kMaxOptions)
    fields.fail_at(node, "found " + std::to_string(question.key.options.size()) +
                             " options, wanted at most " + std::to_string(kMaxOptions));
  question.question = with_options({.hint = "",
                                    .question = std::move(question.question),
                                    .options = question.key.options,
                                    .lang = question.lang});
  question.key.facts = read_facts(fields, "facts");
  question.key.contradictions = read_wordings(fields, "contradictions");
  question.key.changes = read_facts(fields, "changes");
  question.key.distractors = read_facts(fields, "distractors");
  question.grader = fields.text("grader", default_grader(question.key));
  return question;
}

}  // namespace

std::vector<Question> parse_items(const std::string& text, const std::string& file,
                                  const std::filesystem::path& folder) {
  std::vector<Question> questions;
  int line = 0;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view content = base::trim(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    ++line;
    if (content.empty()) continue;
    require(questions.size() < kMaxQuestions, file, ": more than ", kMaxQuestions, " questions");
    questions.push_back(read_question(parse_json_line(content, file, line), file, folder));
  }
  require(!questions.empty(), file, ": holds no question");
  return questions;
}

std::vector<Question> read_items(const std::filesystem::path& path,
                                 const std::filesystem::path& folder) {
  return parse_items(base::read_file(path, kMaxFileBytes), path.string(), folder);
}

}  // namespace visavis::suites
