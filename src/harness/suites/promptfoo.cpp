#include "harness/suites/promptfoo.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/suites/asserts.h"
#include "harness/suites/document.h"
#include "harness/suites/options.h"
#include "harness/suites/separated.h"

namespace visavis::suites {
namespace {

constexpr int64_t kMaxBytes = int64_t{4} << 20;
constexpr size_t kMaxQuestions = 100'000;
constexpr size_t kMaxImages = 64;
constexpr size_t kMaxOptions = 26;

// Of a whole promptfoo file: what the experiment decides here.
constexpr std::array<const char*, 5> kLeftAlone = {"providers", "evaluateOptions", "outputPath",
                                                   "sharing", "tags"};

// What a test, or defaultTest, says.
struct Case {
  std::map<std::string, std::string> vars;
  std::vector<std::string> images;
  std::vector<std::string> options;
  std::vector<KeyPart> parts;
  bool cluster_by_picture = true;  // else every test is a cluster of its own
};

class Reader {
 public:
  Reader(const std::filesystem::path& file, const std::string& name)
      : path_(file), file_(file.string()) {
    suite_.name = name;
    suite_.title = {name, name};
    suite_.source = path_;
  }

  Suite read_file(std::string_view text) {
    const Node root = parse_yaml(text, file_);
    if (root.kind == Node::Kind::list) {
      read_tests(root, {});
    } else {
      const Fields fields(root, file_, "file of tests",
                          {"description", "prompts", "tests", "defaultTest", kLeftAlone[0],
                           kLeftAlone[1], kLeftAlone[2], kLeftAlone[3], kLeftAlone[4]});
      if (const std::string text = fields.text("description"); !text.empty())
        suite_.description = {text, text};
      for (const char* key : kLeftAlone)
        if (fields.find(key) != nullptr) note_left_alone(key);
      prompts_ = read_prompts(fields);
      const Node& tests = fields.require("tests");
      if (tests.kind != Node::Kind::list || tests.items.empty())
        fields.fail_at(tests, "'tests' is not a list of at least one test");
      read_tests(tests, read_default(fields.find("defaultTest")));
    }
    require(!suite_.questions.empty(), file_, ": holds no test");
    return std::move(suite_);
  }

  Suite read_inline(const InlineTests& given) {
    in_experiment_ = true;
    scenario_ = suite_.name;
    prompts_ = given.prompts;
    Case common = read_default(given.default_test);
    if (given.asserts != nullptr) read_asserts(*given.asserts, common);
    read_tests(given.tests, common);
    return std::move(suite_);
  }

 private:
  void note_left_alone(const std::string& key) {
    suite_.notes.push_back({"'" + key + "' of " + path_.filename().string() + " is left alone.",
                            "未使用 " + path_.filename().string() + " 中的 '" + key + "'。"});
  }

  Case read_default(const Node* node) const {
    if (node == nullptr) return {};
    const Fields fields(*node, file_, "defaultTest", {"vars", "assert", "options"});
    Case common = read_case(fields, {});
    if (const Node* options = fields.find("options")) {
      const Fields known(*options, file_, "options", {"cluster_key"});
      const std::string key = known.text("cluster_key", "image");
      if (key != "image" && key != "id")
        known.fail_at(*options, "'cluster_key' is '" + key + "', wanted image or id");
      common.cluster_by_picture = key == "image";
    }
    return common;
  }

  Case read_case(const Fields& fields, Case found) const {
    if (const Node* vars = fields.find("vars")) {
      if (vars->kind != Node::Kind::map) fields.fail_at(*vars, "'vars' is not a map");
      for (const auto& [name, value] : vars->entries) read_variable(name, value, found);
    }
    if (const Node* asserts = fields.find("assert")) read_asserts(*asserts, found);
    return found;
  }

  void read_asserts(const Node& asserts, Case& found) const {
    if (asserts.kind != Node::Kind::list) fail_at(file_, asserts.line, "'assert' is not a list");
    for (const Node& node : asserts.items) found.parts.push_back(read_assert(node, file_));
  }

  void read_variable(const std::string& name, const Node& value, Case& found) const {
    const bool pictures = name == "image" || name == "images";
    if (pictures || name == "options") {
      std::vector<std::string> texts;
      if (value.kind == Node::Kind::scalar) texts = {value.scalar};
      for (const Node& item : value.items) {
        if (item.kind != Node::Kind::scalar)
          fail_at(file_, item.line, "'" + name + "' holds something that is no text");
        texts.push_back(item.scalar);
      }
      if (texts.empty()) fail_at(file_, value.line, "'" + name + "' is empty");
      (pictures ? found.images : found.options) = std::move(texts);
      return;
    }
    if (value.kind != Node::Kind::scalar)
      fail_at(file_, value.line,
              "variable '" + name + "' is no single value; write one test for each");
    found.vars[name] = value.scalar;
  }

