// GET /api/state: what the page needs to know of this server.
#include "server/answer_json.h"
#include "server/working.h"

namespace visavis::server {

base::Json entry_of(const Resident& resident) {
  base::Json entry = {{"name", resident.name}, {"state", "resident"}};
  entry.update(facts_json(resident.model->facts()));
  return entry;
}

void state(const ExchangePtr& exchange, Context& context) {
  respond_later(exchange, context, [&context] {
    const Setting& setting = context.setting;
    base::Json models = base::Json::array();
    std::vector<std::string> names;
    for (const auto& resident : context.residents.all()) {
      models.push_back(entry_of(*resident));
      names.push_back(resident->name);
    }
    for (const std::string& name : setting.available())
      if (std::find(names.begin(), names.end(), name) == names.end())
        models.push_back({{"name", name}, {"state", "available"}});
    base::Json features = {"models"};
    const bool runs = !context.runs.folder().empty();
    if (runs)
      for (const char* const feature : {"runs", "run", "recommend", "verdicts", "votes"})
        features.push_back(feature);
    return json_response(
        {{"version", setting.version},
         {"lang", setting.lang},
         {"currency", setting.currency},
         {"price_per_hour", setting.price ? base::Json(*setting.price) : base::Json()},
         {"max_body_bytes", context.limits.max_body_bytes},
         {"features", std::move(features)},
         {"models", std::move(models)},
         {"runs_folder", runs ? base::Json(context.runs.folder().string()) : base::Json()},
         {"suites", setting.suites()}});
  });
}

}  // namespace visavis::server
