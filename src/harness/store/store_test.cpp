#include "harness/store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <fstream>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/store/export.h"

namespace visavis::store {
namespace {

using ::testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("visavis_store_") +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~StoreTest() override { std::filesystem::remove_all(folder_); }

  Store create() const { return Store::create(file(), run_, models_, suites_, items_); }
  std::filesystem::path file() const { return folder_ / "results.sqlite"; }

  static RunRow make_run() {
    RunRow run;
    run.description = "一次运行";
    run.plan = R"({"a":1})";
    run.seed = UINT64_MAX - 3;
    run.warmup = 2;
    run.order = "abba";
    run.judgement.baseline = "B";
    run.judgement.cutoffs.facts_full = 0.75;
    run.judgement.constraints = {{"p95_e2e_s", 10}};
    run.judgement.weights = {{"accuracy", 0.5}};
    run.limits = {2.0, "CNY", 5, 7200, 100};
    run.machine = "{}";
    run.build = "{}";
    run.created_at = "2026-01-31T23:59:59Z";
    run.state = "running";
    return run;
  }

  static std::vector<ModelRow> make_models() {
    ModelRow a{0, "A", "demo-a", {{"weights", "int4"}, {"ctx", "512"}}, {}};
    ModelRow b{1, "B", "demo-b", {}, {}};
    return {a, b};
  }

  static std::vector<SuiteRow> make_suites() {
    return {{0,
             "tiny",
             {"Tiny", "小"},
             {"D", "述"},
             {{"desk", {"Desk", "桌"}, true}, {"photo", {"Photo", "照"}, false}}}};
  }

  static std::vector<ItemRow> make_items() {
    ItemRow item;
    item.question.id = "q0";
    item.question.scenario = "photo";
    item.question.lang = "zh";
    item.question.difficulty = 3;
    item.question.cluster = "c";
    item.question.images = {{"a.png", "/x/a.png"}, {"b.png", "/x/b.png"}};
    item.question.question = "有什么，\"吗\"？";
    item.question.grader = "facts";
    item.question.key = {.answers = {"x"},
                         .options = {"o", "", "p"},
                         .facts = {{{"a", "b"}}},
                         .contradictions = {"c"},
                         .changes = {{{"d"}}},
                         .distractors = {{{"e"}}}};
    item.picture_sha256 = {"1", "2"};
    item.max_tokens = 96;
    ItemRow second = item;
    second.id = 1;
    second.question.id = "q1";
    return {item, second};
  }

  static AnswerRow make_answer(int64_t model, int64_t item, int64_t sequence) {
    AnswerRow answer;
    answer.model = model;
    answer.item = item;
    answer.session = 1;
    answer.sequence = sequence;
    answer.text = "=答, \"案\"\n";
    answer.thinking = "hm";
    answer.finish = chat::Finish::length;
    answer.characters = 8;
    answer.usage = {100, 80, 7};
    answer.timing = {.1, .2, .3, .4, .5, .6, .7, .8};
    answer.token_times = {0.25, 0.5000004};
    answer.memory = {
        .weights = 1, .vision = 2, .kv = 3, .workspace = 4, .device_peak = 5, .host_peak = 6};
    answer.prompt_sha256 = "ab";
    answer.notes = {"n"};
    return answer;
  }

  static GradeRow make_grade(int64_t model, int64_t item) {
    GradeRow row{model, item, "facts", {}};
    row.grade.score = 0.5;
    row.grade.verdict = graders::Verdict::partial;
    row.grade.rule = "facts.share";
    row.grade.normalised = "答 案";
    row.grade.raw_match = true;
    row.grade.evidence = {{"fact", "w", "f", 0, 3}};
    return row;
  }

