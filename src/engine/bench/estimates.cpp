#include "engine/bench/estimates.h"

#include <array>
#include <string>

namespace visavis::bench {
namespace {

using base::Json;

bool was_measured(const Case& row) { return !row.seconds.empty(); }

Json estimate_of(const Case& row, const Card& card) {
  const double seconds = estimated_seconds(row.work, card.sustained);
  Json json = {{"part", row.part}, {"s", seconds}};
  if (row.part == "vision") {
    json["picture"] = row.picture;
    return json;
  }
  json["batch"] = row.batch;
  json["context"] = row.context;
  json["tok_per_s"] = static_cast<double>(row.tokens * row.batch) / seconds;
  return json;
}

Json errors_here(const Report& report) {
  Json errors = Json::object();
  for (const std::string& part : part_names()) {
    std::vector<double> off;
    for (const Case& row : report.cases)
      if (row.part == part && was_measured(row))
        off.push_back(estimated_seconds(row.work, report.ceilings) / median(row.seconds) - 1);
    if (!off.empty()) errors[part] = median(off);
  }
  return errors;
}

}  // namespace

std::span<const Card> known_cards() {
  static const std::array<Card, 2> cards = {{
      {.name = "T4",
       .memory_bytes = int64_t{16} << 30,
       .sustained = {.bytes_per_second = 240e9,
                     .flops_per_second = 4e12,
                     .int8_ops_per_second = 16e12,
                     .bf16_flops_per_second = 24e12,
                     .int8_instruction = "dp4a"},
       .source =
           "data sheet 320 GB/s, 75 % of it assumed; 24 Tflop/s f16 reported for long products "
           "under its 70 W limit; f32 and dp4a: half of the data sheet assumed"},
      {.name = "L4",
       .memory_bytes = int64_t{24} << 30,
       .sustained = {.bytes_per_second = 260e9,
                     .flops_per_second = 15e12,
                     .int8_ops_per_second = 60e12,
                     .bf16_flops_per_second = 70e12,
                     .int8_instruction = "dp4a"},
       .source =
           "data sheet 300 GB/s, 87 % of it assumed; 70 Tflop/s bf16 under its 72 W limit, f32 "
           "and dp4a half of the data sheet, all assumed"},
  }};
  return cards;
}

double estimated_seconds(const Work& work, const ops::Ceilings& sustained) {
  return work.read_seconds(sustained) + work.compute_seconds(sustained);
}

Json estimates_json(const Report& report) {
  Json cards = Json::array();
  for (const Card& card : known_cards()) {
    Json cases = Json::array();
    for (const Case& row : report.cases)
      if (was_measured(row)) cases.push_back(estimate_of(row, card));
    cards.push_back({{"card", card.name},
                     {"memory_bytes", card.memory_bytes},
                     {"fits", report.plan.total() < card.memory_bytes},
                     {"read_bytes_per_s", card.sustained.bytes_per_second},
                     {"f16_flop_per_s", card.sustained.bf16_flops_per_second},
                     {"int8_op_per_s", card.sustained.int8_ops_per_second},
                     {"f32_flop_per_s", card.sustained.flops_per_second},
                     {"source", card.source},
                     {"cases", cases}});
  }
  return {
      {"formula", "counted bytes / rate of reading + counted operations / rate of their format"},
      {"error_here", errors_here(report)},
      {"cards", cards}};
}

}  // namespace visavis::bench
