#include "harness/runner/reuse.h"

#include "base/hash.h"
#include "base/json.h"
#include "harness/runner/ask.h"
#include "harness/store/codec.h"
#include "harness/store/store.h"

namespace visavis::runner {
namespace {

// Of the facts about the program, those that no answer follows from.
constexpr const char* kOfTheCallAlone[] = {"command", "experiment"};

base::Json program_of(const std::string& build) {
  base::Json facts = base::Json::parse(build, nullptr, false);
  if (facts.is_object())
    for (const char* key : kOfTheCallAlone) facts.erase(key);
  return facts;
}

// A machine is the same whatever its cards' clocks are at this moment.
base::Json machine_of(const std::string& machine) {
  base::Json facts = base::Json::parse(machine, nullptr, false);
  if (facts.is_object() && facts.contains("gpus"))
    for (base::Json& card : facts["gpus"])
      if (card.is_object())
        for (const char* key : {"sm_clock_mhz", "memory_clock_mhz"}) card.erase(key);
  return facts;
}

}  // namespace

std::string content_key(const store::ModelRow& model, const chat::ModelFacts& facts,
                        const store::ItemRow& item, const Generation& generation, uint64_t seed,
                        const std::string& machine, const std::string& build) {
  const chat::Sampling& sampling = generation.sampling;
  base::Json key = {{"model", facts.remote ? model.provider : facts.weights_sha256},
                    {"options", store::options_json(model.options)},
                    {"weights", facts.weights},
                    {"device", facts.device},
                    {"machine", machine_of(machine)},
                    {"build", program_of(build)},
                    {"pictures", item.picture_sha256},
                    {"question", item.question.question},
                    {"max_tokens", item.max_tokens},
                    {"stop", generation.stop},
                    {"temperature", sampling.temperature},
                    {"top_k", sampling.top_k},
                    {"top_p", sampling.top_p},
                    {"repetition_penalty", sampling.repetition_penalty}};
  if (sampling.temperature > 0) {
    key["seed"] = seed;
    key["stream"] = seed_label(item);
  }
  return base::sha256_hex(base::dump_json(key));
}

void AnswerLibrary::add_run(const std::filesystem::path& path) {
  const store::RunData run = store::read_run(path);
  std::map<int64_t, std::string> started;
  for (const store::SessionRow& session : run.sessions) started[session.id] = session.started_at;
  for (const store::AnswerRow& answer : run.answers) {
    if (answer.content_key.empty() || !answer.failure.empty()) continue;
    store::AnswerRow row = answer;
    if (row.reused_from.empty())
      row.reused_from = std::filesystem::absolute(path.parent_path()).lexically_normal().string() +
                        " (" + started[answer.session] + ")";
    answers_.emplace(answer.content_key, std::move(row));
  }
}

std::optional<store::AnswerRow> AnswerLibrary::find(const std::string& key) const {
  const auto found = answers_.find(key);
  return found == answers_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace visavis::runner
