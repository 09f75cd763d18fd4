// Sections about how fast models are against each other.
#include <fmt/format.h>

#include "harness/report/parts.h"
#include "harness/report/words.h"

namespace visavis::report {

Block speeds_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("speeds", lang),
              .paragraphs = {},
              .head = {"", word("pair", lang), word("paired_items", lang), word("ratio", lang)},
              .rows = {},
              .after = {word("speeds_note", lang)}};
  const std::vector<std::string> labels = results.labels();
  for (const Group& group : results.groups)
    for (const PairSpeed& speed : group.speeds)
      block.rows.push_back({say(group.title, lang),
                            labels[speed.first] + " / " + labels[speed.second],
                            std::to_string(speed.items),
                            fmt::format("{:.2f} [{:.2f} - {:.2f}]", speed.ratio.estimate,
                                        speed.ratio.interval.low, speed.ratio.interval.high)});
  if (block.rows.empty()) return {};
  return block;
}

Block fixed_length_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("fixed_length", lang),
              .paragraphs = {},
              .head = head_with_models(results),
              .rows = {},
              .after = {word("fixed_length_note", lang)}};
  bool any = false;
  for (const ModelSummary& model : results.models) any = any || model.fixed_length.asked > 0;
  if (!any) return {};
  const auto add = [&](const char* key, auto make) {
    Row row = {word(key, lang)};
    for (const ModelSummary& model : results.models) row.push_back(make(model.fixed_length));
    block.rows.push_back(std::move(row));
  };
  const auto figure = [](const std::optional<double>& value) {
    return value ? fmt::format("{:.1f}", *value) : "-";
  };
  add("fixed_items", [](const FixedLength& track) {
    return fmt::format("{} x {}", track.asked - track.failed, track.tokens);
  });
  add("ttft", [](const FixedLength& track) { return seconds_text(track.ttft); });
  add("tpot", [](const FixedLength& track) { return seconds_text(track.tpot); });
  add("e2e", [](const FixedLength& track) { return seconds_text(track.e2e); });
  add("tokens", [&](const FixedLength& track) { return figure(track.tokens_per_second); });
  add("characters", [&](const FixedLength& track) { return figure(track.characters_per_second); });
  return block;
}

}  // namespace visavis::report
