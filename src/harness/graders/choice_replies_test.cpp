// The list of replies in tests/data/graders/choice_replies.jsonl: how many of them are read as they
// were meant, beside what the rules of VLMEvalKit read of the same list.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/graders/graders.h"

namespace visavis::graders {
namespace {

struct Reply {
  std::string group;
  std::string text;
  std::string wanted;  // a letter, "?" (there is none) or "refused"
  std::vector<std::string> options;
};

std::vector<Reply> read_replies() {
  const auto path =
      std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data/graders/choice_replies.jsonl";
  std::map<std::string, std::vector<std::string>> sets;
  std::vector<Reply> replies;
  for (const std::string& line : base::split(base::read_file(path), '\n')) {
    if (line.empty()) continue;
    const base::Json json = base::parse_json(line, path.string());
    if (json.contains("set"))
      sets[json.at("set")] = json.at("options").get<std::vector<std::string>>();
    else
      replies.push_back(
          {json.at("group"), json.at("reply"), json.at("wanted"), sets.at(json.at("o"))});
  }
  return replies;
}

std::string read(const Reply& reply) {
  suites::Question question;
  question.id = "q";
  question.grader = "choice";
  question.key.answers = {"A"};
  question.key.options = reply.options;
  chat::Completion completion;
  completion.text = reply.text;
  const Grade result = grade(question, true, completion, {});
  if (result.verdict == Verdict::refused) return "refused";
  if (result.verdict == Verdict::unparsed) return "?";
  const Evidence& evidence = result.evidence.front();
  EXPECT_GE(evidence.begin, 0) << reply.text;  // every letter says where it was found
  EXPECT_LT(evidence.begin, evidence.end) << reply.text;
  return evidence.found;
}

// What VLMEvalKit's can_infer (vlmeval/utils/matching_util.py) takes, without a judge: a free
// capital letter if there is exactly one, else the option whose words the reply holds. Versions
// differ in where the letter may stand; this is the one that takes it anywhere.
std::string rival_reads(const Reply& reply) {
  for (const char* refusal :
       {"Sorry, I can't help with images of people yet.", "I can't process this file.",
        "I'm sorry, but without the image provided", "Cannot determine the answer"})
    if (reply.text.find(refusal) != std::string::npos) return "refused";
  std::string spaced = reply.text;
  for (char& c : spaced)
    if (std::string_view(".()[],:;!*#{}\n\t").find(c) != std::string_view::npos) c = ' ';
  std::vector<std::string> words = base::split(spaced, ' ');
  std::erase(words, "");
  std::vector<std::string> letters;
  for (size_t i = 0; i < reply.options.size(); ++i) {
    const std::string letter(1, static_cast<char>('A' + i));
    if (std::find(words.begin(), words.end(), letter) != words.end()) letters.push_back(letter);
  }
  if (letters.size() == 1) return letters.front();
  const auto lower = [](std::string text) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  };
  std::vector<std::string> held;
  int64_t length = 0;
  for (size_t i = 0; i < reply.options.size(); ++i) {
    length += base::count_code_points(reply.options[i]);
    if (lower(reply.text).find(lower(reply.options[i])) != std::string::npos)
      held.emplace_back(1, static_cast<char>('A' + i));
  }
  if (base::count_code_points(reply.text) > 2 * length) return "?";
  return held.size() == 1 ? held.front() : "?";
}

TEST(ChoiceReplies, AreReadAsTheyWereMeant) {
  const std::vector<Reply> replies = read_replies();
  ASSERT_GE(replies.size(), 250U);
  struct Count {
    int all = 0;
    int right = 0;
    int rival = 0;
  };
  std::map<std::string, Count> groups;
  Count total;
  for (const Reply& reply : replies) {
    const std::string found = read(reply);
    EXPECT_EQ(found, reply.wanted) << reply.text;
    for (Count* count : {&groups[reply.group], &total}) {
      ++count->all;
      count->right += found == reply.wanted ? 1 : 0;
      count->rival += rival_reads(reply) == reply.wanted ? 1 : 0;
    }
  }
  const auto print = [](const std::string& name, const Count& count) {
    fmt::print("{:<16} {:>3} replies: {:>5.1f} % read as meant (VLMEvalKit's rules: {:>5.1f} %)\n",
               name, count.all, 100.0 * count.right / count.all, 100.0 * count.rival / count.all);
  };
  for (const auto& [name, count] : groups) print(name, count);
  print("all", total);
  EXPECT_EQ(groups.at("published").right, groups.at("published").all);
  EXPECT_EQ(total.right, total.all);
}

TEST(ChoiceReplies, CoverWhatTheyPromise) {
  std::set<std::string> letters;
  std::set<std::string> groups;
  for (const Reply& reply : read_replies()) {
    letters.insert(reply.wanted);
    groups.insert(reply.group);
  }
  for (const char* letter : {"A", "B", "C", "D", "E", "F", "G", "H", "?", "refused"})
    EXPECT_TRUE(letters.contains(letter)) << letter;
  for (const char* group : {"published", "negation", "full width", "article", "Chinese marker"})
    EXPECT_TRUE(groups.contains(group)) << group;
}

}  // namespace
}  // namespace visavis::graders
