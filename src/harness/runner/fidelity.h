// Asks a model at two precisions, and one model alone or among others: what verdict/fidelity.h sums
// up. The two are loaded one after the other, so that neither has to fit beside the other.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "chat/model_host.h"
#include "harness/runner/experiment.h"
#include "harness/runner/schedule.h"
#include "harness/stats/divergence.h"

namespace visavis::runner {

/// Text that is only predicted: what stands before, and what is then looked at token by token.
struct TextPiece {
  std::string opening;
  std::string continuation;
};

/// A text's pieces, each with an opening and enough behind it for so many tokens as a rule (a
/// token is taken for six bytes). They follow each other, are cut between words where there are
/// some, and never inside a UTF-8 character; the last may be shorter.
std::vector<TextPiece> text_pieces(const std::string& text, int tokens);

struct FidelityOptions {
  size_t limit = 20;                  // questions or pieces of text, at most
  int tokens = 32;                    // of each answer or piece, at most
  size_t traced = 4;                  // of the questions or pieces whose layers are compared
  std::vector<TextPiece> texts = {};  // instead of the questions, unless empty
};

/// One question at both precisions. Vectors are per token of the reference's answer.
struct Fidelities {
  struct Item {
    int64_t cluster = 0;
    std::vector<double> divergences = {};          // nats
    std::vector<double> surprises = {};            // nats: -log of the token's probability
    std::vector<double> reference_surprises = {};  // the same by the reference
    std::vector<bool> same_choices = {};
    bool same_text = false;
    bool graded = false;
    bool right = false;
    bool reference_right = false;
    std::string failure = {};  // why it tells nothing; empty if it does
  };
  struct Layer {
    std::string name;
    stats::RelativeError error;
  };
  std::vector<Item> items;
  std::vector<Layer> layers;  // in the order in which they run; empty if nothing was traced
  chat::ModelFacts reference;
  chat::ModelFacts model;
};

/// Gets a line for people now and then.
using Say = std::function<void(const std::string& line)>;

/// Provider 0 of the experiment is the model, provider 1 the reference; both answer the first
/// questions of the schedule, and the predictions of the first tokens of the reference's answers
/// are compared, or those of the texts. Throws Error if a question is not the same tokens to both,
/// if their layers are not the same, or if one gives no log-probabilities. Stops between questions
/// when `stop` becomes true.
Fidelities measure_fidelity(const Experiment& experiment, const Schedule& schedule,
                            chat::ModelHost& host, const FidelityOptions& options,
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
