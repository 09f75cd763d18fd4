#include "harness/report/sections.h"

#include <fmt/format.h>

#include "harness/report/opinion_sections.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"

namespace visavis::report {
namespace {

// A p95 of too few answers is marked.
std::string both(const Quantiles& value) {
  return seconds_text(value.p50) + " / " + seconds_text(value.p95) +
         (value.p95 && value.p95_is_weak ? "*" : "");
}

std::string interval_text(const std::optional<stats::Interval>& interval) {
  return interval ? " [" + seconds_text(interval->low) + " - " + seconds_text(interval->high) + "]"
                  : "";
}

std::string figure(const std::optional<double>& value) {
  return value ? fmt::format("{:.1f}", *value) : "-";
}

std::string mebibytes(double bytes) { return fmt::format("{:.1f} MiB", bytes / 1048576); }

std::string accuracy(const Cell& cell) {
  if (cell.graded == 0) return "-";
  return fmt::format("{:.1f} % [{:.1f} - {:.1f}]", 100 * cell.accuracy, 100 * cell.interval.low,
                     100 * cell.interval.high);
}

Block recommendation_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("recommendation", lang),
              .paragraphs = {},
              .head = {},
              .rows = {},
              .after = {}};
  for (const verdict::Recommendation& recommendation : results.recommendations)
    block.paragraphs.push_back(say(recommendation.title, lang) + ": " +
                               say(recommendation.sentence, lang));
  for (const Titles& note : results.notes) block.after.push_back(say(note, lang));
  return block;
}

Block scenarios_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("plot_accuracy", lang),
              .paragraphs = {},
              .head = head_with_models(results),
              .rows = {},
              .after = {}};
  for (const Group& group : results.groups) {
    if (!group.graded) continue;
    Row row = {say(group.title, lang)};
    for (const Cell& cell : group.cells) row.push_back(accuracy(cell));
    block.rows.push_back(std::move(row));
  }
  return block;
}

// Empty if nothing was asked again.
Row revisits_row(const Results& results, const std::string& lang) {
  Row row = {word("seen", lang)};
  bool any = false;
  for (const ModelSummary& model : results.models) {
    const Revisits& seen = model.revisits;
    any = any || seen.asked > 0;
    row.push_back(seen.ttft ? fmt::format("{} → {} ({})", seconds_text(seen.first_ttft),
                                          seconds_text(seen.ttft), seen.asked - seen.failed)
                            : "-");
  }
  return any ? row : Row();
}

Block summary_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("summary", lang),
              .paragraphs = {},
              .head = head_with_models(results),
              .rows = {},
              .after = {word("summary_note", lang)}};
  const std::vector<Cell>& cells = results.groups.front().cells;
  const std::string& currency = results.run.run.limits.currency;
  const auto money = [&](const std::optional<double>& value) {
    return value ? fmt::format("{:.3g} {}", *value, currency) : "-";
  };
  const auto add = [&](const char* key, auto make) {
    Row row = {word(key, lang)};
    for (const Cell& cell : cells) row.push_back(make(cell));
    block.rows.push_back(std::move(row));
  };
  add("items", [](const Cell& c) { return fmt::format("{} / {}", c.answered, c.items); });
  add("accuracy", accuracy);
  add("macro", [](const Cell& c) {
    return c.macro_accuracy ? fmt::format("{:.1f} %", 100 * *c.macro_accuracy) : "-";
  });
  add("buckets", [](const Cell& c) {
    return fmt::format("{} / {} / {} / {} / {} / {}", c.full, c.partial, c.wrong, c.unparsed,
                       c.refused, c.failed);
  });
  add("ttft", [](const Cell& c) { return both(c.ttft); });
  add("split", [](const Cell& c) {
    return fmt::format("{} + {} + {} + {}", seconds_text(c.image_decode),
                       seconds_text(c.image_resize), seconds_text(c.vision),
                       seconds_text(c.prefill));
  });
  if (Row row = revisits_row(results, lang); !row.empty()) block.rows.push_back(std::move(row));
  add("tpot", [](const Cell& c) { return both(c.tpot); });
  add("e2e", [](const Cell& c) { return both(c.e2e); });
  add("e2e_p50_interval",
      [](const Cell& c) { return seconds_text(c.e2e.p50) + interval_text(c.e2e.p50_interval); });
  add("e2e_p95_interval",
      [](const Cell& c) { return seconds_text(c.e2e.p95) + interval_text(c.e2e.p95_interval); });
  add("characters", [](const Cell& c) { return figure(c.characters_per_second); });
  add("tokens", [](const Cell& c) { return figure(c.tokens_per_second); });
  add("cost_1000", [&](const Cell& c) { return money(c.cost_per_1000); });
  add("cost_correct", [&](const Cell& c) {
    const auto& interval = c.cost_per_correct_interval;
    return money(c.cost_per_correct) +
           (interval ? fmt::format(" [{:.3g} - {:.3g}]", interval->low, interval->high) : "");
  });
  return block;
}

Block tests_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("tests", lang),
              .paragraphs = {},
              .head = {"", word("pair", lang), word("paired_items", lang), word("discordant", lang),
                       "p", word("p_holm", lang), word("verdict", lang)},
              .rows = {},
              .after = {word("tests_note", lang)}};
  const std::vector<std::string> labels = results.labels();
  for (const Group& group : results.groups) {
    if (group.kind != GroupKind::all && group.kind != GroupKind::scenario) continue;
    for (const verdict::PairResult& pair : group.pairs) {
      if (pair.both == 0) continue;
      block.rows.push_back(
          {say(group.title, lang), labels[pair.first] + " / " + labels[pair.second],
           std::to_string(pair.both), fmt::format("{} : {}", pair.only_first, pair.only_second),
           fmt::format("{:.2g}", pair.p), pair.p_holm ? fmt::format("{:.2g}", *pair.p_holm) : "-",
           say(verdict::in_words(pair, labels), lang)});
    }
  }
  return block;
}

