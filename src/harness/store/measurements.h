// What is measured beside the run's answers, in tables of its own: warm-up questions, the track of
// equal lengths, what quantising changed.
#pragma once

#include <vector>

#include "harness/store/rows.h"
#include "harness/store/sqlite.h"

namespace visavis::store {

void insert_warmup(Connection& connection, const WarmupRow& row);
std::vector<WarmupRow> select_warmups(const Connection& connection);

void insert_fixed_length(Connection& connection, const FixedLengthRow& row);
std::vector<FixedLengthRow> select_fixed_lengths(const Connection& connection);

/// Replaces what was stored of the same model.
void insert_fidelity(Connection& connection, const FidelityRow& row);
std::vector<FidelityRow> select_fidelity(const Connection& connection);

}  // namespace visavis::store
