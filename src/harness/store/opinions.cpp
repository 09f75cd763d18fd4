#include "harness/store/opinions.h"

#include "base/text.h"

namespace visavis::store {

void insert_judgement(Connection& connection, const JudgementRow& row) {
  Statement(connection,
            "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(row.kind, row.item, row.first, row.second, row.judge, row.content_key, row.outcome,
           base::valid_utf8(row.reply), row.prompt_tokens, row.completion_tokens, row.seconds,
           row.cost, row.reused, row.given_at);
}

std::vector<JudgementRow> select_judgements(const Connection& connection) {
  std::vector<JudgementRow> rows;
  Statement s(connection, "SELECT * FROM judgements ORDER BY judge, kind, item, first, second");
  while (s.step()) {
    JudgementRow row;
    row.kind = s.text();
    row.item = s.integer();
    row.first = s.integer();
    row.second = s.integer();
    row.judge = s.text();
    row.content_key = s.text();
    row.outcome = s.text();
    row.reply = s.text();
    row.prompt_tokens = s.integer();
    row.completion_tokens = s.integer();
    row.seconds = s.real();
    row.cost = s.real();
    row.reused = s.integer() != 0;
    row.given_at = s.text();
    rows.push_back(std::move(row));
  }
  return rows;
}

void insert_human_verdict(Connection& connection, const HumanVerdictRow& row) {
  Statement(connection,
            "INSERT INTO human_verdicts (item, model, verdict, who, given_at, note) "
            "VALUES (?, ?, ?, ?, ?, ?)")
      .run(row.item, row.model, std::string_view(graders::name_of(row.verdict)),
           base::valid_utf8(row.who), base::valid_utf8(row.given_at), base::valid_utf8(row.note));
}

std::vector<HumanVerdictRow> select_human_verdicts(const Connection& connection) {
  std::vector<HumanVerdictRow> rows;
  Statement s(connection, "SELECT * FROM human_verdicts ORDER BY id");
  while (s.step()) {
    HumanVerdictRow row;
    row.id = s.integer();
    row.item = s.integer();
    row.model = s.integer();
    row.verdict = graders::verdict_from(s.text());
    row.who = s.text();
    row.given_at = s.text();
    row.note = s.text();
    rows.push_back(std::move(row));
  }
  return rows;
}

void insert_human_vote(Connection& connection, const HumanVoteRow& row) {
  Statement(connection,
            "INSERT INTO human_votes (item, first, second, score, who, given_at, note) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(row.item, row.first, row.second, row.score, base::valid_utf8(row.who),
           base::valid_utf8(row.given_at), base::valid_utf8(row.note));
}

std::vector<HumanVoteRow> select_human_votes(const Connection& connection) {
  std::vector<HumanVoteRow> rows;
  Statement s(connection, "SELECT * FROM human_votes ORDER BY id");
  while (s.step()) {
    HumanVoteRow row;
    row.id = s.integer();
    row.item = s.integer();
    row.first = s.integer();
    row.second = s.integer();
    row.score = s.real();
    row.who = s.text();
    row.given_at = s.text();
    row.note = s.text();
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace visavis::store
