// The section that lets others check and repeat the run: versions, hashes, machine, prices, the
// whole experiment and the commands.
#include <fmt/format.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/report/parts.h"
#include "harness/report/words.h"
#include "harness/store/codec.h"

namespace visavis::report {
namespace {

using base::Json;

Json object_of(const std::string& text) {
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) return base::dump_json(value);
  std::vector<std::string> parts;
  for (const Json& each : value) parts.push_back(plain(each));
  return base::join(parts, " ");
}

void add_facts(const Json& facts, const std::string& name, std::vector<Row>& rows) {
  for (const auto& [key, value] : facts.items())
    if (key != "experiment" && key != "command") rows.push_back({name + ": " + key, plain(value)});
}

}  // namespace

Block provenance_section(const Results& results, const std::string& lang) {
  const store::RunData& run = results.run;
  Block block{.heading = word("provenance", lang),
              .paragraphs = {},
              .head = {"", word("found", lang)},
              .rows = {},
              .after = {}};
  const Json build = object_of(run.run.build);
  add_facts(build, word("program", lang), block.rows);
  add_facts(object_of(run.run.machine), word("machine", lang), block.rows);
  for (const store::ModelRow& model : run.models) {
    std::string options;
    for (const auto& [key, value] : model.options) options += " " + key + "=" + value;
    block.rows.push_back({word("model", lang) + ": " + model.label, model.provider + options});
    block.rows.push_back(
        {word("model", lang) + ": " + model.label + ": SHA-256", model.facts.weights_sha256});
  }
  const Json plan = object_of(run.run.plan);
  if (plan.contains("suites"))
    for (const Json& suite : plan["suites"])
      block.rows.push_back({word("suite", lang) + ": " + plain(suite.value("name", Json(""))),
                            plain(suite.value("content_sha256", Json("")))});
  block.rows.push_back({word("plan", lang) + ": SHA-256", base::sha256_hex(run.run.plan)});
  for (const cost::Price& price : run.run.limits.prices)
    block.rows.push_back(
        {word("price_source", lang) + ": " + price.card + " @ " + price.provider,
         fmt::format("{} {}/h, {}: {}", price.per_hour, price.currency, price.date, price.source)});
  for (const store::SessionRow& session : run.sessions)
    block.rows.push_back({fmt::format("{} {}", word("session", lang), session.id),
                          session.started_at + ", " + session.ending});
  if (build.contains("command"))
    block.after.push_back(word("command", lang) + ": `" + plain(build["command"]) + "`");
  block.after.push_back(word("repeat", lang));
  if (build.contains("experiment"))
    block.after.push_back("```\n" + plain(build["experiment"]) + "\n```");
  return block;
}

}  // namespace visavis::report
