// Answers and their automatic grades, and what they share with other tables.
#pragma once

#include <cstdint>
#include <vector>

#include "harness/store/rows.h"
#include "harness/store/sqlite.h"

namespace visavis::store {

void insert_answer(Connection& connection, const AnswerRow& answer);
/// Sorted by (item, model), as the grades. `version`: of the tables.
std::vector<AnswerRow> select_answers(const Connection& connection, int64_t version);

void insert_grade(Connection& connection, const GradeRow& row);
std::vector<GradeRow> select_grades(const Connection& connection);

/// The next columns of a row: eight times, six sizes.
void read_timing(Statement& s, chat::Timing& timing);
chat::Memory memory_of(Statement& s);

}  // namespace visavis::store
