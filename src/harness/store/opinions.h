// What judges and people say about answers, in tables of their own beside the automatic grades.
#pragma once

#include <vector>

#include "harness/store/rows.h"
#include "harness/store/sqlite.h"

namespace visavis::store {

/// Replaces the judgement of the same judge on the same answers.
void insert_judgement(Connection& connection, const JudgementRow& row);
std::vector<JudgementRow> select_judgements(const Connection& connection);

/// Adds; nothing that is there is changed. The rows' own ids are ignored.
void insert_human_verdict(Connection& connection, const HumanVerdictRow& row);
void insert_human_vote(Connection& connection, const HumanVoteRow& row);
std::vector<HumanVerdictRow> select_human_verdicts(const Connection& connection);
std::vector<HumanVoteRow> select_human_votes(const Connection& connection);

}  // namespace visavis::store
