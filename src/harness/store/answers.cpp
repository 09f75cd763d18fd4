#include "harness/store/answers.h"

#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "harness/store/codec.h"

namespace visavis::store {

chat::Memory memory_of(Statement& s) {
  chat::Memory memory;
  memory.weights = s.integer();
  memory.vision = s.integer();
  memory.kv = s.integer();
  memory.workspace = s.integer();
  memory.device_peak = s.integer();
  memory.host_peak = s.integer();
  return memory;
}

void insert_answer(Connection& connection, const AnswerRow& answer) {
  const chat::Timing& timing = answer.timing;
  const chat::Memory& memory = answer.memory;
  Statement(connection,
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
            "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(answer.model, answer.item, answer.session, answer.sequence,
           base::valid_utf8(answer.failure), base::valid_utf8(answer.text),
           base::valid_utf8(answer.thinking), std::string_view(chat::name_of(answer.finish)),
           answer.characters, answer.usage.prompt_tokens, answer.usage.image_tokens,
           answer.usage.completion_tokens, timing.image_decode, timing.image_resize, timing.vision,
           timing.prefill, timing.ttft, timing.ttft_device, timing.tpot, timing.e2e,
           seconds_json(answer.token_times), memory.weights, memory.vision, memory.kv,
           memory.workspace, memory.device_peak, memory.host_peak, answer.prompt_sha256,
           texts_json(answer.notes), answer.energy_joules, answer.content_key, answer.reused_from);
}

void read_timing(Statement& s, chat::Timing& timing) {
  for (double* part : {&timing.image_decode, &timing.image_resize, &timing.vision, &timing.prefill,
                       &timing.ttft, &timing.ttft_device, &timing.tpot, &timing.e2e})
    *part = s.real();
}

std::vector<AnswerRow> select_answers(const Connection& connection, int64_t version) {
  std::vector<AnswerRow> answers;
  Statement s(connection, "SELECT * FROM answers ORDER BY item, model");
  while (s.step()) {
    AnswerRow answer;
    answer.model = s.integer();
    answer.item = s.integer();
    answer.session = s.integer();
    answer.sequence = s.integer();
    answer.failure = s.text();
    answer.text = s.text();
    answer.thinking = s.text();
    answer.finish = finish_from(s.text());
    answer.characters = s.integer();
    answer.usage.prompt_tokens = s.integer();
    answer.usage.image_tokens = s.integer();
    answer.usage.completion_tokens = s.integer();
    read_timing(s, answer.timing);
    answer.token_times = seconds_from(s.text());
    answer.memory = memory_of(s);
    answer.prompt_sha256 = s.text();
    answer.notes = texts_from(s.text());
    if (version >= 4) answer.energy_joules = s.real();
    if (version >= 5) {
      answer.content_key = s.text();
      answer.reused_from = s.text();
    }
    answers.push_back(std::move(answer));
  }
  return answers;
}

void insert_grade(Connection& connection, const GradeRow& row) {
  Statement(connection, "INSERT INTO grades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(row.model, row.item, row.grader, row.grade.score,
           std::string_view(graders::name_of(row.grade.verdict)), row.grade.rule,
           base::valid_utf8(row.grade.normalised), row.grade.raw_match,
           base::dump_json(evidence_json(row.grade.evidence)));
}

std::vector<GradeRow> select_grades(const Connection& connection) {
  std::vector<GradeRow> grades;
  Statement s(connection, "SELECT * FROM grades ORDER BY item, model");
  while (s.step()) {
    GradeRow row;
    row.model = s.integer();
    row.item = s.integer();
    row.grader = s.text();
    row.grade.score = s.real();
    row.grade.verdict = graders::verdict_from(s.text());
    row.grade.rule = s.text();
    row.grade.normalised = s.text();
    row.grade.raw_match = s.integer() != 0;
    row.grade.evidence = evidence_from(s.text());
    grades.push_back(std::move(row));
  }
  return grades;
}

}  // namespace visavis::store
