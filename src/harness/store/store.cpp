#include "harness/store/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/store/answers.h"
#include "harness/store/codec.h"
#include "harness/store/measurements.h"
#include "harness/store/opinions.h"
#include "harness/store/schema.h"
#include "harness/store/sqlite.h"

namespace visavis::store {
namespace {

// Held while a store is open for writing; the system lets go of it even after kill -9.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    require(fd_ >= 0, "cannot open folder '", folder.string(), "'");
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    ::close(fd_);
    fail("'", folder.string(), "' is in use by another run");
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  ~FolderLock() { ::close(fd_); }

 private:
  int fd_;
};

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

int64_t pragma(const Connection& connection, const std::string& name) {
  Statement statement(connection, "PRAGMA " + name);
  return statement.step() ? statement.integer() : 0;
}

// Returns the version of the tables.
int64_t check_version(const Connection& connection, const std::filesystem::path& path) {
  const int64_t id = pragma(connection, "application_id");
  require(id == kApplicationId, "'", path.string(), "' is an SQLite file, but no results store");
  const int64_t version = pragma(connection, "user_version");
  require(version <= kSchemaVersion, "'", path.string(),
          "' was written by a newer visavis (layout ", version, "; this one knows ", kSchemaVersion,
          ")");
  return version;
}

void upgrade(Connection& connection, int64_t version) {
  Transaction transaction(connection);
  for (const Addition& addition : kAdditions)
    if (version < addition.version) connection.execute(addition.sql);
  connection.execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
  transaction.commit();
}

void insert_run(Connection& connection, const RunRow& run) {
  Statement(connection, "INSERT INTO run VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(run.description, run.plan, static_cast<int64_t>(run.seed), run.warmup, run.order,
           base::dump_json(judgement_json(run.judgement)), base::dump_json(limits_json(run.limits)),
           run.lang, run.machine, run.build, run.created_at, run.state);
}

RunRow select_run(const Connection& connection) {
  Statement s(connection, "SELECT * FROM run");
  require(s.step(), "damaged results store: no run in it");
  s.integer();  // id
  RunRow run;
  run.description = s.text();
  run.plan = s.text();
  run.seed = static_cast<uint64_t>(s.integer());
  run.warmup = static_cast<int>(s.integer());
  run.order = s.text();
  run.judgement = judgement_from(s.text());
  run.limits = limits_from(s.text());
  run.lang = s.text();
  run.machine = s.text();
  run.build = s.text();
  run.created_at = s.text();
  run.state = s.text();
  return run;
}

void insert_model(Statement& s, const ModelRow& model) {
  const chat::ModelFacts& facts = model.facts;
  const chat::Memory& memory = facts.memory;
  s.run(model.id, model.label, model.provider, base::dump_json(options_json(model.options)),
        facts.name, facts.architecture, facts.device, facts.weights, facts.weights_sha256,
        facts.context, facts.checkpoint_bytes, facts.parameters, facts.load_seconds, memory.weights,
        memory.vision, memory.kv, memory.workspace, memory.device_peak, memory.host_peak,
        facts.multi_image_trained, facts.from_cache, base::dump_json(effort_json(facts.effort)),
        facts.remote, facts.price_prompt, facts.price_completion, facts.family);
}

std::vector<ModelRow> select_models(const Connection& connection) {
  std::vector<ModelRow> models;
  const int64_t version = pragma(connection, "user_version");
  Statement s(connection, "SELECT * FROM models ORDER BY id");
  while (s.step()) {
    ModelRow model;
    model.id = s.integer();
    model.label = s.text();
    model.provider = s.text();
    model.options = options_from(s.text());
    chat::ModelFacts& facts = model.facts;
    facts.name = s.text();
    facts.architecture = s.text();
    facts.device = s.text();
    facts.weights = s.text();
    facts.weights_sha256 = s.text();
    facts.context = s.integer();
    facts.checkpoint_bytes = s.integer();
    facts.parameters = s.integer();
    facts.load_seconds = s.real();
    facts.memory = memory_of(s);
    facts.multi_image_trained = s.integer() != 0;
    facts.from_cache = version >= 3 && s.integer() != 0;
    if (version >= 4) facts.effort = effort_from(s.text());
    if (version >= 5) {
      facts.remote = s.integer() != 0;
      facts.price_prompt = s.real();
      facts.price_completion = s.real();
      facts.family = s.text();
    }
    models.push_back(std::move(model));
  }
  return models;
}

void insert_suites(Connection& connection, const std::vector<SuiteRow>& suites) {
  Statement suite_row(connection, "INSERT INTO suites VALUES (?, ?, ?, ?, ?, ?)");
  Statement scenario_row(connection, "INSERT INTO scenarios VALUES (?, ?, ?, ?, ?, ?)");
  for (const SuiteRow& suite : suites) {
    suite_row.run(suite.id, suite.name, suite.title.en, suite.title.zh, suite.description.en,
                  suite.description.zh);
    int64_t position = 0;
    for (const suites::Scenario& scenario : suite.scenarios)
      scenario_row.run(suite.id, position++, scenario.id, scenario.title.en, scenario.title.zh,
                       scenario.graded);
  }
}

std::vector<SuiteRow> select_suites(const Connection& connection) {
  std::vector<SuiteRow> suites;
  Statement s(connection, "SELECT * FROM suites ORDER BY id");
  Statement scenarios(connection,
                      "SELECT id, title_en, title_zh, graded FROM scenarios WHERE suite = ? "
                      "ORDER BY position");
  while (s.step()) {
    SuiteRow suite;
    suite.id = s.integer();
    suite.name = s.text();
    suite.title.en = s.text();
    suite.title.zh = s.text();
    suite.description.en = s.text();
    suite.description.zh = s.text();
    scenarios.bind_all(suite.id);
    while (scenarios.step()) {
      suites::Scenario scenario;
      scenario.id = scenarios.text();
      scenario.title.en = scenarios.text();
      scenario.title.zh = scenarios.text();
      scenario.graded = scenarios.integer() != 0;
      suite.scenarios.push_back(std::move(scenario));
    }
    suites.push_back(std::move(suite));
  }
  return suites;
}

// The key, and what of the question has no column of its own.
base::Json key_and_form(const suites::Question& question) {
  base::Json json = key_json(question.key);
  json.update(form_json(question));
  return json;
}

void insert_items(Connection& connection, const std::vector<ItemRow>& items) {
  Statement s(connection, "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  for (const ItemRow& item : items) {
    const suites::Question& q = item.question;
    s.run(item.id, item.suite, q.id, q.scenario, q.lang, q.difficulty, q.cluster,
          base::dump_json(pictures_json(q.images)), texts_json(item.picture_sha256), q.question,
          q.grader, base::dump_json(key_and_form(q)), item.max_tokens, item.sample);
  }
}

std::vector<ItemRow> select_items(const Connection& connection) {
  std::vector<ItemRow> items;
  const int64_t version = pragma(connection, "user_version");
  Statement s(connection, "SELECT * FROM items ORDER BY id");
  while (s.step()) {
    ItemRow item;
    item.id = s.integer();
    item.suite = s.integer();
    suites::Question& q = item.question;
    q.id = s.text();
    q.scenario = s.text();
    q.lang = s.text();
    q.difficulty = static_cast<int>(s.integer());
    q.cluster = s.text();
    q.images = pictures_from(s.text());
    item.picture_sha256 = texts_from(s.text());
    q.question = s.text();
    q.grader = s.text();
    const std::string key = s.text();
    q.key = key_from(key);
    read_form(key, q);
    item.max_tokens = static_cast<int>(s.integer());
    if (version >= 5) item.sample = static_cast<int>(s.integer());
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<SessionRow> select_sessions(const Connection& connection) {
  std::vector<SessionRow> sessions;
  const int64_t version = pragma(connection, "user_version");
  Statement s(connection, "SELECT * FROM sessions ORDER BY id");
  while (s.step()) {
    SessionRow session;
    session.id = s.integer();
    session.started_at = s.text();
    session.load_seconds = s.real();
    session.warmup_seconds = s.real();
    session.wall_seconds = s.real();
    session.ending = s.text();
    if (version >= 4) session.energy_joules = s.real();
    sessions.push_back(std::move(session));
  }
  return sessions;
}

std::vector<RevisitRow> select_revisits(const Connection& connection) {
  std::vector<RevisitRow> revisits;
  const int64_t version = pragma(connection, "user_version");
  if (version < 2) return revisits;
  Statement s(connection, "SELECT * FROM revisits ORDER BY item, model");
  while (s.step()) {
    RevisitRow row;
    row.model = s.integer();
    row.item = s.integer();
    row.session = s.integer();
    row.failure = s.text();
    for (int64_t* count :
         {&row.usage.prompt_tokens, &row.usage.image_tokens, &row.usage.completion_tokens,
          &row.usage.cached_prompt_tokens, &row.usage.cached_image_tokens})
      *count = s.integer();
    read_timing(s, row.timing);
    row.same = s.integer() != 0;
    if (version >= 6) row.wall = s.real();
    revisits.push_back(std::move(row));
  }
  return revisits;
}

RunData select_all(const Connection& connection) {
  RunData data;
  data.run = select_run(connection);
  data.sessions = select_sessions(connection);
  data.models = select_models(connection);
  data.suites = select_suites(connection);
  data.items = select_items(connection);
  data.answers = select_answers(connection, pragma(connection, "user_version"));
  data.grades = select_grades(connection);
  data.warmups = select_warmups(connection);
  data.revisits = select_revisits(connection);
  const int64_t version = pragma(connection, "user_version");
  if (version < 4) return data;
  data.fixed_lengths = select_fixed_lengths(connection);
  data.fidelity = select_fidelity(connection);
  if (version < 5) return data;
  data.judgements = select_judgements(connection);
  data.human_verdicts = select_human_verdicts(connection);
  data.human_votes = select_human_votes(connection);
  return data;
}

}  // namespace

class Store::Database {
 public:
  explicit Database(const std::filesystem::path& path)
      : lock(folder_of(path)), connection(path, Connection::Mode::write) {
    const int64_t version = check_version(connection, path);
    connection.execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "PRAGMA foreign_keys = ON");
    if (version < kSchemaVersion) upgrade(connection, version);
  }

  FolderLock lock;
  mutable Connection connection;
};

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::create(const std::filesystem::path& path, const RunRow& run,
                    const std::vector<ModelRow>& models, const std::vector<SuiteRow>& suites,
                    const std::vector<ItemRow>& items) {
  std::error_code ignored;
  require(!std::filesystem::exists(path, ignored), "'", path.string(), "' exists already");
  std::filesystem::path unfinished = path;
  unfinished += ".new";
  {
    const FolderLock lock(folder_of(path));
    std::filesystem::remove(unfinished, ignored);  // left by a crash while it was made
    Connection connection(unfinished, Connection::Mode::create);
    connection.execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
    connection.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
    connection.execute("PRAGMA user_version = " + std::to_string(kSchemaVersion));
    Transaction transaction(connection);
    connection.execute(kSchema);
    for (const Addition& addition : kAdditions) connection.execute(addition.sql);
    insert_run(connection, run);
    Statement model_row(
        connection,
        "INSERT INTO models VALUES "
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    for (const ModelRow& model : models) insert_model(model_row, model);
    insert_suites(connection, suites);
    insert_items(connection, items);
    transaction.commit();
  }
  std::filesystem::rename(unfinished, path);
  return open(path);
}

Store Store::open(const std::filesystem::path& path) {
  std::error_code ignored;
  require(std::filesystem::exists(path, ignored), "no results store at '", path.string(), "'");
  return Store(std::make_unique<Database>(path));
}

RunRow Store::run() const { return select_run(database_->connection); }

void Store::update_run(const RunRow& run) {
  Statement(database_->connection,
            "UPDATE run SET description = ?, judgement = ?, limits = ?, lang = ?, machine = ?, "
            "build = ?")
      .run(run.description, base::dump_json(judgement_json(run.judgement)),
           base::dump_json(limits_json(run.limits)), run.lang, run.machine, run.build);
}

void Store::set_state(const std::string& state, int64_t session) {
  Transaction transaction(database_->connection);
  Statement(database_->connection, "UPDATE run SET state = ?").run(state);
  Statement(database_->connection, "UPDATE sessions SET ending = ? WHERE id = ?")
      .run(state, session);
  transaction.commit();
}

int64_t Store::begin_session(const std::string& started_at) {
  Transaction transaction(database_->connection);
  Statement last(database_->connection, "SELECT coalesce(max(id), 0) FROM sessions");
  last.step();
  const int64_t id = last.integer() + 1;
  Statement(database_->connection, "INSERT INTO sessions VALUES (?, ?, 0, 0, 0, 'running', -1)")
      .run(id, started_at);
  Statement(database_->connection, "UPDATE run SET state = 'running'").run();
  transaction.commit();
  return id;
}

void Store::update_session(const SessionRow& session) {
  Statement(database_->connection,
            "UPDATE sessions SET load_seconds = ?, warmup_seconds = ?, wall_seconds = ?, "
            "ending = ?, energy_joules = ? WHERE id = ?")
      .run(session.load_seconds, session.warmup_seconds, session.wall_seconds, session.ending,
           session.energy_joules, session.id);
}

std::vector<ModelRow> Store::models() const { return select_models(database_->connection); }

void Store::set_facts(int64_t model, const chat::ModelFacts& facts) {
  Transaction transaction(database_->connection);
  std::vector<ModelRow> models = select_models(database_->connection);
  const auto row = std::find_if(models.begin(), models.end(),
                                [&](const ModelRow& known) { return known.id == model; });
  require(row != models.end(), "the results store has no model ", model);
  row->facts = facts;
  Statement statement(
      database_->connection,
      "INSERT OR REPLACE INTO models VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_model(statement, *row);
  transaction.commit();
}

void Store::add_warmup(const WarmupRow& row) { insert_warmup(database_->connection, row); }

void Store::add_revisit(const RevisitRow& row) {
  const chat::Timing& timing = row.timing;
  const chat::Usage& usage = row.usage;
  Statement(database_->connection,
            "INSERT INTO revisits VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(row.model, row.item, row.session, base::valid_utf8(row.failure), usage.prompt_tokens,
           usage.image_tokens, usage.completion_tokens, usage.cached_prompt_tokens,
           usage.cached_image_tokens, timing.image_decode, timing.image_resize, timing.vision,
           timing.prefill, timing.ttft, timing.ttft_device, timing.tpot, timing.e2e, row.same,
           row.wall);
}

void Store::add_fixed_length(const FixedLengthRow& row) {
  insert_fixed_length(database_->connection, row);
}

void Store::set_fidelity(const FidelityRow& row) { insert_fidelity(database_->connection, row); }

void Store::add_answer(const AnswerRow& answer, const GradeRow& grade, double wall_seconds) {
  Transaction transaction(database_->connection);
  insert_answer(database_->connection, answer);
  insert_grade(database_->connection, grade);
  Statement(database_->connection, "UPDATE sessions SET wall_seconds = ? WHERE id = ?")
      .run(wall_seconds, answer.session);
  transaction.commit();
}

int64_t Store::add_model(ModelRow model) {
  Transaction transaction(database_->connection);
  model.id = static_cast<int64_t>(select_models(database_->connection).size());
  Statement statement(
      database_->connection,
      "INSERT INTO models VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert_model(statement, model);
  transaction.commit();
  return model.id;
}

void Store::add_round(Round round, double seconds) {
  Connection& connection = database_->connection;
  Transaction transaction(connection);
  Statement counts(connection,
                   "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM answers)");
  counts.step();
  round.item.id = counts.integer();
  int64_t sequence = counts.integer();
  insert_items(connection, {round.item});
  for (AnswerRow& answer : round.answers) {
    answer.item = round.item.id;
    answer.sequence = sequence++;
    insert_answer(connection, answer);
    Statement(connection, "UPDATE sessions SET wall_seconds = wall_seconds + ? WHERE id = ?")
        .run(seconds / static_cast<double>(round.answers.size()), answer.session);
  }
  for (GradeRow& grade : round.grades) {
    grade.item = round.item.id;
    insert_grade(connection, grade);
  }
  for (HumanVerdictRow& row : round.verdicts) {
    row.item = round.item.id;
    insert_human_verdict(connection, row);
  }
  for (HumanVoteRow& row : round.votes) {
    row.item = round.item.id;
    insert_human_vote(connection, row);
  }
  transaction.commit();
}

void Store::replace_grades(const std::vector<GradeRow>& grades) {
  Transaction transaction(database_->connection);
  Statement(database_->connection, "DELETE FROM grades").run();
  for (const GradeRow& grade : grades) insert_grade(database_->connection, grade);
  transaction.commit();
}

void Store::add_judgement(const JudgementRow& row) { insert_judgement(database_->connection, row); }

void Store::add_human(const std::vector<HumanVerdictRow>& verdicts,
                      const std::vector<HumanVoteRow>& votes) {
  Transaction transaction(database_->connection);
  for (const HumanVerdictRow& row : verdicts) insert_human_verdict(database_->connection, row);
  for (const HumanVoteRow& row : votes) insert_human_vote(database_->connection, row);
  transaction.commit();
}

std::set<std::pair<int64_t, int64_t>> Store::answered() const {
  std::set<std::pair<int64_t, int64_t>> pairs;
  Statement s(database_->connection, "SELECT model, item FROM answers");
  while (s.step()) {
    const int64_t model = s.integer();
    pairs.emplace(model, s.integer());
  }
  return pairs;
}

RunData Store::read_all() const { return select_all(database_->connection); }

RunData read_run(const std::filesystem::path& path) {
  Connection connection(path, Connection::Mode::read);
  check_version(connection, path);
  Transaction snapshot(connection);  // one state of the run, even while it goes on
  return select_all(connection);
}

}  // namespace visavis::store
