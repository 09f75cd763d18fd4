// POST /api/votes: which of several models' answers to a live question is better, and what each is
// worth; kept in the run "live".
#include <algorithm>
#include <memory>
#include <mutex>

#include "base/text.h"
#include "server/api_error.h"
#include "server/body.h"
#include "server/live_run.h"
#include "server/messages.h"
#include "server/working.h"

namespace visavis::server {
namespace {

constexpr size_t kMostAnswers = 16;
constexpr double kMostSeconds = 1e6;
constexpr int64_t kMostTokens = 1 << 30;

LiveVote::Answer read_answer(base::Json& json, const std::string& where, const Context& context) {
  Fields fields(json, where,
                {"model", "text", "finish", "seconds", "first_seconds", "seconds_per_token",
                 "prompt_tokens", "completion_tokens"});
  fields.require("model");
  fields.require("text");
  const std::shared_ptr<Resident> resident = context.residents.find(*fields.text("model"));
  LiveVote::Answer answer;
  answer.model = resident->name;
  answer.options = resident->options;
  answer.facts = resident->model->facts();
  answer.text = base::valid_utf8(*fields.text("text"));
  if (fields.text("finish").value_or("stop") == "length") answer.finish = chat::Finish::length;
  answer.timing.e2e = fields.number("seconds", 0, kMostSeconds).value_or(-1);
  answer.timing.ttft = fields.number("first_seconds", 0, kMostSeconds).value_or(-1);
  answer.timing.tpot = fields.number("seconds_per_token", 0, kMostSeconds).value_or(-1);
  answer.usage.prompt_tokens = fields.integer("prompt_tokens", 0, kMostTokens).value_or(0);
  answer.usage.completion_tokens = fields.integer("completion_tokens", 0, kMostTokens).value_or(0);
  return answer;
}

size_t place_of(const LiveVote& vote, const std::string& model, const std::string& param) {
  for (size_t i = 0; i < vote.answers.size(); ++i)
    if (vote.answers[i].model == model) return i;
  refuse_field(param, "found '", base::valid_utf8(model.substr(0, 100)),
               "', wanted a model of `answers`");
}

std::vector<base::Json>& list_of(Fields& fields, std::string_view key) {
  base::Json& value = fields.require(key);
  if (!value.is_array())
    refuse_field(fields.name(key), "found ", kind_of(value), ", wanted a list");
  return value.get_ref<std::vector<base::Json>&>();
}

void read_pictures(Fields& fields, const OrderRules& rules, LiveVote& vote) {
  if (fields.find("pictures") == nullptr) return;
  for (base::Json& url : list_of(fields, "pictures")) {
    const std::string param = "pictures[" + std::to_string(vote.pictures.size()) + "]";
    if (vote.pictures.size() >= rules.limits.max_pictures)
      refuse_field(param, "more than ", rules.limits.max_pictures, " pictures");
    if (!url.is_string()) refuse_field(param, "found ", kind_of(url), ", wanted a text");
    if (!url.get_ref<std::string&>().starts_with("data:"))
      refuse_field(param, "wanted a data: URL");
    std::string bytes = read_picture(url.get_ref<std::string&>(), param, rules);
    if (picture_kind(bytes).empty()) refuse_field(param, "wanted a PNG, JPEG or WebP file");
    vote.pictures.push_back(std::move(bytes));
  }
}

LiveVote read_vote(base::Json& body, const Context& context) {
  Fields fields(body, "",
                {"prompt", "pictures", "answers", "winner", "grades", "blind", "together", "by"});
  LiveVote vote;
  fields.require("prompt");
  vote.prompt = base::valid_utf8(*fields.text("prompt"));
  read_pictures(fields, context.order_rules, vote);
  for (base::Json& answer : list_of(fields, "answers")) {
    const std::string where = "answers[" + std::to_string(vote.answers.size()) + "].";
    if (vote.answers.size() >= kMostAnswers)
      refuse_field("answers", "more than ", kMostAnswers, " answers");
    LiveVote::Answer read = read_answer(answer, where, context);
    for (const LiveVote::Answer& other : vote.answers)
      if (other.model == read.model) refuse_field(where + "model", "stands there twice");
    vote.answers.push_back(std::move(read));
  }
  if (vote.answers.size() < 2)
    refuse_field("answers", "found ", vote.answers.size(), ", wanted at least two");
  fields.require("winner");
  const std::string winner = *fields.text("winner");
  const bool none = winner == "none";
  if (winner != "tie" && !none) vote.winner = static_cast<int>(place_of(vote, winner, "winner"));
  if (base::Json* grades = fields.find("grades")) {
    if (!grades->is_object())
      refuse_field("grades", "found ", kind_of(*grades), ", wanted an object");
    for (const auto& [model, grade] : grades->items()) {
      if (grade != "full" && grade != "partial" && grade != "wrong")
        refuse_field("grades." + base::valid_utf8(model), "wanted full, partial or wrong");
      vote.verdicts[place_of(vote, model, "grades")] =
          graders::verdict_from(grade.get<std::string>());
    }
  }
  vote.who = base::valid_utf8(fields.text("by").value_or("").substr(0, 100));
  if (vote.who.empty()) vote.who = "page";
  if (fields.boolean("blind", false)) vote.note = "blind";
  if (fields.boolean("together", false))
    vote.note += std::string(vote.note.empty() ? "" : ", ") + "answered at the same time";
  if (none) vote.note += std::string(vote.note.empty() ? "" : ", ") + "neither is good";
  return vote;
}

store::RunRow row_of(const Setting& setting) {
  store::RunRow row;
  row.lang = setting.lang;
  row.limits.price_per_hour = setting.price.value_or(0);
  row.limits.currency = setting.currency;
  row.machine = setting.runs.machine_json();
  row.build = setting.runs.build_json();
  return row;
}

}  // namespace

void vote(const ExchangePtr& exchange, Context& context) {
  if (context.runs.folder().empty())
    throw ApiError(409, "this server keeps no runs (visavis serve --runs DIR)");
  base::Json body = parse_body(exchange->request().body);
  auto vote = std::make_shared<const LiveVote>(read_vote(body, context));
  respond_later(exchange, context, [&context, vote] {
    const std::lock_guard lock(context.opinions);
    keep_live_vote(context.runs.folder() / kLiveRun, row_of(context.setting), *vote);
    return json_response({{"id", kLiveRun}});
  });
}

}  // namespace visavis::server
