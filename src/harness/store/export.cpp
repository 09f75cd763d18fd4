#include "harness/store/export.h"

#include <array>
#include <cassert>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "harness/store/codec.h"

namespace visavis::store {
namespace {

using base::Json;

// An answer with everything that belongs to it.
struct Line {
  const SuiteRow& suite;
  const ItemRow& item;
  const ModelRow& model;
  const AnswerRow& answer;
  const GradeRow& grade;
};

template <class Use>
void for_each_line(const RunData& data, Use use) {
  assert(data.answers.size() == data.grades.size());
  for (size_t i = 0; i < data.answers.size(); ++i) {
    const AnswerRow& answer = data.answers[i];
    const ItemRow& item = data.items.at(static_cast<size_t>(answer.item));
    use(Line{data.suites.at(static_cast<size_t>(item.suite)), item,
             data.models.at(static_cast<size_t>(answer.model)), answer, data.grades[i]});
  }
}

// Null for "not known".
Json known(double seconds) { return seconds < 0 ? Json(nullptr) : Json(seconds); }

Json timing_json(const chat::Timing& timing) {
  return {{"image_decode_s", known(timing.image_decode)},
          {"image_resize_s", known(timing.image_resize)},
          {"vision_s", known(timing.vision)},
          {"prefill_s", known(timing.prefill)},
          {"ttft_s", known(timing.ttft)},
          {"ttft_device_s", known(timing.ttft_device)},
          {"tpot_s", known(timing.tpot)},
          {"e2e_s", known(timing.e2e)}};
}

Json memory_json(const chat::Memory& memory) {
  return {{"weights_bytes", memory.weights},
          {"vision_bytes", memory.vision},
          {"kv_bytes", memory.kv},
          {"workspace_bytes", memory.workspace},
          {"device_peak_bytes", memory.device_peak},
          {"host_peak_bytes", memory.host_peak}};
}

Json line_json(const Line& line) {
  const suites::Question& question = line.item.question;
  const AnswerRow& answer = line.answer;
  const graders::Grade& grade = line.grade.grade;
  Json images = Json::array();
  for (size_t i = 0; i < question.images.size(); ++i)
    images.push_back(
        {{"name", question.images[i].name},
         {"sha256", i < line.item.picture_sha256.size() ? Json(line.item.picture_sha256[i])
                                                        : Json(nullptr)}});
  Json out = {{"suite", line.suite.name},          {"id", question.id},
              {"scenario", question.scenario},     {"lang", question.lang},
              {"difficulty", question.difficulty}, {"cluster", question.cluster},
              {"question", question.question},     {"images", std::move(images)},
              {"model", line.model.label}};
  if (line.item.sample > 0) out["sample"] = line.item.sample;
  if (!answer.reused_from.empty()) out["reused_from"] = answer.reused_from;
  if (answer.failure.empty()) {
    out["answer"] = answer.text;
    if (!answer.thinking.empty()) out["thinking"] = answer.thinking;
    out["finish"] = chat::name_of(answer.finish);
  } else {
    out["failure"] = answer.failure;
  }
  out["verdict"] = graders::name_of(grade.verdict);
  out["score"] = grade.score;
  out["grader"] = line.grade.grader;
  out["rule"] = grade.rule;
  out["normalised"] = grade.normalised;
  out["raw_match"] = grade.raw_match;
  out["evidence"] = evidence_json(grade.evidence);
  out["key"] = key_json(question.key);
  out["characters"] = answer.characters;
  out["usage"] = {{"prompt_tokens", answer.usage.prompt_tokens},
                  {"image_tokens", answer.usage.image_tokens},
                  {"completion_tokens", answer.usage.completion_tokens}};
  out["timing"] = timing_json(answer.timing);
  out["token_times_s"] = answer.token_times;
  out["memory"] = memory_json(answer.memory);
  out["prompt_sha256"] = answer.prompt_sha256;
  out["notes"] = answer.notes;
  out["sequence"] = answer.sequence;
  return out;
}

constexpr std::array<const char*, 23> kColumns = {
    "suite",   "id",        "scenario",      "lang",         "difficulty",
    "cluster", "model",     "question",      "images",       "answer",
    "failure", "finish",    "verdict",       "score",        "grader",
    "rule",    "raw_match", "prompt_tokens", "image_tokens", "completion_tokens",
    "ttft_s",  "tpot_s",    "e2e_s"};

// Quoted when RFC 4180 asks for it. What a spreadsheet would run as a formula gets an apostrophe.
std::string cell(std::string_view text) {
  std::string value(text);
  if (!value.empty() && std::string_view("=+-@\t\r").find(value[0]) != std::string_view::npos)
    value.insert(0, "'");
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  return "\"" + base::replace_all(value, "\"", "\"\"") + "\"";
}

std::string number_cell(double value) {
  return value < 0 ? std::string() : base::dump_json(Json(value));
}

std::string csv_line(const Line& line) {
  const suites::Question& question = line.item.question;
  const AnswerRow& answer = line.answer;
  const graders::Grade& grade = line.grade.grade;
  std::vector<std::string> images;
  for (const suites::Picture& picture : question.images) images.push_back(picture.name);
  const std::vector<std::string> cells = {
      cell(line.suite.name),
      cell(question.id),
      cell(question.scenario),
      cell(question.lang),
      std::to_string(question.difficulty),
      cell(question.cluster),
      cell(line.model.label),
      cell(question.question),
      cell(base::join(images, "; ")),
      cell(answer.text),
      cell(answer.failure),
      answer.failure.empty() ? chat::name_of(answer.finish) : "",
      graders::name_of(grade.verdict),
      number_cell(grade.score),
      cell(line.grade.grader),
      cell(grade.rule),
      grade.raw_match ? "true" : "false",
      std::to_string(answer.usage.prompt_tokens),
      std::to_string(answer.usage.image_tokens),
      std::to_string(answer.usage.completion_tokens),
      number_cell(answer.timing.ttft),
      number_cell(answer.timing.tpot),
      number_cell(answer.timing.e2e),
  };
  assert(cells.size() == kColumns.size());
  return base::join(cells, ",") + "\r\n";
}

}  // namespace

std::string answers_jsonl(const RunData& data) {
  std::string out;
  for_each_line(data, [&](const Line& line) { out += base::dump_json(line_json(line)) + "\n"; });
  return out;
}

std::string answers_csv(const RunData& data) {
  std::string out = base::join(std::vector<std::string>(kColumns.begin(), kColumns.end()), ",");
  out += "\r\n";
  for_each_line(data, [&](const Line& line) { out += csv_line(line); });
  return out;
}

void write_answers(const std::filesystem::path& folder, const RunData& data) {
  base::write_file_atomically(folder / "answers.jsonl", answers_jsonl(data));
  base::write_file_atomically(folder / "answers.csv", answers_csv(data));
}

}  // namespace visavis::store
