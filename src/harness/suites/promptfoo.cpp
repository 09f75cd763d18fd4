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

struct Prompt {
  std::string text;
  int line = 0;
};

// What a test, or defaultTest, says.
struct Case {
  std::map<std::string, std::string> vars;
  std::vector<std::string> images;
  std::vector<std::string> options;
  std::vector<KeyPart> parts;
};

class Reader {
 public:
  Reader(std::string_view text, const std::filesystem::path& file)
      : path_(file), file_(file.string()), root_(parse_yaml(text, file_)) {}

  Suite read() {
    suite_.name = path_.stem().string();
    suite_.title = {suite_.name, suite_.name};
    suite_.source = path_;
    if (root_.kind == Node::Kind::list) {
      read_tests(root_, {});
    } else {
      const Fields fields(root_, file_, "file of tests",
                          {"description", "prompts", "tests", "defaultTest", kLeftAlone[0],
                           kLeftAlone[1], kLeftAlone[2], kLeftAlone[3], kLeftAlone[4]});
      if (const std::string text = fields.text("description"); !text.empty())
        suite_.description = {text, text};
      for (const char* key : kLeftAlone)
        if (fields.find(key) != nullptr) note_left_alone(key);
      if (const Node* prompts = fields.find("prompts")) read_prompts(fields, *prompts);
      Case common;
      if (const Node* node = fields.find("defaultTest"))
        common = read_case(Fields(*node, file_, "defaultTest", {"vars", "assert"}), {});
      const Node& tests = fields.require("tests");
      if (tests.kind != Node::Kind::list || tests.items.empty())
        fields.fail_at(tests, "'tests' is not a list of at least one test");
      read_tests(tests, common);
    }
    require(!suite_.questions.empty(), file_, ": holds no test");
    return std::move(suite_);
  }

 private:
  void note_left_alone(const std::string& key) {
    suite_.notes.push_back({"'" + key + "' of " + path_.filename().string() + " is left alone.",
                            "未使用 " + path_.filename().string() + " 中的 '" + key + "'。"});
  }

  void read_prompts(const Fields& fields, const Node& list) {
    const std::vector<std::string> texts = fields.texts("prompts");
    for (size_t i = 0; i < texts.size(); ++i) {
      const int line = list.kind == Node::Kind::list ? list.items[i].line : list.line;
      const std::string_view text = base::trim(texts[i]);
      if (text.empty()) fail_at(file_, line, "a prompt is empty");
      if (text.starts_with("file://") || text.starts_with("[") || text.starts_with("{\""))
        fail_at(file_, line, "a prompt is a file or JSON, wanted its text");
      prompts_.push_back({texts[i], line});
    }
  }

  Case read_case(const Fields& fields, Case found) {
    if (const Node* vars = fields.find("vars")) {
      if (vars->kind != Node::Kind::map) fields.fail_at(*vars, "'vars' is not a map");
      for (const auto& [name, value] : vars->entries) read_variable(name, value, found);
    }
    if (const Node* asserts = fields.find("assert")) {
      if (asserts->kind != Node::Kind::list) fields.fail_at(*asserts, "'assert' is not a list");
      for (const Node& node : asserts->items) found.parts.push_back(read_assert(node, file_));
    }
    return found;
  }

  void read_variable(const std::string& name, const Node& value, Case& found) {
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
      const Fields fields(node, file_, "test", {"description", "vars", "assert", "metadata"});
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
      ask(test, question);
    }
  }

  void read_metadata(const Fields& fields, Question& question) {
    question.scenario = "all";
    question.lang.clear();
    const Node* node = fields.find("metadata");
    if (node == nullptr) return;
    const Fields metadata(*node, file_, "metadata", {"id", "scenario", "lang", "cluster"});
    question.id = metadata.text("id", question.id);
    question.scenario = metadata.text("scenario", "all");
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
      question.cluster = question.images.empty() ? question.id : question.images.front().name;
  }

  // Puts the test to every prompt.
  void ask(const Case& test, const Question& question) {
    const std::vector<Prompt> prompts =
        prompts_.empty() ? std::vector<Prompt>{{"{{question}}", static_cast<int>(question.line)}}
                         : prompts_;
    for (size_t i = 0; i < prompts.size(); ++i) {
      require(suite_.questions.size() < kMaxQuestions, file_, ": more than ", kMaxQuestions,
              " questions");
      Question asked = question;
      if (prompts.size() > 1) asked.id += "-p" + std::to_string(i + 1);
      asked.stem = filled(prompts[i], test, question);
      if (asked.lang.empty()) asked.lang = has_cjk(asked.stem) ? "zh" : "en";
      asked.question = with_options(
          {.hint = "", .question = asked.stem, .options = asked.key.options, .lang = asked.lang});
      const auto same = [&](const Scenario& scenario) { return scenario.id == asked.scenario; };
      if (std::none_of(suite_.scenarios.begin(), suite_.scenarios.end(), same))
        suite_.scenarios.push_back({asked.scenario, {asked.scenario, asked.scenario}, true});
      suite_.questions.push_back(std::move(asked));
    }
  }

  // The prompt with its {{variables}} filled in; what is filled in is not looked at again.
  std::string filled(const Prompt& prompt, const Case& test, const Question& question) const {
    std::string out;
    size_t at = 0;
    while (true) {
      const size_t begin = prompt.text.find("{{", at);
      out += prompt.text.substr(at, begin == std::string::npos ? begin : begin - at);
      if (begin == std::string::npos) break;
      const size_t end = prompt.text.find("}}", begin);
      if (end == std::string::npos) fail_at(file_, prompt.line, "a '{{' has no '}}'");
      const std::string name(base::trim(prompt.text.substr(begin + 2, end - begin - 2)));
      const auto variable = test.vars.find(name);
      if (variable == test.vars.end())
        fail_at(file_, static_cast<int>(question.line),
                "the prompt of line " + std::to_string(prompt.line) + " wants the variable '" +
                    name + "', which the test does not have");
      out += variable->second;
      at = end + 2;
    }
    if (base::trim(out).empty())
      fail_at(file_, static_cast<int>(question.line), "the question is empty");
    return out;
  }

  std::filesystem::path path_;
  std::string file_;
  Node root_;
  Suite suite_;
  std::vector<Prompt> prompts_;
  size_t tests_ = 0;
};

}  // namespace

bool is_promptfoo(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

Suite parse_promptfoo(std::string_view text, const std::filesystem::path& file) {
  return Reader(text, file).read();
}

Suite read_promptfoo(const std::filesystem::path& path) {
  return parse_promptfoo(base::read_file(path, kMaxBytes), path);
}

}  // namespace visavis::suites
