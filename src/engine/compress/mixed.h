// Mixed precision: 8 bits for the matrices where 4 cost most, as far as a budget of bits per weight
// reaches.
//
// The rule: matrices that other engines hold as one (q, k and v; gate and up) are one unit. Each
// unit is coded both ways; what it gains is its relative squared error with few bits less that with
// many, per byte that many bits cost more. Units get 8 bits in the order of their gains, largest
// first; one that the budget cannot pay for is skipped.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/threads.h"
#include "engine/checkpoint/tensor_source.h"
#include "engine/compress/export_packed.h"

namespace visavis::compress {

/// Codes the matrix, keeps nothing and tells what it changed: each column's squares count by the
/// mean square of its input (none: all alike). Throws Error.
load::Loss loss_of_coding(const checkpoint::TensorSource& source,
                          const checkpoint::TensorInfo& info, const Coding& coding,
                          std::span<const double> input_powers, base::ThreadPool& pool);

/// The names in units that must be coded alike, in the order of their first members.
std::vector<std::vector<std::string>> units_of(const Codings& codings);

struct UnitLoss {
  std::vector<std::string> names;
  int64_t values = 0;
  double few = 0;   // relative squared error with few bits
  double many = 0;  // with many
};

/// Which of the units get `many`: at most `bits_per_weight` over all of them.
std::vector<bool> choose_wider(std::span<const UnitLoss> units, const Coding& few,
                               const Coding& many, double bits_per_weight);

/// `codings`, all of them `few`, with `many` for those that the rule chooses. Throws Error.
Codings widen_within(const checkpoint::TensorSource& source, const Codings& codings,
                     const Coding& few, const Coding& many, double bits_per_weight,
                     const InputPowers& powers, base::ThreadPool& pool);

}  // namespace visavis::compress
