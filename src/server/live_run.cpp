#include "server/live_run.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "harness/graders/normalise.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"

namespace visavis::server {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScenario = "live";
// Nothing is graded until people (or a judging model) say something.
constexpr const char* kGrader = "judge";

store::Store open_or_create(const fs::path& folder, store::RunRow row) {
  const fs::path path = runner::store_path(folder);
  std::error_code ignored;
  if (fs::exists(path, ignored)) return store::Store::open(path);
  base::make_folder(folder / "pictures");
  row.description = row.lang == "zh" ? "实时对比" : "Live comparisons";
  row.plan = R"({"live":true})";
  row.created_at = base::utc_timestamp();
  row.order = "live";
  row.state = "complete";
  const suites::Titles title = {"Live comparisons", "实时对比"};
  store::Store store =
      store::Store::create(path, row, {},
                           {{.id = 0,
                             .name = kLiveRun,
                             .title = title,
                             .description = {},
                             .scenarios = {{.id = kScenario, .title = title, .graded = true}}}},
                           {});
  const int64_t session = store.begin_session(row.created_at);
  store.set_state("complete", session);
  return store;
}

// The row of that model as it is loaded now; another one if weights or options were others before.
int64_t model_id(store::Store& store, const LiveVote::Answer& answer) {
  const std::vector<store::ModelRow> models = store.models();
  const auto labelled = [&](const std::string& label) {
    return std::any_of(models.begin(), models.end(),
                       [&](const store::ModelRow& row) { return row.label == label; });
  };
  for (const store::ModelRow& row : models)
    if (row.provider == answer.model && row.options == answer.options &&
        row.facts.weights_sha256 == answer.facts.weights_sha256)
      return row.id;
  std::string label = answer.model;
  for (int i = 2; labelled(label); ++i) label = answer.model + " (" + std::to_string(i) + ")";
  return store.add_model({.id = 0,
                          .label = label,
                          .provider = answer.model,
                          .options = answer.options,
                          .facts = answer.facts});
}

bool has_chinese(const std::string& text) {
  for (const char32_t c : base::to_code_points(text))
    if (graders::is_cjk(c)) return true;
  return false;
}

// Keeps the pictures, each content once.
store::ItemRow make_item(const fs::path& folder, const LiveVote& vote, size_t number) {
  store::ItemRow item;
  suites::Question& question = item.question;
  question.id = "live-" + std::to_string(number);
  question.scenario = kScenario;
  question.lang = has_chinese(vote.prompt) ? "zh" : "en";
  question.question = vote.prompt;
  question.grader = kGrader;
  for (const std::string& bytes : vote.pictures) {
    const std::string hash = base::sha256_hex(bytes);
    const std::string name = hash + "." + picture_kind(bytes);
    const fs::path path = fs::absolute(folder / "pictures" / name);
    std::error_code ignored;
    if (!fs::exists(path, ignored)) base::write_file_atomically(path, bytes);
    question.images.push_back({.name = "pictures/" + name, .path = path});
    item.picture_sha256.push_back(hash);
  }
  // What is asked of the same pictures, or the same once more, is no new evidence.
  question.cluster = base::sha256_hex(
      item.picture_sha256.empty() ? vote.prompt : base::join(item.picture_sha256, " "));
  return item;
}

store::AnswerRow make_answer(const LiveVote::Answer& given, int64_t model) {
  store::AnswerRow row;
  row.model = model;
  row.session = 1;
  row.text = given.text;
  row.finish = given.finish;
  row.characters = base::count_code_points(given.text);
  row.usage = given.usage;
  row.timing = given.timing;
  row.memory = given.facts.memory;
  return row;
}

store::GradeRow make_grade(const store::AnswerRow& answer) {
  graders::Grade grade;
  grade.verdict = graders::Verdict::shown;
  grade.rule = graders::kJudgePending;
  grade.normalised = std::string(base::trim(answer.text));
  return {.model = answer.model, .item = 0, .grader = kGrader, .grade = std::move(grade)};
}

}  // namespace

std::string picture_kind(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "png";
  if (bytes.starts_with("\xff\xd8\xff")) return "jpg";
  if (bytes.size() >= 12 && bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP")
    return "webp";
  return "";
}

void keep_live_vote(const fs::path& folder, const store::RunRow& row, const LiveVote& vote) {
  store::Store store = open_or_create(folder, row);
  const std::string now = base::utc_timestamp();
  store::Round round;
  round.item = make_item(folder, vote, store.read_all().items.size() + 1);
  double seconds = 0;
  for (size_t i = 0; i < vote.answers.size(); ++i) {
    const int64_t model = model_id(store, vote.answers[i]);
    round.answers.push_back(make_answer(vote.answers[i], model));
    round.grades.push_back(make_grade(round.answers.back()));
    seconds += std::max(0.0, vote.answers[i].timing.e2e);
    if (const auto given = vote.verdicts.find(i); given != vote.verdicts.end())
      round.verdicts.push_back({.model = model,
                                .verdict = given->second,
                                .who = vote.who,
                                .given_at = now,
                                .note = vote.note});
  }
  // The winner against each of the others; without one everybody is as good as everybody.
  for (size_t i = 0; i < round.answers.size(); ++i) {
    for (size_t j = i + 1; j < round.answers.size(); ++j) {
      const auto winner = static_cast<size_t>(vote.winner);
      if (vote.winner >= 0 && i != winner && j != winner) continue;
      round.votes.push_back({.first = round.answers[i].model,
                             .second = round.answers[j].model,
                             .score = vote.winner < 0 ? 0.5
                                      : i == winner   ? 1.0
                                                      : 0.0,
                             .who = vote.who,
                             .given_at = now,
                             .note = vote.note});
    }
  }
  store.add_round(std::move(round), seconds);
}

}  // namespace visavis::server