  void read_tests(const Node& list, const Case& common) {
    for (const Node& node : list.items) {
      // In promptfoo's own files a test's prompts are labels of others.
      const Fields fields =
          in_experiment_
              ? Fields(node, file_, "test",
                       {"description", "vars", "prompts", "assert", "metadata"})
              : Fields(node, file_, "test", {"description", "vars", "assert", "metadata"});
      const Case test = read_case(fields, common);
      Question question;
      question.line = node.line;
      question.id = std::to_string(++tests_);
      read_metadata(fields, question);
      put_pictures(test, node, question);
      put_parts(test.parts, question);
      if (!test.options.empty()) question.key.options = test.options;
      if (question.key.options.size() > kMaxOptions)
        fields.fail_at(node, "found " + std::to_string(question.key.options.size()) +
                                 " options, wanted at most " + std::to_string(kMaxOptions));
      const std::vector<Prompt> own = read_prompts(fields);
      ask(test, question, own.empty() ? prompts_ : own);
    }
  }

  void read_metadata(const Fields& fields, Question& question) {
    question.scenario = scenario_;
    question.lang.clear();
    const Node* node = fields.find("metadata");
    if (node == nullptr) return;
    const Fields metadata(*node, file_, "metadata", {"id", "scenario", "lang", "cluster"});
    question.id = metadata.text("id", question.id);
    question.scenario = metadata.text("scenario", scenario_);
    question.cluster = metadata.text("cluster");
    question.lang = metadata.text("lang");
    if (!question.lang.empty() && question.lang != "en" && question.lang != "zh")
      metadata.fail_at(*node, "'lang' is '" + question.lang + "', wanted en or zh");
    if (question.id.empty() || question.scenario.empty())
      metadata.fail_at(*node, "'id' or 'scenario' is empty");
  }

  void put_pictures(const Case& test, const Node& node, Question& question) const {
    if (test.images.size() > kMaxImages)
      fail_at(file_, node.line, "more than " + std::to_string(kMaxImages) + " pictures");
    for (const std::string& name : test.images) {
      if (name.starts_with("http://") || name.starts_with("https://") || name.starts_with("data:"))
        fail_at(file_, node.line, "picture '" + name.substr(0, 80) + "' is no file");
      const std::string path = name.starts_with("file://") ? name.substr(7) : name;
      if (path.empty()) fail_at(file_, node.line, "a picture has an empty name");
      question.images.push_back({.name = path, .path = base::resolve(path_.parent_path(), path)});
    }
    if (question.cluster.empty())
      question.cluster = question.images.empty() || !test.cluster_by_picture
                             ? question.id
                             : question.images.front().name;
  }

  // Puts the test to every prompt.
  void ask(const Case& test, const Question& question, std::vector<Prompt> prompts) {
    if (prompts.empty()) prompts = {{"{{question}}", static_cast<int>(question.line)}};
    for (size_t i = 0; i < prompts.size(); ++i) {
      require(suite_.questions.size() < kMaxQuestions, file_, ": more than ", kMaxQuestions,
              " questions");
      Question asked = question;
      if (prompts.size() > 1) asked.id += "-p" + std::to_string(i + 1);
      asked.stem = stem_of(prompts[i], test, question);
      if (asked.lang.empty()) asked.lang = has_cjk(asked.stem) ? "zh" : "en";
      asked.question = with_options(
          {.hint = "", .question = asked.stem, .options = asked.key.options, .lang = asked.lang});
      const auto same = [&](const Scenario& scenario) { return scenario.id == asked.scenario; };
      if (std::none_of(suite_.scenarios.begin(), suite_.scenarios.end(), same))
        suite_.scenarios.push_back({asked.scenario, {asked.scenario, asked.scenario}, true});
      suite_.questions.push_back(std::move(asked));
    }
  }

  std::string stem_of(const Prompt& prompt, const Case& test, const Question& question) const {
    std::string text = filled(prompt, file_, [&](const std::string& name) {
      const auto variable = test.vars.find(name);
      if (variable == test.vars.end())
        fail_at(file_, static_cast<int>(question.line),
                "the prompt of line " + std::to_string(prompt.line) + " wants the variable '" +
                    name + "', which the test does not have");
      return variable->second;
    });
    if (base::trim(text).empty())
      fail_at(file_, static_cast<int>(question.line), "the question is empty");
    return text;
  }

  std::filesystem::path path_;
  std::string file_;
  bool in_experiment_ = false;
  std::string scenario_ = "all";  // of tests that name none
  Suite suite_;
  std::vector<Prompt> prompts_;
  size_t tests_ = 0;
};

}  // namespace

bool is_promptfoo(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

Suite parse_promptfoo(std::string_view text, const std::filesystem::path& file) {
  return Reader(file, file.stem().string()).read_file(text);
}

Suite read_inline_tests(const InlineTests& given, const std::filesystem::path& file) {
  return Reader(file, given.name).read_inline(given);
}

Suite read_promptfoo(const std::filesystem::path& path) {
  return parse_promptfoo(base::read_file(path, kMaxBytes), path);
}

}  // namespace visavis::suites
