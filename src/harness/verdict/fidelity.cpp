#include "harness/verdict/fidelity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/json.h"
#include "harness/stats/paired.h"

namespace visavis::verdict {
namespace {

using base::Json;

Json known_json(const Known& known) {
  Json json = {{"value", known.value}};
  json["low"] = known.interval ? Json(known.interval->low) : Json(nullptr);
  json["high"] = known.interval ? Json(known.interval->high) : Json(nullptr);
  return json;
}

Known known_from(const Json& json) {
  Known known{.value = json.at("value").get<double>()};
  if (!json.at("low").is_null())
    known.interval = {json.at("low").get<double>(), json.at("high").get<double>()};
  return known;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Means of logarithms per question, so that the ratio's interval is that of their difference.
void add_perplexities(std::span<const FidelityItem> items, Fidelity& out) {
  std::vector<double> ours, theirs, apart;
  std::vector<int64_t> clusters;
  for (const FidelityItem& item : items) {
    if (item.surprises.empty()) continue;
    ours.push_back(mean(item.surprises));
    theirs.push_back(mean(item.reference_surprises));
    apart.push_back(ours.back() - theirs.back());
    clusters.push_back(item.cluster);
  }
  if (ours.empty()) return;
  out.perplexity = std::exp(mean(ours));
  out.reference_perplexity = std::exp(mean(theirs));
  const stats::ClusteredMean difference = stats::clustered_mean(apart, clusters);
  out.perplexity_ratio = {std::exp(difference.mean), difference.interval()};
  if (auto& interval = out.perplexity_ratio.interval)
    interval = {std::exp(interval->low), std::exp(interval->high)};
}

// "3.1 points [0.5, 5.7]"
std::string points(const Known& known, const char* unit) {
  std::string text = fmt::format("{:.1f}{}", 100 * known.value, unit);
  if (known.interval)
    text += fmt::format(" [{:.1f}, {:.1f}]", 100 * known.interval->low, 100 * known.interval->high);
  return text;
}

}  // namespace

Fidelity summarise(std::span<const FidelityItem> items) {
  Fidelity out;
  out.items = static_cast<int64_t>(items.size());
  std::vector<double> divergences, agreements;
  std::vector<int64_t> clusters;
  std::vector<PairedItem> paired;
  for (const FidelityItem& item : items) {
    out.same_text += item.same_text ? 1 : 0;
    const size_t tokens = item.divergences.size();
    if (tokens > 0) {
      out.tokens += static_cast<int64_t>(tokens);
      divergences.push_back(mean(item.divergences));
      agreements.push_back(static_cast<double>(std::count(item.same_choices.begin(),
                                                          item.same_choices.end(), true)) /
                           static_cast<double>(tokens));
      clusters.push_back(item.cluster);
    }
    if (item.graded)
      paired.push_back({.first_right = item.reference_right,
                        .second_right = item.right,
                        .first_score = item.reference_right ? 1.0 : 0.0,
                        .second_score = item.right ? 1.0 : 0.0,
                        .cluster = item.cluster});
  }
  const stats::ClusteredMean divergence = stats::clustered_mean(divergences, clusters);
  out.divergence = {divergence.mean, divergence.interval()};
  if (out.divergence.interval)
    out.divergence.interval->low = std::max(0.0, out.divergence.interval->low);
  const stats::ClusteredMean agreement = stats::clustered_mean(agreements, clusters);
  out.agreement = {agreement.mean, stats::clustered_wilson(agreement)};
  add_perplexities(items, out);
  const PairResult pair = compare_pair(0, 1, paired);
  out.graded = pair.both;
  out.only_reference = pair.only_first;
  out.only_model = pair.only_second;
  out.loss = {pair.difference.mean, pair.difference.interval()};
  if (out.loss.interval && pair.only_first + pair.only_second == 0) {
    // No flip seen is not the same as none: as Wilson's bound for nothing in so many.
    const double most = stats::wilson_share(0, static_cast<double>(pair.clusters)).high;
    out.loss.interval = {-most, most};
  }
  out.p = pair.p;
  return out;
}

std::string fidelity_json(const Fidelity& fidelity) {
  Json layers = Json::array();
  for (const LayerError& layer : fidelity.layers)
    layers.push_back({{"name", layer.name}, {"relative_error", layer.relative}});
  return base::dump_json({{"model", fidelity.model},
                          {"weights", fidelity.weights},
                          {"against", fidelity.against},
                          {"reference", fidelity.reference},
                          {"tokens_of", fidelity.of_text ? "text" : "answers"},
                          {"items", fidelity.items},
                          {"tokens", fidelity.tokens},
                          {"divergence_nats", known_json(fidelity.divergence)},
                          {"top1_agreement", known_json(fidelity.agreement)},
                          {"perplexity", fidelity.perplexity},
                          {"reference_perplexity", fidelity.reference_perplexity},
                          {"perplexity_ratio", known_json(fidelity.perplexity_ratio)},
                          {"layers", layers},
                          {"same_text", fidelity.same_text},
                          {"graded", fidelity.graded},
                          {"right_only_model", fidelity.only_model},
                          {"right_only_reference", fidelity.only_reference},
                          {"loss", known_json(fidelity.loss)},
                          {"p", fidelity.p}});
}

Fidelity fidelity_from(const std::string& text) {
  const Json json = base::parse_json(text, "fidelity");
  try {
    // Runs of earlier versions lack what came later.
    std::vector<LayerError> layers;
    for (const Json& layer : json.value("layers", Json::array()))
      layers.push_back(
          {layer.at("name").get<std::string>(), layer.at("relative_error").get<double>()});
    return {.model = json.at("model").get<std::string>(),
            .weights = json.at("weights").get<std::string>(),
            .against = json.at("against").get<std::string>(),
            .reference = json.value("reference", ""),
            .of_text = json.value("tokens_of", "answers") == "text",
            .items = json.at("items").get<int64_t>(),
            .tokens = json.at("tokens").get<int64_t>(),
            .divergence = known_from(json.at("divergence_nats")),
            .agreement = known_from(json.at("top1_agreement")),
            .perplexity = json.value("perplexity", 0.0),
            .reference_perplexity = json.value("reference_perplexity", 0.0),
            .perplexity_ratio = json.contains("perplexity_ratio")
                                    ? known_from(json.at("perplexity_ratio"))
                                    : Known{},
            .layers = std::move(layers),
            .same_text = json.at("same_text").get<int64_t>(),
            .graded = json.at("graded").get<int64_t>(),
            .only_model = json.at("right_only_model").get<int64_t>(),
            .only_reference = json.at("right_only_reference").get<int64_t>(),
            .loss = known_from(json.at("loss")),
            .p = json.at("p").get<double>()};
  } catch (const Json::exception& error) {
    fail("damaged results store: fidelity: ", error.what());
  }
}

Titles in_words(const Fidelity& fidelity) {
  const std::string counts =
      fmt::format("{} : {} / {}", fidelity.only_reference, fidelity.only_model, fidelity.graded);
  const std::string& low = fidelity.weights;
  const std::string& high = fidelity.against;
  if (fidelity.graded == 0)
    return {"no graded question tells what it costs", "没有评分题可说明其代价"};
  if (fidelity.p < 0.05 &&
      fidelity.only_reference + fidelity.only_model >= stats::kDecidableDiscordant) {
    const bool worse = fidelity.loss.value > 0;
    return {fmt::format("{} {} {} against {}, beyond chance ({}, p = {:.2g})", low,
                        worse ? "loses" : "gains (negative)", points(fidelity.loss, " points"),
                        high, counts, fidelity.p),
            fmt::format("{} 相对 {} {} {}，超出偶然（{}，p = {:.2g}）", low, high,
                        worse ? "损失" : "提高（负值）", points(fidelity.loss, " 个百分点"), counts,
                        fidelity.p)};
  }
  return {fmt::format("no loss of {} against {} is shown: {} ({}, p = {:.2g})", low, high,
                      points(fidelity.loss, " points"), counts, fidelity.p),
          fmt::format("未显示 {} 相对 {} 有损失：{}（{}，p = {:.2g}）", low, high,
                      points(fidelity.loss, " 个百分点"), counts, fidelity.p)};
}

Titles attribution(const std::string& better, const Known& lead, const Fidelity& fidelity) {
  const std::string lead_points = points(lead, " points");
  const std::string lead_zh = points(lead, " 个百分点");
  if (!lead.interval || !fidelity.loss.interval)
    return {fmt::format("{} leads {} by {}; too few questions tell how much of it quantising costs",
                        better, fidelity.model, lead_points),
            fmt::format("{} 领先 {} {}；题目太少，无法说明其中多少来自量化", better, fidelity.model,
                        lead_zh)};
  if (fidelity.loss.interval->high < lead.interval->low)
    return {fmt::format("the model is worse, not only its {} form: {} leads {} by {}, and "
                        "quantising explains at most {:.1f} points",
                        fidelity.weights, better, fidelity.model, lead_points,
                        100 * fidelity.loss.interval->high),
            fmt::format("是模型本身较差，而不只是 {} 形式：{} 领先 {} {}，量化至多解释 {:.1f} "
                        "个百分点",
                        fidelity.weights, better, fidelity.model, lead_zh,
                        100 * fidelity.loss.interval->high)};
  if (fidelity.loss.interval->low > 0 && fidelity.loss.interval->high >= lead.interval->high)
    return {fmt::format("the {} form is worse, and that can be all of it: {} leads {} by {}, "
                        "quantising costs {}",
                        fidelity.weights, better, fidelity.model, lead_points,
                        points(fidelity.loss, " points")),
            fmt::format("较差的是 {} 形式，且可能就是全部原因：{} 领先 {} {}，量化损失 {}",
                        fidelity.weights, better, fidelity.model, lead_zh,
                        points(fidelity.loss, " 个百分点"))};
  return {
      fmt::format("model and {} form cannot be told apart yet: {} leads {} by {}, quantising "
                  "costs {}",
                  fidelity.weights, better, fidelity.model, lead_points,
                  points(fidelity.loss, " points")),
      fmt::format("尚无法区分是模型还是 {} 形式所致：{} 领先 {} {}，量化损失 {}", fidelity.weights,
                  better, fidelity.model, lead_zh, points(fidelity.loss, " 个百分点"))};
}

}  // namespace visavis::verdict
