#include "engine/bench/estimates.h"

#include <string>

namespace visavis::bench {
namespace {

using base::Json;

bool was_measured(const Case& row) { return !row.seconds.empty(); }

Json estimate_of(const Case& row, const machine::Card& card) {
  const double seconds = machine::estimated_seconds(plain(row.work), card.sustained);
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
        off.push_back(machine::estimated_seconds(plain(row.work), plain(report.ceilings)) /
                          median(row.seconds) -
                      1);
    if (!off.empty()) errors[part] = median(off);
  }
  return errors;
}

}  // namespace

base::Work plain(const Work& work) {
  return {.bytes = static_cast<double>(work.bytes()),
          .int8_ops = work.int8_ops,
          .bf16_ops = work.bf16_ops,
          .f32_ops = work.f32_ops};
}

machine::Rates plain(const ops::Ceilings& ceilings) {
  return {.bytes_per_second = ceilings.bytes_per_second,
          .f32_ops_per_second = ceilings.flops_per_second,
          .int8_ops_per_second = ceilings.int8_ops_per_second,
          .bf16_ops_per_second = ceilings.bf16_flops_per_second};
}

Json estimates_json(const Report& report) {
  Json cards = Json::array();
  for (const machine::Card& card : machine::known_cards()) {
    Json cases = Json::array();
    for (const Case& row : report.cases)
      if (was_measured(row)) cases.push_back(estimate_of(row, card));
    cards.push_back({{"card", card.name},
                     {"memory_bytes", card.memory_bytes},
                     {"fits", report.plan.total() < card.memory_bytes},
                     {"read_bytes_per_s", card.sustained.bytes_per_second},
                     {"f16_flop_per_s", card.sustained.bf16_ops_per_second},
                     {"int8_op_per_s", card.sustained.int8_ops_per_second},
                     {"f32_flop_per_s", card.sustained.f32_ops_per_second},
                     {"source", card.source},
                     {"cases", cases}});
  }
  return {
      {"formula", "counted bytes / rate of reading + counted operations / rate of their format"},
      {"error_here", errors_here(report)},
      {"cards", cards}};
}

}  // namespace visavis::bench
