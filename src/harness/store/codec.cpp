#include "harness/store/codec.h"

#include <cmath>
#include <utility>

#include "base/error.h"

namespace visavis::store {
namespace {

using base::Json;

constexpr double kMicro = 1e6;

// Turns what nlohmann throws for a missing or mistyped field into an Error.
template <class Read>
auto read(const std::string& text, const char* what, Read get) {
  const Json json = base::parse_json(text, what);
  try {
    return get(json);
  } catch (const Json::exception& error) {
    fail("damaged results store: ", what, ": ", error.what());
  }
}

Json facts_json(const std::vector<suites::Fact>& facts) {
  Json out = Json::array();
  for (const suites::Fact& fact : facts) out.push_back({{"any", fact.any}});
  return out;
}

std::vector<suites::Fact> facts_from(const Json& json) {
  std::vector<suites::Fact> facts;
  for (const Json& fact : json) facts.push_back({fact.at("any").get<std::vector<std::string>>()});
  return facts;
}

suites::Key key_of(const Json& json) {
  suites::Key key;
  key.answers = json.at("answers").get<std::vector<std::string>>();
  if (json.contains("options"))  // older stores have none
    key.options = json.at("options").get<std::vector<std::string>>();
  key.facts = facts_from(json.at("facts"));
  key.contradictions = json.at("contradictions").get<std::vector<std::string>>();
  key.changes = facts_from(json.at("changes"));
  key.distractors = facts_from(json.at("distractors"));
  key.schema = json.value("schema", "");
  if (json.contains("facts_full")) key.facts_full = json.at("facts_full").get<double>();
  if (json.contains("facts_partial")) key.facts_partial = json.at("facts_partial").get<double>();
  for (const Json& part : json.value("parts", Json::array()))
    key.parts.push_back({part.at("grader").get<std::string>(),
                         part.at("negated").get<bool>(),
                         part.at("weight").get<double>(),
                         {key_of(part.at("key"))}});
  return key;
}

}  // namespace

// Parts that a key does not have are left out where older stores do not know them, so that the
// questions of an older run keep their hashes.
Json key_json(const suites::Key& key) {
  Json json = {{"answers", key.answers},
               {"options", key.options},
               {"facts", facts_json(key.facts)},
               {"contradictions", key.contradictions},
               {"changes", facts_json(key.changes)},
               {"distractors", facts_json(key.distractors)}};
  if (!key.schema.empty()) json["schema"] = key.schema;
  if (key.facts_full) json["facts_full"] = *key.facts_full;
  if (key.facts_partial) json["facts_partial"] = *key.facts_partial;
  for (const suites::KeyPart& part : key.parts)
    json["parts"].push_back({{"grader", part.grader},
                             {"negated", part.negated},
                             {"weight", part.weight},
                             {"key", key_json(part.keys.front())}});
  return json;
}

suites::Key key_from(const std::string& text) {
  return read(text, "answer key", [](const Json& json) { return key_of(json); });
}

Json form_json(const suites::Question& question) {
  Json json = Json::object();
  if (!question.rotation_of.empty()) json["rotation_of"] = question.rotation_of;
  for (const suites::Turn& turn : question.turns) {
    Json pieces = Json::array();
    for (const suites::Piece& piece : turn.pieces)
      pieces.push_back(piece.image < 0 ? Json(piece.text) : Json(piece.image));
    json["turns"].push_back({{"role", static_cast<int>(turn.role)}, {"pieces", std::move(pieces)}});
  }
  return json;
}

void read_form(const std::string& text, suites::Question& question) {
  question = read(text, "answer key", [&](const Json& json) {
    suites::Question filled = question;
    filled.rotation_of = json.value("rotation_of", "");
    for (const Json& turn : json.value("turns", Json::array())) {
      suites::Turn out{static_cast<chat::Role>(turn.at("role").get<int>()), {}};
      for (const Json& piece : turn.at("pieces"))
        out.pieces.push_back(piece.is_string() ? suites::Piece{piece.get<std::string>(), -1}
                                               : suites::Piece{"", piece.get<int>()});
      filled.turns.push_back(std::move(out));
    }
    return filled;
  });
}

Json judgement_json(const Judgement& judgement) {
  return {{"baseline", judgement.baseline},
          {"alpha", judgement.alpha},
          {"equivalence_margin", judgement.equivalence_margin},
          {"correction", judgement.correction},
          {"cutoffs",
           {{"graded_full", judgement.cutoffs.graded_full},
            {"facts_full", judgement.cutoffs.facts_full},
            {"facts_partial", judgement.cutoffs.facts_partial}}},
          {"constraints", judgement.constraints},
          {"licenses_allowed", judgement.licenses_allowed},
          {"licenses", judgement.licenses},
          {"weights", judgement.weights},
          {"sensitivity", judgement.sensitivity},
          {"judge",
           {{"provider", judgement.judge.provider},
            {"config", options_json(judgement.judge.options)},
            {"rubric", judgement.judge.rubric},
            {"pairs", judgement.judge.pairs},
            {"scenarios", judgement.judge.scenarios}}},
          {"stop_when_decided", judgement.stop_when_decided},
          {"alpha_at_end", judgement.alpha_at_end}};
}

Judgement judgement_from(const std::string& text) {
  return read(text, "judgement", [](const Json& json) {
    Judgement judgement;
    judgement.baseline = json.at("baseline").get<std::string>();
    judgement.alpha = json.at("alpha").get<double>();
    judgement.equivalence_margin = json.at("equivalence_margin").get<double>();
    judgement.correction = json.at("correction").get<std::string>();
    const Json& cutoffs = json.at("cutoffs");
    judgement.cutoffs.graded_full = cutoffs.at("graded_full").get<double>();
    judgement.cutoffs.facts_full = cutoffs.at("facts_full").get<double>();
    judgement.cutoffs.facts_partial = cutoffs.at("facts_partial").get<double>();
    judgement.constraints = json.at("constraints").get<std::map<std::string, double>>();
    judgement.weights = json.at("weights").get<std::map<std::string, double>>();
    judgement.sensitivity = json.at("sensitivity").get<double>();
    if (json.contains("judge")) {  // older stores have none
      const Json& judge = json.at("judge");
      judgement.judge.provider = judge.at("provider").get<std::string>();
      judgement.judge.options = options_from(base::dump_json(judge.at("config")));
      judgement.judge.rubric = judge.at("rubric").get<bool>();
      judgement.judge.pairs = judge.at("pairs").get<bool>();
      judgement.judge.scenarios = judge.at("scenarios").get<std::vector<std::string>>();
      judgement.stop_when_decided = json.at("stop_when_decided").get<bool>();
      judgement.alpha_at_end = json.at("alpha_at_end").get<double>();
    }
    if (!json.contains("licenses")) return judgement;  // older stores have none
    judgement.licenses_allowed = json.at("licenses_allowed").get<std::vector<std::string>>();
    judgement.licenses = json.at("licenses").get<std::map<std::string, std::string>>();
    return judgement;
  });
}

Json limits_json(const Limits& limits) {
  Json prices = Json::array();
  for (const cost::Price& price : limits.prices)
    prices.push_back({{"card", price.card},
                      {"provider", price.provider},
                      {"currency", price.currency},
                      {"per_hour", price.per_hour},
                      {"date", price.date},
                      {"source", price.source}});
  return {{"price_per_hour", limits.price_per_hour},
          {"currency", limits.currency},
          {"max_cost", limits.max_cost},
          {"max_seconds", limits.max_seconds},
          {"max_items", limits.max_items},
          {"card", limits.card},
          {"prices", std::move(prices)}};
}

Limits limits_from(const std::string& text) {
  return read(text, "limits", [](const Json& json) {
    Limits limits;
    limits.price_per_hour = json.at("price_per_hour").get<double>();
    limits.currency = json.at("currency").get<std::string>();
    limits.max_cost = json.at("max_cost").get<double>();
    limits.max_seconds = json.at("max_seconds").get<double>();
    limits.max_items = json.at("max_items").get<int64_t>();
    if (!json.contains("prices")) return limits;  // older stores have none
    limits.card = json.at("card").get<std::string>();
    for (const Json& price : json.at("prices"))
      limits.prices.push_back({.card = price.at("card").get<std::string>(),
                               .provider = price.at("provider").get<std::string>(),
                               .currency = price.at("currency").get<std::string>(),
                               .per_hour = price.at("per_hour").get<double>(),
                               .date = price.at("date").get<std::string>(),
                               .source = price.at("source").get<std::string>()});
    return limits;
  });
}

Json effort_json(const chat::Effort& effort) {
  if (!effort.known()) return Json::object();
  return {{"step_bytes", effort.step_bytes},
          {"token_ops", effort.token_ops},
          {"head_ops", effort.head_ops},
          {"picture_bytes", effort.picture_bytes},
          {"image_token_ops", effort.image_token_ops},
          {"kv_token_bytes", effort.kv_token_bytes},
          {"chunk", effort.chunk},
          {"integer", effort.integer}};
}

chat::Effort effort_from(const std::string& text) {
  return read(text, "effort", [](const Json& json) {
    chat::Effort effort;
    if (json.empty()) return effort;
    effort.step_bytes = json.at("step_bytes").get<double>();
    effort.token_ops = json.at("token_ops").get<double>();
    effort.head_ops = json.at("head_ops").get<double>();
    effort.picture_bytes = json.at("picture_bytes").get<double>();
    effort.image_token_ops = json.at("image_token_ops").get<double>();
    effort.kv_token_bytes = json.at("kv_token_bytes").get<double>();
    effort.chunk = json.at("chunk").get<int64_t>();
    effort.integer = json.at("integer").get<bool>();
    return effort;
  });
}

Json pictures_json(const std::vector<suites::Picture>& pictures) {
  Json out = Json::array();
  for (const suites::Picture& picture : pictures) {
    out.push_back({{"name", picture.name},
                   {"path", picture.path.string()},
                   {"offset", picture.offset},
                   {"length", picture.length}});
    if (picture.frame_rate > 0) out.back()["frame_rate"] = picture.frame_rate;
  }
  return out;
}

std::vector<suites::Picture> pictures_from(const std::string& text) {
  return read(text, "pictures", [](const Json& json) {
    std::vector<suites::Picture> pictures;
    for (const Json& picture : json)
      pictures.push_back({.name = picture.at("name").get<std::string>(),
                          .path = picture.at("path").get<std::string>(),
                          .offset = picture.value("offset", int64_t{0}),
                          .length = picture.value("length", int64_t{0}),
                          .frame_rate = picture.value("frame_rate", 0.0)});
    return pictures;
  });
}

Json evidence_json(const std::vector<graders::Evidence>& evidence) {
  Json out = Json::array();
  for (const graders::Evidence& one : evidence)
    out.push_back({{"kind", one.kind},
                   {"wanted", one.wanted},
                   {"found", one.found},
                   {"begin", one.begin},
                   {"end", one.end}});
  return out;
}

std::vector<graders::Evidence> evidence_from(const std::string& text) {
  return read(text, "evidence", [](const Json& json) {
    std::vector<graders::Evidence> evidence;
    for (const Json& one : json)
      evidence.push_back({one.at("kind").get<std::string>(), one.at("wanted").get<std::string>(),
                          one.at("found").get<std::string>(), one.at("begin").get<int>(),
                          one.at("end").get<int>()});
    return evidence;
  });
}

Json options_json(const std::vector<std::pair<std::string, std::string>>& options) {
  Json out = Json::object();
  for (const auto& [key, value] : options) out[key] = value;
  return out;
}

std::vector<std::pair<std::string, std::string>> options_from(const std::string& text) {
  return read(text, "options", [](const Json& json) {
    std::vector<std::pair<std::string, std::string>> options;
    for (const auto& [key, value] : json.items()) options.emplace_back(key, value);
    return options;
  });
}

std::string texts_json(const std::vector<std::string>& texts) {
  return base::dump_json(Json(texts));
}

std::vector<std::string> texts_from(const std::string& text) {
  return read(text, "list of texts",
              [](const Json& json) { return json.get<std::vector<std::string>>(); });
}

std::string seconds_json(const std::vector<double>& seconds) {
  Json out = Json::array();
  for (const double value : seconds) out.push_back(std::round(value * kMicro) / kMicro);
  return base::dump_json(out);
}

std::vector<double> seconds_from(const std::string& text) {
  return read(text, "times", [](const Json& json) { return json.get<std::vector<double>>(); });
}

chat::Finish finish_from(std::string_view name) {
  for (const chat::Finish finish :
       {chat::Finish::stop, chat::Finish::length, chat::Finish::cancelled})
    if (name == chat::name_of(finish)) return finish;
  fail("damaged results store: unknown finish '", name, "'");
}

}  // namespace visavis::store
