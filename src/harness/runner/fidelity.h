// Asks the same checkpoint at two precisions, and one model alone or among others: what
// verdict/fidelity.h sums up. The two are loaded one after the other, so that neither has to fit
// beside the other.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "chat/model_host.h"
#include "harness/runner/experiment.h"
#include "harness/runner/schedule.h"

namespace visavis::runner {

/// One question at both precisions. Vectors are per token of the reference's answer.
struct Fidelities {
  struct Item {
    int64_t cluster = 0;
    std::vector<double> divergences = {};  // nats
    std::vector<bool> same_choices = {};
    bool same_text = false;
    bool graded = false;
    bool right = false;
    bool reference_right = false;
    std::string failure = {};  // why it tells nothing; empty if it does
  };
  std::vector<Item> items;
  chat::ModelFacts reference;
  chat::ModelFacts model;
};

/// Gets a line for people now and then.
using Say = std::function<void(const std::string& line)>;

/// Provider 0 of the experiment is the model, provider 1 the reference; both answer the first
/// `limit` questions of the schedule, and the predictions of the first `tokens` tokens of the
/// reference's answers are compared. Throws Error if they are not the same checkpoint, or if one
/// gives no log-probabilities. Stops between questions when `stop` becomes true.
Fidelities measure_fidelity(const Experiment& experiment, const Schedule& schedule,
                            chat::ModelHost& host, size_t limit, int tokens,
                            const std::atomic<bool>& stop, const Say& say);

/// Whether a model's greedy answers depend on what else it answers at the same time.
struct BatchInvariance {
  int64_t batch = 0;
  int64_t asked = 0;
  int64_t failed = 0;                  // one of the two answers
  std::vector<std::string> different;  // ids of questions with other tokens in the batch
};

/// Asks the first `limit` questions one by one, then in groups of `batch` at once. The model is
/// provider 0, opened with room for so many. Throws Error.
BatchInvariance measure_batch_invariance(const Experiment& experiment, const Schedule& schedule,
                                         chat::ModelHost& host, size_t limit, int64_t batch,
                                         const std::atomic<bool>& stop);

}  // namespace visavis::runner