  std::filesystem::path folder_;
  RunRow run_ = make_run();
  std::vector<ModelRow> models_ = make_models();
  std::vector<SuiteRow> suites_ = make_suites();
  std::vector<ItemRow> items_ = make_items();
};

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(StoreTest, TakesQuestionsThatNoPlanNamedAllOrNothing) {
  Store store = create();
  store.begin_session("t");
  EXPECT_EQ(store.add_model({7, "C", "demo-c", {}, {}}), 2);
  EXPECT_THROW(store.add_model({0, "C", "other", {}, {}}), Error) << "there is one of that label";
  Round round;
  round.item = make_items()[0];
  round.item.question.id = "live";
  for (const int64_t model : {2, 0}) {
    round.answers.push_back(make_answer(model, 99, 99));
    round.grades.push_back(make_grade(model, 99));
  }
  round.verdicts = {{.item = 99, .model = 0, .who = "Li", .given_at = "t"}};
  round.votes = {{.item = 99, .first = 2, .second = 0, .score = 1, .who = "Li", .given_at = "t"}};
  store.add_round(round, 3);
  EXPECT_THROW(store.add_round(round, 3), Error) << "there is such a question";
  round.item.question.id = "live 2";
  round.votes[0].first = 9;  // no such model
  EXPECT_THROW(store.add_round(round, 3), Error);
  const RunData data = store.read_all();
  EXPECT_EQ(data.models.at(2).label, "C");
  ASSERT_EQ(data.items.size(), 3u);
  EXPECT_EQ(data.items[2].id, 2);
  ASSERT_EQ(data.answers.size(), 2u);
  EXPECT_EQ(data.answers[0].item, 2);
  EXPECT_EQ(data.answers[0].model, 0);
  EXPECT_EQ(data.answers[0].sequence, 1);
  EXPECT_EQ(data.grades[1].item, 2);
  EXPECT_EQ(data.human_verdicts.at(0).item, 2);
  EXPECT_EQ(data.human_votes.at(0).item, 2);
  EXPECT_EQ(data.sessions.at(0).wall_seconds, 3);
}

TEST_F(StoreTest, GivesBackEverythingItWasGiven) {
  chat::ModelFacts facts{
      "demo-a",
      "Arch",
      "cpu",
      "int4",
      "sha",
      512,
      30,
      7,
      1.5,
      {.weights = 1, .vision = 2, .kv = 3, .workspace = 4, .device_peak = 5, .host_peak = 6},
      false};
  facts.from_cache = true;
  facts.remote = true;
  facts.price_prompt = 0.5;
  facts.price_completion = 2;
  facts.family = "f";
  {
    Store store = create();
    EXPECT_EQ(store.begin_session("now"), 1);
    store.set_facts(0, facts);
    store.add_warmup({1, 0, 1, 0.25, "no"});
    store.add_answer(make_answer(1, 0, 0), make_grade(1, 0), 3.5);
    store.add_answer(make_answer(0, 0, 1), make_grade(0, 0), 4.5);
    EXPECT_EQ(store.answered(), (std::set<std::pair<int64_t, int64_t>>{{0, 0}, {1, 0}}));
    store.set_facts(0, facts);  // also when answers refer to the model
    store.set_state("limit", 1);
  }
  const RunData data = read_run(file());
  EXPECT_EQ(data.run.description, run_.description);
  EXPECT_EQ(data.run.seed, run_.seed);
  EXPECT_EQ(data.run.state, "limit");
  EXPECT_EQ(data.run.judgement.cutoffs.facts_full, 0.75);
  EXPECT_EQ(data.run.judgement.constraints.at("p95_e2e_s"), 10);
  EXPECT_EQ(data.run.limits.max_items, 100);
  ASSERT_EQ(data.sessions.size(), 1u);
  EXPECT_EQ(data.sessions[0].wall_seconds, 4.5);
  EXPECT_EQ(data.sessions[0].ending, "limit");
  ASSERT_EQ(data.models.size(), 2u);
  EXPECT_EQ(data.models[0].options, models_[0].options);
  EXPECT_EQ(data.models[0].facts.memory.host_peak, 6);
  EXPECT_EQ(data.models[0].facts.load_seconds, 1.5);
  EXPECT_TRUE(data.models[0].facts.from_cache);
  EXPECT_TRUE(data.models[0].facts.remote);
  EXPECT_EQ(data.models[0].facts.price_prompt, 0.5);
  EXPECT_EQ(data.models[0].facts.price_completion, 2);
  EXPECT_EQ(data.models[0].facts.family, "f");
  EXPECT_FALSE(data.models[0].facts.multi_image_trained);
  ASSERT_EQ(data.suites.size(), 1u);
  EXPECT_EQ(data.suites[0].scenarios[0].title.zh, "桌");
  ASSERT_EQ(data.items.size(), 2u);
  EXPECT_EQ(data.items[0].question.key.distractors[0].any[0], "e");
  EXPECT_EQ(data.items[0].question.images[1].path, "/x/b.png");
  EXPECT_FALSE(data.scenario_of(data.items[0]).graded);
  ASSERT_EQ(data.answers.size(), 2u);
  const AnswerRow& answer = data.answers[0];
  EXPECT_EQ(answer.model, 0);
  EXPECT_EQ(answer.text, "=答, \"案\"\n");
  EXPECT_EQ(answer.finish, chat::Finish::length);
  EXPECT_EQ(answer.timing.ttft_device, .6);
  EXPECT_EQ(answer.token_times, (std::vector<double>{0.25, 0.5}));
  EXPECT_EQ(answer.memory.workspace, 4);
  EXPECT_EQ(answer.notes, std::vector<std::string>{"n"});
  ASSERT_EQ(data.grades.size(), 2u);
  EXPECT_EQ(data.grades[1].model, 1);
  EXPECT_EQ(data.grades[1].grade.verdict, graders::Verdict::partial);
  EXPECT_EQ(data.grades[1].grade.evidence[0].end, 3);
  ASSERT_EQ(data.warmups.size(), 1u);
  EXPECT_EQ(data.warmups[0].failure, "no");
}

TEST_F(StoreTest, TakesEveryAnswerOnceAndNothingOfARefusedOne) {
  Store store = create();
  store.begin_session("now");
  store.add_answer(make_answer(0, 0, 0), make_grade(0, 0), 1);
  EXPECT_THROW(store.add_answer(make_answer(0, 0, 1), make_grade(0, 0), 2), Error);
  // The answer itself is fine, but its grade belongs to an answer that is already graded.
  EXPECT_THROW(store.add_answer(make_answer(1, 0, 1), make_grade(0, 0), 2), Error);
  EXPECT_EQ(store.answered().size(), 1u);
  EXPECT_EQ(store.read_all().sessions[0].wall_seconds, 1);
}

TEST_F(StoreTest, StoresBytesThatAreNoUtf8AndTimesThatAreNoNumbers) {
  Store store = create();
  store.begin_session("now");
  AnswerRow answer = make_answer(0, 0, 0);
  answer.text = "a\xff\xfe";
  answer.timing.tpot = std::nan("");
  store.add_answer(answer, make_grade(0, 0), 1);
  EXPECT_EQ(store.read_all().answers[0].text, "a\uFFFD\uFFFD");
  EXPECT_EQ(store.read_all().answers[0].timing.tpot, -1);
}

TEST_F(StoreTest, IsCreatedOnceAndUsedByOneProcess) {
  Store store = create();
  EXPECT_THAT(error_of([&] { create(); }), HasSubstr("exists already"));
  EXPECT_THAT(error_of([&] { Store::open(file()); }), HasSubstr("in use by another run"));
}

TEST_F(StoreTest, CanBeReadWhileARunGoesOn) {
  Store store = create();
  store.begin_session("now");
  store.add_answer(make_answer(0, 0, 0), make_grade(0, 0), 1);
  EXPECT_EQ(read_run(file()).answers.size(), 1u);
}

TEST_F(StoreTest, IsReadWithoutLeavingFilesBesideIt) {
  const auto folder = folder_ / "odd 100%?#name";
  std::filesystem::create_directory(folder);
  Store::create(folder / "results.sqlite", run_, models_, suites_, items_).begin_session("now");
  EXPECT_EQ(read_run(folder / "results.sqlite").sessions.size(), 1u);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files += entry.exists();
  EXPECT_EQ(files, 1);
}

TEST_F(StoreTest, IsMadeAgainAfterACrashWhileItWasMade) {
  std::ofstream(file().string() + ".new") << "half";
  create();
  EXPECT_EQ(read_run(file()).items.size(), 2u);
}

TEST_F(StoreTest, RefusesOtherFilesByName) {
  EXPECT_THAT(error_of([&] { Store::open(file()); }), HasSubstr("no results store at"));
  EXPECT_THAT(error_of([&] { read_run(file()); }), HasSubstr("no results store at"));
  std::ofstream(file()) << std::string(5000, 'x');
  EXPECT_THAT(error_of([&] { Store::open(file()); }), HasSubstr("not a results store"));
  EXPECT_THAT(error_of([&] { read_run(file()); }), HasSubstr("not a results store"));
  std::filesystem::remove(file());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t (x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_THAT(error_of([&] { Store::open(file()); }), HasSubstr("no results store"));
}

TEST_F(StoreTest, KeepsOpinionsBesideGrades) {
  {
    Store store = create();
    store.begin_session("now");
    store.add_answer(make_answer(0, 0, 0), make_grade(0, 0), 1);
    JudgementRow judgement{.kind = "pair",
                           .item = 0,
                           .first = 1,
                           .second = 0,
                           .judge = "j",
                           .content_key = "k",
                           .outcome = "tie",
                           .reply = "r",
                           .prompt_tokens = 9,
                           .completion_tokens = 2,
                           .seconds = 0.5,
                           .cost = 0.25,
                           .reused = true,
                           .given_at = "t"};
    store.add_judgement(judgement);
    judgement.outcome = "first";
    store.add_judgement(judgement);
    const HumanVerdictRow verdict{.item = 0,
                                  .model = 0,
                                  .verdict = graders::Verdict::full,
                                  .who = "me",
                                  .given_at = "t",
                                  .note = "n"};
    store.add_human(
        {verdict, verdict},
        {{.item = 0, .first = 0, .second = 1, .score = 1, .who = "me", .given_at = "t"}});
    HumanVerdictRow stranger = verdict;
    stranger.item = 99;
    EXPECT_THROW(store.add_human({verdict, stranger}, {}), Error) << "all or nothing";
  }
  const RunData data = read_run(file());
  ASSERT_EQ(data.judgements.size(), 1u);
  EXPECT_EQ(data.judgements[0].outcome, "first");
  EXPECT_EQ(data.judgements[0].first, 1);
  EXPECT_EQ(data.judgements[0].cost, 0.25);
  EXPECT_TRUE(data.judgements[0].reused);
  ASSERT_EQ(data.human_verdicts.size(), 2u) << "the same person may say it twice";
  EXPECT_EQ(data.human_verdicts[1].verdict, graders::Verdict::full);
  EXPECT_EQ(data.human_verdicts[1].note, "n");
  ASSERT_EQ(data.human_votes.size(), 1u);
  EXPECT_EQ(data.human_votes[0].score, 1);
  EXPECT_EQ(data.grades[0].grade.verdict, graders::Verdict::partial);
}

TEST_F(StoreTest, GoesOnWithTheFirstLayout) {
  {
    Store store = create();
    store.begin_session("now");
    store.add_answer(make_answer(0, 0, 0), make_grade(0, 0), 1);
  }
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other,
                         "DROP TABLE revisits; ALTER TABLE models DROP COLUMN from_cache;"
                         "ALTER TABLE models DROP COLUMN effort;"
                         "ALTER TABLE sessions DROP COLUMN energy_joules;"
                         "ALTER TABLE answers DROP COLUMN energy_joules;"
                         "DROP TABLE fixed_length; DROP TABLE fidelity;"
                         "DROP INDEX items_once; ALTER TABLE items DROP COLUMN sample;"
                         "ALTER TABLE models DROP COLUMN remote;"
                         "ALTER TABLE models DROP COLUMN price_prompt;"
                         "ALTER TABLE models DROP COLUMN price_completion;"
                         "ALTER TABLE models DROP COLUMN family;"
                         "ALTER TABLE answers DROP COLUMN content_key;"
                         "ALTER TABLE answers DROP COLUMN reused_from;"
                         "DROP TABLE judgements; DROP TABLE human_verdicts; DROP TABLE human_votes;"
                         "PRAGMA user_version = 1",
                         nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(read_run(file()).revisits.empty());
  EXPECT_FALSE(read_run(file()).models[0].facts.from_cache);
  EXPECT_EQ(read_run(file()).answers[0].energy_joules, -1);
  EXPECT_TRUE(read_run(file()).fixed_lengths.empty());
  RevisitRow row{.model = 0, .item = 0, .session = 1, .failure = "", .same = true, .wall = 1.5};
  row.usage = {100, 80, 7, 64, 80};
  row.timing = {.1, .2, 0, .4, .5, .6, .7, .8};
  {
    Store store = Store::open(file());
    store.add_revisit(row);
    EXPECT_THROW(store.add_revisit(row), Error);
    row.model = 1;
    EXPECT_THROW(store.add_revisit(row), Error) << "there is no such answer";
  }
  const RunData data = read_run(file());
  ASSERT_EQ(data.revisits.size(), 1u);
  EXPECT_EQ(data.revisits[0].usage.cached_prompt_tokens, 64);
  EXPECT_EQ(data.revisits[0].usage.cached_image_tokens, 80);
  EXPECT_EQ(data.revisits[0].timing.vision, 0);
  EXPECT_EQ(data.revisits[0].timing.e2e, .8);
  EXPECT_TRUE(data.revisits[0].same);
  EXPECT_EQ(data.revisits[0].wall, 1.5);
}

TEST_F(StoreTest, KeepsMeasurementsBesideTheAnswers) {
  {
    Store store = create();
    store.begin_session("now");
    AnswerRow answer = make_answer(0, 0, 0);
    answer.energy_joules = 12.5;
    store.add_answer(answer, make_grade(0, 0), 1);
    store.update_session({.id = 1, .started_at = "now", .ending = "complete", .energy_joules = 80});
    store.add_fixed_length({.model = 0,
                            .item = 0,
                            .session = 1,
                            .completion_tokens = 64,
                            .characters = 90,
                            .ttft = .5,
                            .tpot = .25,
                            .e2e = 2});
    EXPECT_THROW(store.add_fixed_length({.model = 1, .item = 0, .session = 1}), Error);
    store.set_fidelity({1, "{\"a\":1}"});
    store.set_fidelity({1, "{\"a\":2}"});
    EXPECT_THROW(store.set_fidelity({7, "{}"}), Error);
    chat::ModelFacts facts;
    facts.name = "m";
    facts.effort = {.step_bytes = 3.5, .token_ops = 2, .chunk = 7, .integer = false};
    store.set_facts(0, facts);
  }
  const RunData data = read_run(file());
  EXPECT_EQ(data.answers[0].energy_joules, 12.5);
  EXPECT_EQ(data.sessions[0].energy_joules, 80);
  ASSERT_EQ(data.fixed_lengths.size(), 1u);
  EXPECT_EQ(data.fixed_lengths[0].completion_tokens, 64);
  EXPECT_EQ(data.fixed_lengths[0].e2e, 2);
  ASSERT_EQ(data.fidelity.size(), 1u);
  EXPECT_EQ(data.fidelity[0].measured, "{\"a\":2}");
  EXPECT_EQ(data.models[0].facts.effort.step_bytes, 3.5);
  EXPECT_EQ(data.models[0].facts.effort.chunk, 7);
  EXPECT_FALSE(data.models[0].facts.effort.integer);
  EXPECT_FALSE(data.models[1].facts.effort.known());
}

TEST_F(StoreTest, RefusesALayoutNewerThanItself) {
  create();
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "PRAGMA user_version = 999", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_THAT(error_of([&] { Store::open(file()); }), HasSubstr("newer visavis (layout 999"));
  EXPECT_THAT(error_of([&] { read_run(file()); }), HasSubstr("newer visavis"));
}

TEST_F(StoreTest, SaysSoWhenTheFolderIsMissing) {
  EXPECT_THAT(error_of([&] {
                Store::create(folder_ / "no" / "results.sqlite", run_, models_, suites_, items_);
              }),
              HasSubstr("cannot open folder"));
}

// A limit on file sizes stands in for a full disk: the write fails in the middle of the file.
TEST_F(StoreTest, KeepsWhatWasCommittedWhenTheDiskIsFull) {
  create();
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{300'000, 300'000};
    setrlimit(RLIMIT_FSIZE, &limit);
    int stored = 0;
    try {
      Store store = Store::open(file());
      store.begin_session("now");
      AnswerRow answer = make_answer(0, 0, 0);
      answer.text.assign(100'000, 'x');
      store.add_answer(answer, make_grade(0, 0), 1);
      ++stored;
      answer.model = 1;
      answer.sequence = 1;
      answer.text.assign(1'000'000, 'y');
      store.add_answer(answer, make_grade(1, 0), 2);
    } catch (const Error& error) {
      const std::string line = error.what();
      const bool clear = line.find("results.sqlite") != std::string::npos &&
                         line.find("disk") != std::string::npos &&
                         line.find('\n') == std::string::npos;
      _exit(stored == 1 && clear ? 7 : 8);
    }
    _exit(9);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 7);
  const RunData data = read_run(file());
  ASSERT_EQ(data.answers.size(), 1u);
  EXPECT_EQ(data.answers[0].text.size(), 100'000u);
  EXPECT_EQ(data.sessions[0].wall_seconds, 1);
}

TEST_F(StoreTest, ExportsAnswersAsJsonLinesAndCsv) {
  Store store = create();
  store.begin_session("now");
  store.add_answer(make_answer(0, 0, 0), make_grade(0, 0), 1);
  AnswerRow failed = make_answer(1, 0, 1);
  failed.text.clear();
  failed.failure = "picture 'a.png' is truncated";
  failed.timing = {};
  store.add_answer(failed, make_grade(1, 0), 1);
  write_answers(folder_, store.read_all());

  std::ifstream jsonl(folder_ / "answers.jsonl");
  std::string first;
  std::string second;
  ASSERT_TRUE(std::getline(jsonl, first) && std::getline(jsonl, second));
  const base::Json answer = base::parse_json(first, "line");
  EXPECT_EQ(answer["answer"], "=答, \"案\"\n");
  EXPECT_EQ(answer["model"], "A");
  EXPECT_EQ(answer["images"][1]["sha256"], "2");
  EXPECT_EQ(answer["verdict"], "partial");
  const base::Json failure = base::parse_json(second, "line");
  EXPECT_FALSE(failure.contains("answer"));
  EXPECT_EQ(failure["failure"], failed.failure);
  EXPECT_TRUE(failure["timing"]["e2e_s"].is_null());

  const std::string csv = answers_csv(store.read_all());
  EXPECT_THAT(csv, HasSubstr("\"'=答, \"\"案\"\"\n\""));
  EXPECT_THAT(csv, HasSubstr("\"有什么，\"\"吗\"\"？\""));
  EXPECT_EQ(csv.substr(0, 9), "suite,id,");
  EXPECT_EQ(csv.substr(csv.size() - 2), "\r\n");
}

}  // namespace
}  // namespace visavis::store
