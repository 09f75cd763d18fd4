// The truth about one run: an SQLite file (write-ahead log, synchronous FULL). An answer and its
// grade are on the disk when add_answer returns; a crash loses at most the answer being generated.
// One run per file, one process at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/store/rows.h"

namespace visavis::store {

/// A question that no plan named, with its answers and what people said of them. The store sets
/// the item's id, everything that refers to it, and the answers' sequence.
struct Round {
  ItemRow item;
  std::vector<AnswerRow> answers;
  std::vector<GradeRow> grades;  // one for each answer
  std::vector<HumanVerdictRow> verdicts;
  std::vector<HumanVoteRow> votes;
};

class Store {
 public:
  /// Creates the file with its plan (run, suites, items; models without facts) in one transaction:
  /// afterwards the file holds all of it or does not exist. Throws Error if the file exists, the
  /// folder is not writable or the disk is full.
  static Store create(const std::filesystem::path& path, const RunRow& run,
                      const std::vector<ModelRow>& models, const std::vector<SuiteRow>& suites,
                      const std::vector<ItemRow>& items);

  /// Opens an existing store to go on with it. Throws Error if it is missing, not a results store,
  /// of a newer version, or in use by another process.
  static Store open(const std::filesystem::path& path);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  RunRow run() const;
  /// Replaces what may change on resume: description, judgement, limits, lang, machine, build.
  void update_run(const RunRow& run);
  void set_state(const std::string& state, int64_t session);

  /// Starts a session and returns its id.
  int64_t begin_session(const std::string& started_at);
  void update_session(const SessionRow& session);

  std::vector<ModelRow> models() const;
  /// Records what is known about a model once it is loaded.
  void set_facts(int64_t model, const chat::ModelFacts& facts);

  void add_warmup(const WarmupRow& warmup);
  /// Throws Error if that revisit is already there, or its answer is not.
  void add_revisit(const RevisitRow& revisit);
  /// Throws Error if that row is already there, or its answer is not.
  void add_fixed_length(const FixedLengthRow& row);
  /// Replaces what was measured of that model before. Throws Error if there is no such model.
  void set_fidelity(const FidelityRow& row);

  /// Commits the answer, its grade and the session's seconds so far, all or nothing. Throws Error
  /// if that answer is already there or the disk is full; nothing is stored then.
  void add_answer(const AnswerRow& answer, const GradeRow& grade, double wall_seconds);

  /// Adds a model after those that are there and returns its id. Throws Error if there is one of
  /// that label.
  int64_t add_model(ModelRow model);
  /// Adds to the run's questions, all or nothing; the sessions of the answers grow by `seconds`.
  void add_round(Round round, double seconds);

  /// Replaces all grades, all or nothing; there is one for every answer. Throws Error.
  void replace_grades(const std::vector<GradeRow>& grades);

  /// Replaces what the same judge said before about the same answers.
  void add_judgement(const JudgementRow& row);
  /// Adds what people say, all or nothing; nothing that is there is changed.
  void add_human(const std::vector<HumanVerdictRow>& verdicts,
                 const std::vector<HumanVoteRow>& votes);

  /// (model, item) of every answer that is stored.
  std::set<std::pair<int64_t, int64_t>> answered() const;

  RunData read_all() const;

 private:
  class Database;
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

/// Reads a store without locking or changing it. Throws Error as Store::open does.
RunData read_run(const std::filesystem::path& path);

}  // namespace visavis::store
