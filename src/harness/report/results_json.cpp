#include "harness/report/results_json.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "harness/report/opinion_sections.h"
#include "harness/report/sections.h"
#include "harness/report/words.h"
#include "harness/stats/planning.h"
#include "harness/suites/pictures.h"
#include "picture/decode.h"
#include "picture/encode.h"

namespace visavis::report {
namespace {

using base::Json;

// Of the page's pictures: the more there are, the smaller they have to be for the file to open at
// once and stay below 60 MB as text.
struct PreviewSize {
  size_t pictures;  // up to so many
  int64_t side;     // pixels; the page never shows more than the first
  size_t file;      // bytes; smaller files are shown as they are
};
constexpr PreviewSize kPreviewSizes[] = {
    {400, 640, 60'000}, {1000, 448, 30'000}, {2500, 320, 12'000}, {8000, 200, 4'000}};
constexpr PreviewSize kSmallest = {0, 128, 2'000};
constexpr size_t kMostPictureBytes = 48'000'000;  // of all data: URLs; what comes later is left out

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json known(double value) { return value >= 0 ? Json(value) : Json(nullptr); }

Json text(const Titles& titles) { return {{"en", titles.en}, {"zh", titles.zh}}; }

Json texts(const std::vector<Titles>& all) {
  Json list = Json::array();
  for (const Titles& titles : all) list.push_back(text(titles));
  return list;
}

Json interval_json(const std::optional<stats::Interval>& interval) {
  if (!interval) return nullptr;
  return {interval->low, interval->high};
}

Json quantiles(const Quantiles& value) {
  return {{"p50", number(value.p50)},
          {"p95", number(value.p95)},
          {"p50_interval", interval_json(value.p50_interval)},
          {"p95_interval", interval_json(value.p95_interval)},
          {"p95_is_weak", value.p95_is_weak}};
}

Json cell_json(const Cell& cell) {
  return {{"items", cell.items},
          {"answered", cell.answered},
          {"graded", cell.graded},
          {"full", cell.full},
          {"partial", cell.partial},
          {"wrong", cell.wrong},
          {"unparsed", cell.unparsed},
          {"refused", cell.refused},
          {"failed", cell.failed},
          {"accuracy", cell.graded > 0 ? Json(cell.accuracy) : Json(nullptr)},
          {"low", cell.interval.low},
          {"high", cell.interval.high},
          {"mean_score", number(cell.mean_score)},
          {"macro_accuracy", number(cell.macro_accuracy)},
          {"ttft", quantiles(cell.ttft)},
          {"tpot", quantiles(cell.tpot)},
          {"e2e", quantiles(cell.e2e)},
          {"e2e_all", cell.e2e_all},
          {"split",
           {{"image_decode", number(cell.image_decode)},
            {"image_resize", number(cell.image_resize)},
            {"vision", number(cell.vision)},
            {"prefill", number(cell.prefill)}}},
          {"characters_per_second", number(cell.characters_per_second)},
          {"tokens_per_second", number(cell.tokens_per_second)},
          {"cost_per_1000", number(cell.cost_per_1000)},
          {"cost_per_correct", number(cell.cost_per_correct)},
          {"cost_per_correct_interval", interval_json(cell.cost_per_correct_interval)}};
}

const char* name_of(GroupKind kind) {
  switch (kind) {
    case GroupKind::all:
      return "all";
    case GroupKind::scenario:
      return "scenario";
    case GroupKind::language:
      return "language";
    case GroupKind::difficulty:
      return "difficulty";
    case GroupKind::profile:
      return "profile";
  }
  return "all";
}

const char* name_of(verdict::Decision decision) {
  switch (decision) {
    case verdict::Decision::first_better:
      return "first_better";
    case verdict::Decision::second_better:
      return "second_better";
    case verdict::Decision::equivalent:
      return "equivalent";
    case verdict::Decision::undecided:
      return "undecided";
    case verdict::Decision::cannot_decide:
      return "cannot_decide";
  }
  return "undecided";
}

// Of shares or scores, with the 95 % interval; null without two groups of questions.
Json difference_json(const stats::ClusteredMean& difference) {
  const auto interval = difference.interval();
  return {{"mean", difference.mean},
          {"low", interval ? Json(interval->low) : Json(nullptr)},
          {"high", interval ? Json(interval->high) : Json(nullptr)}};
}

Json group_json(const Results& results, const Group& group) {
  Json json = {{"kind", name_of(group.kind)},
               {"key", group.key},
               {"title", text(group.title)},
               {"graded", group.graded}};
  json["items"] = Json::array();
  for (const size_t item : group.items) json["items"].push_back(item);
  json["cells"] = Json::array();
  for (const Cell& cell : group.cells) json["cells"].push_back(cell_json(cell));
  json["pairs"] = Json::array();
  for (const verdict::PairResult& pair : group.pairs) {
    if (pair.both == 0) continue;
    json["pairs"].push_back(
        {{"a", pair.first},
         {"b", pair.second},
         {"both", pair.both},
         {"a_only", pair.only_first},
         {"b_only", pair.only_second},
         {"clusters", pair.clusters},
         {"test", pair.clustered() ? "mcnemar exact and clustered t" : "mcnemar exact"},
         {"difference", difference_json(pair.difference)},
         {"score_difference", difference_json(pair.score_difference)},
         {"detectable_difference", pair.difference.error > 0
                                       ? Json(stats::detectable_difference(pair.difference.error))
                                       : Json(nullptr)},
         {"p", pair.p},
         {"p_holm", number(pair.p_holm)},
         {"decision", name_of(pair.decision)},
         {"more_items", pair.more_items ? Json(*pair.more_items) : Json(nullptr)},
         {"sentence", text(verdict::in_words(pair, results.labels()))}});
  }
  json["speeds"] = Json::array();
  for (const PairSpeed& speed : group.speeds)
    json["speeds"].push_back({{"a", speed.first},
                              {"b", speed.second},
                              {"questions", speed.items},
                              {"ratio", speed.ratio.estimate},
                              {"low", speed.ratio.interval.low},
                              {"high", speed.ratio.interval.high}});
  return json;
}

Json fixed_length_json(const FixedLength& track) {
  return {{"asked", track.asked},
          {"failed", track.failed},
          {"tokens", track.tokens},
          {"ttft_p50", number(track.ttft)},
          {"tpot_p50", number(track.tpot)},
          {"e2e_p50", number(track.e2e)},
          {"tokens_per_second", number(track.tokens_per_second)},
          {"characters_per_second", number(track.characters_per_second)}};
}

Json elsewhere_json(const cost::OtherCards& elsewhere) {
  Json cards = Json::array();
  for (const cost::CardEstimate& estimate : elsewhere.cards)
    cards.push_back({{"card", estimate.price.card},
                     {"provider", estimate.price.provider},
                     {"currency", estimate.price.currency},
                     {"price_per_hour", estimate.price.per_hour},
                     {"date", estimate.price.date},
                     {"source", estimate.price.source},
                     {"seconds_per_question", estimate.seconds_per_question},
                     {"cost_per_1000", estimate.per_1000},
                     {"fits", estimate.fits}});
  return {{"estimate", true},
          {"measured_over_formula", number(elsewhere.measured_over_formula)},
          {"cards", std::move(cards)}};
}

Json recommendation_json(const Results& results, const verdict::Recommendation& found) {
  const auto label = [&](const std::optional<size_t>& model) {
    return model ? Json(results.models[*model].label) : Json(nullptr);
  };
  Json front = Json::array();
  for (const size_t model : found.front) front.push_back(results.models[model].label);
  return {{"key", found.key},
          {"title", text(found.title)},
          {"standing", verdict::name_of(found.standing)},
          {"winner", label(found.winner)},
          {"leader", label(found.leader)},
          {"front", std::move(front)},
          {"weights",
           {{"accuracy", found.weights.accuracy},
            {"latency", found.weights.latency},
            {"cost", found.weights.cost},
            {"memory", found.weights.memory}}},
          {"more_items", found.more_items ? Json(*found.more_items) : Json(nullptr)},
          {"more_cost", number(found.more_cost)},
          {"sentence", text(found.sentence)},
          {"reasons", texts(found.reasons)}};
}

Json costs_json(const Results& results) {
  const TimeSplit& time = results.time;
  return {{"load_seconds", time.load},       {"warmup_seconds", time.warmup},
          {"answers_seconds", time.answers}, {"again_seconds", time.again},
          {"rest_seconds", time.rest},       {"energy_joules", number(results.joules)}};
}

Json block_json(const Block& block) {
  return {{"heading", block.heading},
          {"paragraphs", block.paragraphs},
          {"head", block.head},
          {"rows", block.rows},
          {"after", block.after}};
}

// The sections that the page shows as they are.
Json blocks_json(const Results& results) {
  Json blocks = Json::array();
  for (const Section& section : sections()) {
    if (!section.on_page) continue;
    const Block en = section.make(results, "en");
    if (en.heading.empty()) continue;
    blocks.push_back({{"en", block_json(en)}, {"zh", block_json(section.make(results, "zh"))}});
  }
  return blocks;
}

Json model_json(const ModelSummary& model) {
  const chat::ModelFacts& facts = model.facts;
  const Revisits& seen = model.revisits;
  return {{"label", model.label},
          {"architecture", facts.architecture},
          {"device", facts.device},
          {"weights", facts.weights},
          {"weights_sha256", facts.weights_sha256},
          {"context", facts.context},
          {"checkpoint_bytes", facts.checkpoint_bytes},
          {"parameters", facts.parameters},
          {"load_seconds", facts.load_seconds},
          {"from_cache", facts.from_cache},
          {"multi_image_trained", facts.multi_image_trained},
          {"memory",
           {{"weights", facts.memory.weights},
            {"vision", facts.memory.vision},
            {"kv", facts.memory.kv},
            {"workspace", facts.memory.workspace},
            {"peak", model.peak_bytes > 0 ? Json(model.peak_bytes) : Json(nullptr)}}},
          {"seen_before",
           {{"asked", seen.asked},
            {"failed", seen.failed},
            {"same_answer", seen.same},
            {"ttft_p50", number(seen.ttft)},
            {"vision_p50", number(seen.vision)},
            {"first_ttft_p50", number(seen.first_ttft)},
            {"first_vision_p50", number(seen.first_vision)},
            {"prompt_tokens", seen.prompt_tokens},
            {"cached_prompt_tokens", seen.cached_prompt_tokens},
            {"image_tokens", seen.image_tokens},
            {"cached_image_tokens", seen.cached_image_tokens}}},
          {"fixed_length", fixed_length_json(model.fixed_length)},
          {"joules_per_answer", number(model.joules_per_answer)},
          {"elsewhere", elsewhere_json(model.elsewhere)}};
}

std::string evidence_text(const graders::Grade& grade) {
  std::string line = grade.rule;
  for (const graders::Evidence& evidence : grade.evidence) {
    const bool hit = !evidence.found.empty();
    line += (line.empty() ? "" : " · ") + evidence.kind + (hit ? " + " : " - ") + evidence.wanted;
  }
  return line;
}

std::string reference_text(const suites::Question& question) {
  if (!question.key.answers.empty()) return base::join(question.key.answers, " | ");
  std::vector<std::string> parts;
  for (const auto* facts : {&question.key.facts, &question.key.changes})
    for (const suites::Fact& fact : *facts)
      if (!fact.any.empty()) parts.push_back(fact.any.front());
  return base::join(parts, ", ");
}

Json answer_json(const store::AnswerRow* answer, const store::GradeRow* grade) {
  if (answer == nullptr || grade == nullptr)
    return {{"verdict", "missing"},
            {"text", ""},
            {"ttft", nullptr},
            {"e2e", nullptr},
            {"tokens", nullptr}};
  return {{"verdict", graders::name_of(grade->grade.verdict)},
          {"score", grade->grade.score},
          {"text", answer->text},
          {"failure", answer->failure},
          {"evidence", evidence_text(grade->grade)},
          {"ttft", known(answer->timing.ttft)},
          {"e2e", known(answer->timing.e2e)},
          {"tokens", answer->usage.completion_tokens},
          {"finish", chat::name_of(answer->finish)}};
}

// The picture as the page shows it: the file itself if browsers take it and it is small, else
// shrunk; of a folder of frames the one in the middle.
std::string preview(const suites::Picture& picture, const PreviewSize& size) {
  if (picture.frame_rate > 0) {
    const chat::Video video = suites::load_video(picture.path, picture.name, picture.frame_rate);
    if (video.frames.empty()) return "";  // a file: the page shows its name
    const chat::Image& middle = video.frames[video.frames.size() / 2];
    return picture::data_url(
        picture::thumbnail_webp(picture::decode(*middle.bytes, middle.name).image, size.side),
        "image/webp");
  }
  const std::string bytes = suites::picture_bytes(picture);
  const picture::Decoded decoded = picture::decode(bytes, picture.name);
  const bool large = decoded.image.width > size.side || decoded.image.height > size.side;
  if (large || bytes.size() > size.file)
    return picture::data_url(picture::thumbnail_webp(decoded.image, size.side), "image/webp");
  const char* mime = decoded.format == "JPEG"  ? "image/jpeg"
                     : decoded.format == "PNG" ? "image/png"
                                               : "image/webp";
  return picture::data_url(bytes, mime);
}

// The pictures of all questions as data: URLs, each once, by content.
Json pictures_json(const store::RunData& run) {
  std::set<std::string> distinct;
  for (const store::ItemRow& item : run.items)
    distinct.insert(item.picture_sha256.begin(), item.picture_sha256.end());
  const PreviewSize* size = &kSmallest;
  for (const PreviewSize& each : kPreviewSizes)
    if (size == &kSmallest && distinct.size() <= each.pictures) size = &each;
  size_t used = 0;
  Json pictures = Json::object();
  for (const store::ItemRow& item : run.items) {
    for (size_t i = 0; i < item.question.images.size(); ++i) {
      const std::string& key = item.picture_sha256.at(i);
      if (pictures.contains(key)) continue;
      try {
        std::string url = used < kMostPictureBytes ? preview(item.question.images[i], *size) : "";
        used += url.size();
        pictures[key] = std::move(url);
      } catch (const Error&) {
        pictures[key] = "";  // gone since the run, or not a picture: the page says so instead
      }
    }
  }
  return pictures;
}

Json items_json(const Results& results) {
  const store::RunData& run = results.run;
  std::vector<std::vector<Json>> answers(
      run.items.size(), std::vector<Json>(run.models.size(), answer_json(nullptr, nullptr)));
  for (size_t i = 0; i < run.answers.size(); ++i)
    answers[static_cast<size_t>(run.answers[i].item)][static_cast<size_t>(run.answers[i].model)] =
        answer_json(&run.answers[i], &run.grades[i]);
  Json items = Json::array();
  for (size_t i = 0; i < run.items.size(); ++i) {
    const store::ItemRow& row = run.items[i];
    const suites::Scenario& scenario = run.scenario_of(row);
    items.push_back({{"index", i},
                     {"id", row.question.id},
                     {"scenario", scenario.id},
                     {"scenario_title", text(scenario.title)},
                     {"lang", row.question.lang},
                     {"difficulty", row.question.difficulty},
                     {"question", row.question.question},
                     {"reference", reference_text(row.question)},
                     {"images", row.picture_sha256},
                     {"answers", answers[i]}});
  }
  return items;
}

}  // namespace

Json summary_json(const Results& results) {
  const store::RunRow& run = results.run.run;
  Json json;
  json["format"] = "visavis summary 1";
  json["run"] = {
      {"description", run.description},
      {"started", run.created_at},
      {"state", run.state},
      {"seed", run.seed},
      {"order", run.order},
      {"questions", results.run.items.size()},
      {"answers", results.run.answers.size()},
      {"planned_answers", results.run.items.size() * results.run.models.size()},
      {"price_per_hour", run.limits.price_per_hour},
      {"currency", run.limits.currency},
      {"total_cost", number(results.total_cost)},
      {"wall_seconds", results.wall_seconds},
      {"load_seconds", results.load_seconds},
      {"warmup_seconds", results.warmup_seconds},
      {"machine", run.machine.empty() ? Json(nullptr) : Json::parse(run.machine, nullptr, false)},
      {"build", run.build.empty() ? Json(nullptr) : Json::parse(run.build, nullptr, false)}};
  json["models"] = Json::array();
  for (const ModelSummary& model : results.models) json["models"].push_back(model_json(model));
  json["groups"] = Json::array();
  for (const Group& group : results.groups) json["groups"].push_back(group_json(results, group));
  json["recommendations"] = Json::array();
  for (const verdict::Recommendation& recommendation : results.recommendations)
    json["recommendations"].push_back(recommendation_json(results, recommendation));
  json["costs"] = costs_json(results);
  json["fidelity"] = Json::array();
  for (const verdict::Fidelity& fidelity : results.fidelity)
    json["fidelity"].push_back(Json::parse(verdict::fidelity_json(fidelity)));
  json.update(opinions_json(results));
  json["notes"] = texts(results.notes);
  json["method"] = texts(results.method);
  return json;
}

Json page_json(const Results& results, const std::string& lang) {
  Json json = summary_json(results);
  json["lang"] = lang;
  json["words"] = words_json();
  json["blocks"] = blocks_json(results);
  json["items"] = items_json(results);
  json["pictures"] = pictures_json(results.run);
  return json;
}

}  // namespace visavis::report
