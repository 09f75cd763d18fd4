// What the answers of a run would take and cost on the cards of a price table: a stated estimate
// from the tokens that were counted and the model's bytes and operations, never a measurement.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/completion.h"
#include "chat/effort.h"
#include "harness/cost/prices.h"
#include "machine/cards.h"

namespace visavis::cost {

/// One answer that was measured here.
struct CountedAnswer {
  chat::Usage usage = {};
  int64_t pictures = 0;
  double host_seconds = 0;  // decoding and resizing, taken as they were here
  double seconds = 0;       // the whole answer, measured
};

struct CardEstimate {
  Price price;
  double seconds_per_question = 0;
  double per_1000 = 0;  // in price.currency
  bool fits = true;     // the planned bytes are less than the card's
};

struct OtherCards {
  std::vector<CardEstimate> cards;
  // measured / formula on the card that is here, if its rates are known: the estimates are
  // multiplied with it. Absent: they are the formula's, which overlaps and loses nothing.
  std::optional<double> measured_over_formula;
};

/// For every row of the table whose card's rates are known. `device`: where the answers were
/// measured, as the model's facts tell. Nothing without answers or without a known effort.
OtherCards on_other_cards(const chat::Effort& effort, std::span<const CountedAnswer> answers,
                          int64_t planned_bytes, const std::string& device,
                          const std::vector<Price>& prices);

}  // namespace visavis::cost
