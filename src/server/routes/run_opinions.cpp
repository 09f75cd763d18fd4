// POST /api/runs/ID/verdicts and .../recommend: what people say about answers, and what follows
// from their limits and weights.
#include "base/clock.h"
#include "harness/report/report.h"
#include "harness/report/results_json.h"
#include "harness/runner/runner.h"
#include "harness/store/opinion_files.h"
#include "harness/store/store.h"
#include "server/api_error.h"
#include "server/body.h"
#include "server/working.h"

namespace visavis::server {

void give_verdict(const ExchangePtr& exchange, Context& context) {
  base::Json body = parse_body(exchange->request().body);
  Fields fields(body, "", {"item", "model", "grade", "note", "by"});
  fields.require("item");
  fields.require("model");
  store::HumanVerdictRow row;
  row.item = *fields.integer("item", 0, 1'000'000'000);
  const std::string model = *fields.text("model");
  const std::string grade = fields.text("grade").value_or("");
  if (grade != "full" && grade != "partial" && grade != "wrong")
    refuse_field("grade", "wanted full, partial or wrong");
  row.verdict = graders::verdict_from(grade);
  row.note = fields.text("note").value_or("").substr(0, 1000);
  row.who = fields.text("by").value_or("").substr(0, 100);
  if (row.who.empty()) row.who = "page";
  row.given_at = base::utc_timestamp();
  const std::string id = exchange->request().parts.at("id");
  respond_later(exchange, context, [&context, id, model, row]() mutable {
    const std::filesystem::path folder = context.runs.folder_of(id);
    if (context.runs.running() == id)
      throw ApiError(409, "the run goes on; judge its answers when it has ended or was stopped");
    const std::lock_guard lock(context.opinions);
    store::Store store = store::Store::open(runner::store_path(folder));
    store::RunData run = store.read_all();
    if (row.item >= static_cast<int64_t>(run.items.size()))
      refuse_field("item", "found ", row.item, ", the run has ", run.items.size());
    try {
      row.model = store::find_model(run, model);
    } catch (const Error& error) {
      throw ApiError(400, error.what(), "model");
    }
    store.add_human({row}, {});
    report::write_report(report::compute_results(store.read_all()), folder, run.run.lang);
    return Response{.status = 204};
  });
}

void recommend_model(const ExchangePtr& exchange, Context& context) {
  base::Json body = parse_body(exchange->request().body);
  Fields fields(body, "", {"max_bytes", "max_p95_s", "max_price", "weights"});
  std::map<std::string, double> constraints;
  if (const auto bytes = fields.number("max_bytes", 1, 1e15))
    constraints["peak_memory_mib"] = *bytes / 1048576;
  if (const auto p95 = fields.number("max_p95_s", 1e-6, 1e9)) constraints["p95_e2e_s"] = *p95;
  if (const auto price = fields.number("max_price", 1e-9, 1e12))
    constraints["cost_per_1000"] = *price;
  Fields given(fields.require("weights"), "weights.", {"quality", "speed", "memory", "cost"});
  std::map<std::string, double> weights;
  weights["accuracy"] = given.number("quality", 0, 1e6).value_or(0);
  weights["latency"] = given.number("speed", 0, 1e6).value_or(0);
  weights["memory"] = given.number("memory", 0, 1e6).value_or(0);
  weights["cost"] = given.number("cost", 0, 1e6).value_or(0);
  double sum = 0;
  for (const auto& [key, weight] : weights) sum += weight;
  if (!(sum > 0)) refuse_field("weights", "are all 0");
  const std::string id = exchange->request().parts.at("id");
  respond_later(exchange, context, [&context, id, constraints, weights] {
    store::RunData run = store::read_run(runner::store_path(context.runs.folder_of(id)));
    run.run.judgement.constraints = constraints;
    run.run.judgement.weights = weights;
    const base::Json summary = report::summary_json(report::compute_results(std::move(run)));
    for (const base::Json& recommendation : summary["recommendations"])
      if (recommendation["key"] == "all") return json_response(recommendation);
    throw ApiError(409, "the run has no graded answers yet");
  });
}

}  // namespace visavis::server
