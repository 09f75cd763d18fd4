#include "harness/runner/schedule.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/text.h"
#include "harness/graders/graders.h"
#include "harness/store/codec.h"
#include "harness/suites/circular.h"
#include "harness/suites/formats.h"
#include "harness/suites/pictures.h"
#include "harness/suites/sample.h"

namespace visavis::runner {
namespace {

using base::Json;

constexpr int kDefaultMaxTokens = 256;

// Everything about a question that its answers and grades depend on.
Json item_json(const store::ItemRow& item) {
  const suites::Question& question = item.question;
  Json key = store::key_json(question.key);
  key.update(store::form_json(question));
  return {{"id", question.id},
          {"scenario", question.scenario},
          {"question", question.question},
          {"pictures", item.picture_sha256},
          {"grader", question.grader},
          {"key", std::move(key)},
          {"max_tokens", item.max_tokens}};
}

// Hashes every picture once, however many questions share it.
class PictureHashes {
 public:
  std::string of(const suites::Picture& picture) {
    const auto [entry, is_new] = known_.try_emplace(picture);
    if (is_new) entry->second = suites::load_picture(picture).sha256;
    return entry->second;
  }

 private:
  std::map<suites::Picture, std::string> known_;
};

std::vector<store::ItemRow> read_items(const suites::Suite& suite, int64_t suite_id,
                                       const Generation& generation, int samples,
                                       PictureHashes& hashes) {
  std::vector<store::ItemRow> items;
  for (const suites::Question& question : suite.questions) {
    store::ItemRow item;
    item.suite = suite_id;
    item.question = question;
    for (suites::Picture& picture : item.question.images) {
      item.picture_sha256.push_back(hashes.of(picture));
      picture.path = std::filesystem::absolute(picture.path).lexically_normal();
    }
    item.max_tokens = generation.max_tokens.value_or(suite.max_tokens.value_or(kDefaultMaxTokens));
    for (item.sample = 0; item.sample < samples; ++item.sample) items.push_back(item);
  }
  return items;
}

// Within each scenario the questions are shuffled and spread evenly over the run: the j-th of n
// stands somewhere in the j-th n-th of it.
void put_in_order(std::vector<store::ItemRow>& items, uint64_t seed) {
  std::map<std::pair<int64_t, std::string>, std::vector<size_t>> strata;
  for (size_t i = 0; i < items.size(); ++i)
    strata[{items[i].suite, items[i].question.scenario}].push_back(i);
  std::vector<std::pair<double, size_t>> places;
  for (auto& [stratum, members] : strata) {
    base::Rng rng(seed, "order of " + std::to_string(stratum.first) + "/" + stratum.second);
    rng.shuffle(members);
    for (size_t j = 0; j < members.size(); ++j)
      places.emplace_back(
          (static_cast<double>(j) + rng.uniform()) / static_cast<double>(members.size()),
          members[j]);
  }
  std::sort(places.begin(), places.end());
  std::vector<store::ItemRow> ordered;
  ordered.reserve(items.size());
  for (const auto& [place, index] : places) {
    ordered.push_back(std::move(items[index]));
    ordered.back().id = static_cast<int64_t>(ordered.size()) - 1;
  }
  items = std::move(ordered);
}

Json generation_json(const Generation& generation) {
  const chat::Sampling& sampling = generation.sampling;
  return {{"temperature", sampling.temperature},
          {"top_k", sampling.top_k},
          {"top_p", sampling.top_p},
          {"repetition_penalty", sampling.repetition_penalty},
          {"stop", generation.stop}};
}

std::string plan_json(const Experiment& experiment, const Schedule& schedule) {
  Json providers = Json::array();
  for (const Provider& provider : experiment.providers)
    providers.push_back({{"id", provider.model},
                         {"label", provider.label},
                         {"config", store::options_json(provider.options)}});
  Json suites = Json::array();
  for (const store::SuiteRow& suite : schedule.suites) {
    std::vector<std::string> contents;
    for (const store::ItemRow& item : schedule.items)
      if (item.suite == suite.id) contents.push_back(base::dump_json(item_json(item)));
    std::sort(contents.begin(), contents.end());  // the order is the seed's business
    suites.push_back(
        {{"name", suite.name}, {"content_sha256", base::sha256_hex(base::join(contents, "\n"))}});
  }
  Json plan = {{"providers", std::move(providers)},
               {"suites", std::move(suites)},
               {"seed", experiment.seed},
               {"order", experiment.order},
               {"warmup", experiment.warmup},
               {"generation_kwargs", generation_json(experiment.generation)}};
  // Left out at its neutral value, so that runs from before it can be gone on with.
  if (experiment.samples > 1) plan["samples"] = experiment.samples;
  return base::dump_json(plan);
}

// "providers/0/config/weights was "int4", is "int8"" for the first difference; empty if none.
std::string first_difference(const Json& was, const Json& is, const std::string& path) {
  const bool containers = was.type() == is.type() && (was.is_object() || was.is_array());
  if (!containers || was.size() != is.size())
    return was == is ? "" : path + " was " + base::dump_json(was) + ", is " + base::dump_json(is);
  for (const auto& [key, value] : was.items()) {
    std::string below = path;
    if (!below.empty()) below += '/';
    below += key;
    if (was.is_object() && !is.contains(key)) return below + " is gone";
    const Json& other = was.is_object() ? is.at(key) : is.at(std::stoul(key));
    if (std::string found = first_difference(value, other, below); !found.empty()) return found;
  }
  return "";
}

}  // namespace

Schedule make_schedule(const Experiment& experiment) {
  check_experiment(experiment);
  Schedule schedule;
  PictureHashes hashes;
  std::set<std::string> names;
  for (const SuiteSource& source : experiment.suites) {
    suites::Suite suite = source.tests ? *source.tests : suites::load_suite(source.path);
    if (!source.name.empty()) suite.name = source.name;
    suites::put_prompts(suite, source.prompts, source.file);
    suites::check_suite(suite);
    if (source.limit) suites::take_sample(suite, *source.limit, experiment.seed);
    require(names.insert(suite.name).second, source.place, "two suites are called '", suite.name,
            "'");
    graders::require_gradable(suite);
    if (source.circular) suites::add_rotations(suite);
    suites::wrap_questions(suite, source.before, source.after);
    const auto id = static_cast<int64_t>(schedule.suites.size());
    for (store::ItemRow& item :
         read_items(suite, id, experiment.generation, experiment.samples, hashes))
      schedule.items.push_back(std::move(item));
    schedule.notes.insert(schedule.notes.end(), suite.notes.begin(), suite.notes.end());
    schedule.suites.push_back(
        {id, suite.name, suite.title, suite.description, std::move(suite.scenarios)});
  }
  put_in_order(schedule.items, experiment.seed);
  for (const Provider& provider : experiment.providers)
    schedule.models.push_back({static_cast<int64_t>(schedule.models.size()),
                               provider.label,
                               provider.model,
                               provider.options,
                               {}});
  schedule.plan = plan_json(experiment, schedule);
  return schedule;
}

std::vector<size_t> model_order(size_t models, int64_t position, const std::string& order) {
  std::vector<size_t> indices(models);
  std::iota(indices.begin(), indices.end(), size_t{0});
  if (order == "abba" && position % 2 == 1) std::reverse(indices.begin(), indices.end());
  return indices;
}

void require_same_plan(const store::RunRow& stored_run,
                       const std::vector<store::ItemRow>& stored_items, const Schedule& planned) {
  if (stored_run.plan == planned.plan) return;
  for (size_t i = 0; i < std::min(stored_items.size(), planned.items.size()); ++i) {
    const store::ItemRow& was = stored_items[i];
    const store::ItemRow& is = planned.items[i];
    if (was.question.id != is.question.id) break;  // order or number changed: the plan tells why
    const std::string change = first_difference(item_json(was), item_json(is), "");
    require(change.empty(), "cannot resume, because question '", is.question.id,
            "' is not the stored one: ", change);
  }
  const Json was = base::parse_json(stored_run.plan, "stored plan");
  const Json is = base::parse_json(planned.plan, "plan");
  fail("cannot resume, because the experiment is not the stored one: ",
       first_difference(was, is, ""));
}

}  // namespace visavis::runner
