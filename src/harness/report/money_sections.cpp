// Sections about what the run cost and used, and what it would cost on other cards.
#include <fmt/format.h>

#include "harness/cost/cost.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

namespace visavis::report {
namespace {

constexpr double kJoulesPerWattHour = 3600;

std::string joules_text(const std::optional<double>& joules, const std::string& lang) {
  return joules ? fmt::format("{:.1f} J", *joules) : word("not_available", lang);
}

}  // namespace

Block costs_section(const Results& results, const std::string& lang) {
  const store::Limits& limits = results.run.run.limits;
  Block block{.heading = word("costs", lang),
              .paragraphs = {},
              .head = {"", word("seconds", lang), limits.currency},
              .rows = {},
              .after = {}};
  const TimeSplit& time = results.time;
  const auto add = [&](const char* key, double seconds) {
    const std::string money =
        limits.price_per_hour > 0
            ? fmt::format("{:.4f}", cost::run_cost(limits.price_per_hour, seconds))
            : "-";
    block.rows.push_back({word(key, lang), fmt::format("{:.1f}", seconds), money});
  };
  add("cost_load", time.load);
  add("cost_warmup", time.warmup);
  add("cost_answers", time.answers);
  add("cost_again", time.again);
  add("cost_rest", time.rest);
  add("cost_total", time.total());
  if (limits.price_per_hour > 0) {
    std::string price = fmt::format("{}: {} {}", word("price_per_hour", lang),
                                    limits.price_per_hour, limits.currency);
    for (const cost::Price& row : limits.prices)
      if (limits.card == row.card || limits.card == row.card + "@" + row.provider)
        price += fmt::format(" ({} @ {}, {}: {})", row.card, row.provider, row.date, row.source);
    block.after.push_back(price);
  }
  std::string energy = word("energy", lang) + ": " + joules_text(results.joules, lang);
  if (results.joules) energy += fmt::format(" = {:.3f} Wh", *results.joules / kJoulesPerWattHour);
  for (const ModelSummary& model : results.models)
    energy += "; " + model.label + ": " + joules_text(model.joules_per_answer, lang) + " / " +
              word("answer", lang);
  block.after.push_back(energy);
  block.after.push_back(word("costs_note", lang));
  return block;
}

Block other_cards_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("other_cards", lang),
              .paragraphs = {},
              .head = {word("card", lang), word("model", lang), word("seconds_per_question", lang),
                       word("cost_1000", lang), word("fits", lang), word("price_source", lang)},
              .rows = {},
              .after = {word("other_cards_note", lang)}};
  for (const ModelSummary& model : results.models) {
    for (const cost::CardEstimate& estimate : model.elsewhere.cards) {
      const cost::Price& price = estimate.price;
      block.rows.push_back({price.card + " @ " + price.provider, model.label,
                            "≈ " + seconds_text(estimate.seconds_per_question),
                            fmt::format("≈ {:.3g} {}", estimate.per_1000, price.currency),
                            word(estimate.fits ? "yes" : "no", lang),
                            fmt::format("{:.3g} {}/h, {}: {}", price.per_hour, price.currency,
                                        price.date, price.source)});
    }
    if (model.elsewhere.measured_over_formula)
      block.after.push_back(fmt::format("{}: {} = {:.2f}", model.label,
                                        word("measured_over_formula", lang),
                                        *model.elsewhere.measured_over_formula));
  }
  if (block.rows.empty()) return {};
  return block;
}

}  // namespace visavis::report
