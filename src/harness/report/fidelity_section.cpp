// The section that keeps "the model is worse" apart from "its 4-bit form is worse".
#include <fmt/format.h>

#include "harness/report/parts.h"
#include "harness/report/words.h"

namespace visavis::report {
namespace {

std::string known_text(const verdict::Known& known, double factor, int digits) {
  std::string text = fmt::format("{:.{}f}", factor * known.value, digits);
  if (known.interval)
    text += fmt::format(" [{:.{}f} - {:.{}f}]", factor * known.interval->low, digits,
                        factor * known.interval->high, digits);
  return text;
}

// What is said of every model that was found better than the quantised one.
void add_attributions(const Results& results, const verdict::Fidelity& fidelity,
                      const std::string& lang, std::vector<std::string>& lines) {
  const std::vector<std::string> labels = results.labels();
  for (const verdict::PairResult& pair : results.groups.front().pairs) {
    const bool first = pair.decision == verdict::Decision::first_better;
    if (!first && pair.decision != verdict::Decision::second_better) continue;
    if (labels[first ? pair.second : pair.first] != fidelity.model) continue;
    const auto interval = pair.difference.interval();
    verdict::Known lead{.value = pair.difference.mean, .interval = interval};
    if (!first) {
      lead.value = -lead.value;
      if (interval) lead.interval = {-interval->high, -interval->low};
    }
    lines.push_back(
        say(verdict::attribution(labels[first ? pair.first : pair.second], lead, fidelity), lang));
  }
}

}  // namespace

Block fidelity_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("fidelity", lang),
              .paragraphs = {},
              .head = {"", word("precisions", lang), word("divergence", lang),
                       word("agreement", lang), word("perplexity", lang), word("same_text", lang),
                       word("flips", lang), word("loss", lang), "p"},
              .rows = {},
              .after = {}};
  for (const verdict::Fidelity& fidelity : results.fidelity) {
    block.rows.push_back(
        {fidelity.model, fidelity.weights + " / " + fidelity.against,
         known_text(fidelity.divergence, 1, 4), known_text(fidelity.agreement, 100, 2),
         fidelity.perplexity > 0 ? known_text(fidelity.perplexity_ratio, 1, 3) : "",
         fmt::format("{} / {}", fidelity.same_text, fidelity.items),
         fmt::format("{} : {} / {}", fidelity.only_reference, fidelity.only_model, fidelity.graded),
         known_text(fidelity.loss, 100, 1), fmt::format("{:.2g}", fidelity.p)});
    block.after.push_back(fidelity.model + ": " + say(verdict::in_words(fidelity), lang));
    add_attributions(results, fidelity, lang, block.after);
  }
  if (block.rows.empty()) return {};
  block.after.push_back(word("fidelity_note", lang));
  return block;
}

}  // namespace visavis::report
