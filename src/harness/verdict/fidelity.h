// What a lower precision does to a model: one model at two precisions on the same questions. Keeps
// "the model is worse" apart from "its 4-bit form is worse". Pure functions; runner/fidelity.h asks
// the models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/stats/clustered.h"
#include "harness/verdict/pairs.h"

namespace visavis::verdict {

/// One question, answered at both precisions.
struct FidelityItem {
  int64_t cluster = 0;
  // Of every token of the reference's answer that was looked at.
  std::vector<double> divergences = {};          // nats
  std::vector<double> surprises = {};            // nats: -log of the token's probability
  std::vector<double> reference_surprises = {};  // the same by the reference
  std::vector<bool> same_choices = {};
  bool same_text = false;
  bool graded = false;
  bool right = false;            // fully, at the lower precision
  bool reference_right = false;  // fully, at the reference's
};

/// A figure with its 95 % interval, if there is one.
struct Known {
  double value = 0;
  std::optional<stats::Interval> interval = {};
};

/// What one layer's output is off by, in parts of the reference's, root mean squares both; errors
/// of the layers before it included.
struct LayerError {
  std::string name;
  double relative = 0;
};

struct Fidelity {
  std::string model;           // its label
  std::string weights;         // "int4"
  std::string against;         // "bf16"
  std::string reference = {};  // what it was held against; empty: the same checkpoint
  bool of_text = false;        // tokens of a text, not of the reference's answers to questions
  int64_t items = 0;
  int64_t tokens = 0;  // whose predictions were compared
  Known divergence;    // nats per token
  Known agreement;     // share of tokens with the same likeliest one
  // Of the same tokens; exp of the mean surprise. All 0: not measured.
  double perplexity = 0;
  double reference_perplexity = 0;
  Known perplexity_ratio;          // the model's in parts of the reference's
  std::vector<LayerError> layers;  // in the order in which they run
  int64_t same_text = 0;           // answers that are equal to the last character
  int64_t graded = 0;
  int64_t only_model = 0;      // fully right only at the lower precision
  int64_t only_reference = 0;  // only at the reference's: lost by quantising
  Known loss;                  // of fully right answers, reference less model
  double p = 1;                // of no loss, two-sided
};

/// Figures per question first, then over questions, with clusters as in pairs.h.
Fidelity summarise(std::span<const FidelityItem> items);

std::string fidelity_json(const Fidelity& fidelity);
/// Throws Error for a text that is not of fidelity_json().
Fidelity fidelity_from(const std::string& text);

/// "int4 loses 3.1 points [0.5, 5.7] against bf16, beyond chance ..."
Titles in_words(const Fidelity& fidelity);

/// Whether the better model's lead over `fidelity`'s can come from quantising the latter. `lead`:
/// the difference of fully right answers, the better less the worse, with its interval.
Titles attribution(const std::string& better, const Known& lead, const Fidelity& fidelity);

}  // namespace visavis::verdict
