#include "engine/compress/mixed.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>
#include <string_view>

#include "base/error.h"

namespace visavis::compress {
namespace {

using checkpoint::TensorInfo;
using checkpoint::TensorSource;
using tensor::DType;

constexpr int64_t kRows = 64;  // worked on at once

// Ends of the names of matrices that are one unit.
constexpr std::array<std::array<std::string_view, 3>, 2> kUnits = {
    {{"self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"},
     {"mlp.gate_proj.weight", "mlp.up_proj.weight", ""}}};

// What comes before the part that differs within a unit, and the unit's number; the name itself for
// a matrix on its own.
std::string unit_name(const std::string& name) {
  for (size_t unit = 0; unit < kUnits.size(); ++unit)
    for (const std::string_view ending : kUnits[unit])
      if (!ending.empty() && name.ends_with(ending))
        return name.substr(0, name.size() - ending.size()) + std::to_string(unit);
  return name;
}

double squared(const load::Loss& loss) {
  return loss.squares > 0 ? loss.differences / loss.squares : 0;
}

}  // namespace

load::Loss loss_of_coding(const TensorSource& source, const TensorInfo& info, const Coding& coding,
                          std::span<const double> input_powers, base::ThreadPool& pool) {
  const int64_t rows = info.shape[0];
  const int64_t cols = info.shape[1];
  const std::vector<float> weights =
      input_powers.empty() ? std::vector<float>() : weights_from(input_powers);
  // A root weighs values and their differences alike.
  std::vector<float> roots(input_powers.size());
  std::transform(input_powers.begin(), input_powers.end(), roots.begin(),
                 [](double power) { return static_cast<float>(std::sqrt(power)); });
  const DType scales = info.dtype == DType::bf16 ? DType::bf16 : DType::f16;
  std::vector<load::Loss> parts(static_cast<size_t>((rows + kRows - 1) / kRows));
  std::atomic<bool> fits{true};
  pool.parallel_for(static_cast<int64_t>(parts.size()), 1, [&](int64_t first, int64_t last) {
    std::vector<float> values(static_cast<size_t>(kRows * cols));
    std::vector<float> back(static_cast<size_t>(cols));
    for (int64_t part = first; part < last; ++part) {
      const int64_t begin = part * kRows;
      const int64_t end = std::min(rows, begin + kRows);
      read_rows(source, info, begin, end, cols, values.data());
      for (int64_t row = 0; row < end - begin; ++row) {
        const std::span<float> line(values.data() + row * cols, static_cast<size_t>(cols));
        if (!code_row(line, weights, coding, scales, back)) fits = false;
        for (size_t i = 0; i < roots.size(); ++i) {
          line[i] *= roots[i];
          back[i] *= roots[i];
        }
        parts[static_cast<size_t>(part)] += loss_between(line, back);
      }
    }
  });
  require(fits, info.file, ": tensor '", info.name, "' holds values that are too large for int",
          coding.bits);
  load::Loss sum;
  for (const load::Loss& each : parts) sum += each;
  return sum;
}

std::vector<std::vector<std::string>> units_of(const Codings& codings) {
  std::vector<std::vector<std::string>> units;
  std::map<std::string, size_t> places;
  for (const auto& [name, coding] : codings) {
    const auto [place, fresh] = places.try_emplace(unit_name(name), units.size());
    if (fresh) units.emplace_back();
    units[place->second].push_back(name);
  }
  return units;
}

std::vector<bool> choose_wider(std::span<const UnitLoss> units, const Coding& few,
                               const Coding& many, double bits_per_weight) {
  const double least = few.bits_per_weight();
  const double extra = many.bits_per_weight() - least;
  double left = 0;
  for (const UnitLoss& unit : units)
    left += (bits_per_weight - least) * static_cast<double>(unit.values);
  std::vector<size_t> order(units.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto gain = [&units](size_t i) {
    return (units[i].few - units[i].many) / static_cast<double>(units[i].values);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&gain](size_t a, size_t b) { return gain(a) > gain(b); });
  std::vector<bool> wider(units.size());
  for (const size_t i : order) {
    const double cost = extra * static_cast<double>(units[i].values);
    if (gain(i) <= 0 || cost > left) continue;
    wider[i] = true;
    left -= cost;
  }
  return wider;
}

Codings widen_within(const TensorSource& source, const Codings& codings, const Coding& few,
                     const Coding& many, double bits_per_weight, const InputPowers& powers,
                     base::ThreadPool& pool) {
  std::vector<UnitLoss> units;
  for (std::vector<std::string>& names : units_of(codings)) {
    load::Loss with_few;
    load::Loss with_many;
    UnitLoss unit;
    for (const std::string& name : names) {
      const TensorInfo* info = source.find(name);
      require(info != nullptr, "the checkpoint has no tensor '", name, "'");
      const std::span<const double> inputs = powers_for(powers, *info);
      with_few += loss_of_coding(source, *info, few, inputs, pool);
      with_many += loss_of_coding(source, *info, many, inputs, pool);
      unit.values += info->shape.elements();
    }
    unit.names = std::move(names);
    unit.few = squared(with_few);
    unit.many = squared(with_many);
    units.push_back(std::move(unit));
  }
  Codings result = codings;
  const std::vector<bool> wider = choose_wider(units, few, many, bits_per_weight);
  for (size_t i = 0; i < units.size(); ++i)
    for (const std::string& name : units[i].names)
      if (wider[i]) result[name] = many;
  return result;
}

}  // namespace visavis::compress