Block deployment_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("deployment", lang),
              .paragraphs = {},
              .head = head_with_models(results),
              .rows = {},
              .after = {word("memory_note", lang)}};
  const auto add = [&](const char* key, auto make) {
    Row row = {word(key, lang)};
    for (const ModelSummary& model : results.models) row.push_back(make(model));
    block.rows.push_back(std::move(row));
  };
  add("architecture", [](const ModelSummary& m) { return m.facts.architecture; });
  add("weights_format", [](const ModelSummary& m) { return m.facts.weights; });
  add("device", [](const ModelSummary& m) { return m.facts.device; });
  add("parameters", [](const ModelSummary& m) {
    return fmt::format("{:.1f} M", static_cast<double>(m.facts.parameters) / 1e6);
  });
  const auto add_bytes = [&](const char* key, auto pick) {
    add(key, [pick](const ModelSummary& m) { return mebibytes(static_cast<double>(pick(m))); });
  };
  add_bytes("download", [](const ModelSummary& m) { return m.facts.checkpoint_bytes; });
  add("load", [&](const ModelSummary& m) {
    const std::string time = seconds_text(m.facts.load_seconds);
    return m.facts.from_cache ? time + " (" + word("from_cache", lang) + ")" : time;
  });
  add_bytes("weights", [](const ModelSummary& m) { return m.facts.memory.weights; });
  add_bytes("vision", [](const ModelSummary& m) { return m.facts.memory.vision; });
  add_bytes("kv", [](const ModelSummary& m) { return m.facts.memory.kv; });
  add_bytes("workspace", [](const ModelSummary& m) { return m.facts.memory.workspace; });
  add("peak", [](const ModelSummary& m) {
    return m.peak_bytes > 0 ? mebibytes(m.peak_bytes) : std::string("-");
  });
  add("multi_image", [&](const ModelSummary& m) {
    return word(m.facts.multi_image_trained ? "yes" : "not_designed_for", lang);
  });
  return block;
}

Block reasons_section(const Results& results, const std::string& lang) {
  Block block{.heading = word("recommendation", lang) + ": " + word("verdict", lang),
              .paragraphs = {},
              .head = {},
              .rows = {},
              .after = {}};
  for (const verdict::Recommendation& recommendation : results.recommendations)
    for (const Titles& reason : recommendation.reasons)
      block.paragraphs.push_back("- " + say(recommendation.title, lang) + ": " + say(reason, lang));
  return block;
}

Block method_section(const Results& results, const std::string& lang) {
  Block block{
      .heading = word("method", lang), .paragraphs = {}, .head = {}, .rows = {}, .after = {}};
  for (const Titles& note : results.method) block.paragraphs.push_back(say(note, lang));
  return block;
}

}  // namespace

std::string say(const Titles& titles, const std::string& lang) {
  return lang == "zh" && !titles.zh.empty() ? titles.zh : titles.en;
}

std::string seconds_text(const std::optional<double>& value) {
  if (!value) return "-";
  if (*value < 0.01) return fmt::format("{:.2f} ms", *value * 1000);
  return *value < 1 ? fmt::format("{:.0f} ms", *value * 1000) : fmt::format("{:.2f} s", *value);
}

Row head_with_models(const Results& results) {
  Row head = {""};
  for (const ModelSummary& model : results.models) head.push_back(model.label);
  return head;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> table = {
      {"recommendation", recommendation_section, true, false},
      {"scenarios", scenarios_section, true, false},
      {"summary", summary_section, true, false},
      {"tests", tests_section, true, false},
      {"speeds", speeds_section, false, true},
      {"fixed_length", fixed_length_section, false, true},
      {"fidelity", fidelity_section, true, true},
      {"judge", judge_section, true, true},
      {"people", people_section, true, true},
      {"deployment", deployment_section, true, false},
      {"costs", costs_section, false, true},
      {"other_cards", other_cards_section, false, true},
      {"reasons", reasons_section, false, false},
      {"method", method_section, false, false},
      {"provenance", provenance_section, false, true},
  };
  return table;
}

std::string markdown_report(const Results& results, const std::string& lang) {
  const store::RunRow& run = results.run.run;
  std::string out = "# visavis: " +
                    (run.description.empty() ? fmt::format("{}", fmt::join(results.labels(), " / "))
                                             : run.description) +
                    "\n\n" + run.created_at + "\n";
  for (const Section& section : sections()) {
    const Block block = section.make(results, lang);
    if (block.heading.empty()) continue;
    out += "\n## " + block.heading + "\n\n";
    for (const std::string& paragraph : block.paragraphs) out += paragraph + "\n\n";
    if (!block.head.empty()) out += markdown_table(block.head, block.rows) + "\n";
    for (const std::string& paragraph : block.after) out += paragraph + "\n\n";
  }
  return out;
}

std::string terminal_report(const Results& results, const std::string& lang) {
  std::string out;
  for (const Section& section : sections()) {
    if (!section.on_terminal) continue;
    const Block block = section.make(results, lang);
    if (block.heading.empty()) continue;
    out += "\n" + block.heading + "\n";
    for (const std::string& paragraph : block.paragraphs) out += "  " + paragraph + "\n";
    if (!block.head.empty()) out += terminal_table(block.head, block.rows);
    for (const std::string& paragraph : block.after) out += paragraph + "\n";
  }
  return out;
}

}  // namespace visavis::report
