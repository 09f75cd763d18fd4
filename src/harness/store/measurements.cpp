#include "harness/store/measurements.h"

#include <utility>

#include "base/text.h"

namespace visavis::store {

void insert_warmup(Connection& connection, const WarmupRow& row) {
  Statement(connection, "INSERT INTO warmups VALUES (?, ?, ?, ?, ?)")
      .run(row.session, row.model, row.item, row.e2e, base::valid_utf8(row.failure));
}

std::vector<WarmupRow> select_warmups(const Connection& connection) {
  std::vector<WarmupRow> warmups;
  Statement s(connection, "SELECT * FROM warmups ORDER BY rowid");
  while (s.step()) {
    WarmupRow warmup;
    warmup.session = s.integer();
    warmup.model = s.integer();
    warmup.item = s.integer();
    warmup.e2e = s.real();
    warmup.failure = s.text();
    warmups.push_back(std::move(warmup));
  }
  return warmups;
}

void insert_fixed_length(Connection& connection, const FixedLengthRow& row) {
  Statement(connection, "INSERT INTO fixed_length VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(row.model, row.item, row.session, base::valid_utf8(row.failure), row.completion_tokens,
           row.characters, row.ttft, row.tpot, row.e2e);
}

std::vector<FixedLengthRow> select_fixed_lengths(const Connection& connection) {
  std::vector<FixedLengthRow> rows;
  Statement s(connection, "SELECT * FROM fixed_length ORDER BY item, model");
  while (s.step()) {
    FixedLengthRow row;
    row.model = s.integer();
    row.item = s.integer();
    row.session = s.integer();
    row.failure = s.text();
    row.completion_tokens = s.integer();
    row.characters = s.integer();
    for (double* seconds : {&row.ttft, &row.tpot, &row.e2e}) *seconds = s.real();
    rows.push_back(std::move(row));
  }
  return rows;
}

void insert_fidelity(Connection& connection, const FidelityRow& row) {
  Statement(connection, "INSERT OR REPLACE INTO fidelity VALUES (?, ?)")
      .run(row.model, row.measured);
}

std::vector<FidelityRow> select_fidelity(const Connection& connection) {
  std::vector<FidelityRow> rows;
  Statement s(connection, "SELECT * FROM fidelity ORDER BY model");
  while (s.step()) {
    const int64_t model = s.integer();
    rows.push_back({model, s.text()});
  }
  return rows;
}

}  // namespace visavis::store
