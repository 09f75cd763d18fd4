// GET and POST /api/runs, GET /api/runs/ID, POST .../stop and .../resume
#include "harness/report/results_json.h"
#include "harness/runner/runner.h"
#include "harness/store/store.h"
#include "server/api_error.h"
#include "server/body.h"
#include "server/run_list.h"
#include "server/working.h"

namespace visavis::server {

void list_runs(const ExchangePtr& exchange, Context& context) {
  respond_later(exchange, context, [&context] { return json_response(runs_json(context.runs)); });
}

void show_run(const ExchangePtr& exchange, Context& context) {
  const std::string id = exchange->request().parts.at("id");
  respond_later(exchange, context, [&context, id] {
    store::RunData run = store::read_run(runner::store_path(context.runs.folder_of(id)));
    const std::string lang = run.run.lang;
    return json_response(report::page_json(report::compute_results(std::move(run)), lang));
  });
}

void start_run(const ExchangePtr& exchange, Context& context) {
  base::Json body = parse_body(exchange->request().body);
  Fields fields(body, "", {"suite", "models", "limit", "budget", "price", "max_time"});
  auto order = std::make_shared<RunOrder>();
  fields.require("suite");
  order->suite = *fields.text("suite");
  fields.require("models");
  for (const std::string& name : fields.texts("models", 16)) {
    const std::shared_ptr<Resident> resident = context.residents.find(name);
    order->models.push_back({resident->name, resident->options});
  }
  if (order->models.empty()) refuse_field("models", "is empty, wanted names of loaded models");
  order->limit = fields.integer("limit", 1, 1'000'000'000);
  order->budget = fields.number("budget", 0, 1e9);
  order->price = fields.number("price", 0, 1e9);
  order->max_time = fields.text("max_time");
  respond_later(exchange, context, [&context, order] {
    bool known = false;
    for (const base::Json& suite : context.setting.suites()) known |= suite["path"] == order->suite;
    if (!known) refuse_field("suite", "wanted the path of one that /api/state lists");
    return json_response({{"id", context.runs.start(*order)}});
  });
}

void stop_run(const ExchangePtr& exchange, Context& context) {
  context.runs.stop(exchange->request().parts.at("id"));
  exchange->respond_json(base::Json::object());
}

void resume_run(const ExchangePtr& exchange, Context& context) {
  const std::string id = exchange->request().parts.at("id");
  respond_later(exchange, context, [&context, id] {
    context.runs.resume(id);
    return json_response(base::Json::object());
  });
}

}  // namespace visavis::server
