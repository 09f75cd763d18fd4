// POST /api/models/load, .../unload and .../plan: models known by name only, never a path or an
// address that a client chose.
#include <algorithm>
#include <memory>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/body.h"
#include "server/working.h"

namespace visavis::server {

base::Json entry_of(const Resident& resident);

namespace {

struct Wanted {
  std::string name;
  chat::ModelOptions options;
};

// Options that name files or places are the command line's alone.
std::shared_ptr<Wanted> read_wanted(const ExchangePtr& exchange, const Context& context) {
  base::Json body = parse_body(exchange->request().body);
  Fields fields(body, "", {"model", "options"});
  auto wanted = std::make_shared<Wanted>();
  fields.require("model");
  wanted->name = *fields.text("model");
  const std::vector<std::string> names = context.setting.available();
  if (std::find(names.begin(), names.end(), wanted->name) == names.end())
    throw ApiError(404, "no such model here; /api/state lists them", "model", "model_not_found");
  base::Json* options = fields.find("options");
  if (options == nullptr) return wanted;
  Fields given(
      *options, "options.",
      {"weights", "vision_weights", "kv", "ctx", "max_batch_size", "max_pixels", "image_mode"});
  for (const auto& [key, value] : options->items()) {
    if (value.is_null()) continue;
    if (!value.is_string() && !value.is_number_integer())
      refuse_field("options." + key, "found ", kind_of(value), ", wanted a text or a whole number");
    wanted->options.emplace_back(
        key, value.is_string() ? value.get<std::string>() : base::dump_json(value));
  }
  return wanted;
}

}  // namespace

void load_model(const ExchangePtr& exchange, Context& context) {
  const std::shared_ptr<Wanted> wanted = read_wanted(exchange, context);
  context.runs.require_quiet();
  respond_later(exchange, context, [&context, wanted] {
    try {
      return json_response(
          entry_of(*context.setting.load(context.residents, wanted->name, wanted->options)));
    } catch (const ApiError&) {
      throw;
    } catch (const Error& error) {
      throw ApiError(400, error.what());
    }
  });
}

void unload_model(const ExchangePtr& exchange, Context& context) {
  base::Json body = parse_body(exchange->request().body);
  Fields fields(body, "", {"model"});
  fields.require("model");
  const std::string name = *fields.text("model");
  if (!context.runs.running().empty())
    throw ApiError(409, "a comparison goes on; stop it before a model is unloaded");
  respond_later(exchange, context, [&context, name] {
    context.residents.unload(name);
    return json_response(base::Json::object());
  });
}

void plan_model(const ExchangePtr& exchange, Context& context) {
  const std::shared_ptr<Wanted> wanted = read_wanted(exchange, context);
  respond_later(exchange, context, [&context, wanted] {
    try {
      return json_response(context.setting.plan(wanted->name, wanted->options));
    } catch (const Error& error) {
      throw ApiError(400, error.what());
    }
  });
}

}  // namespace visavis::server
