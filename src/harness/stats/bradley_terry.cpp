#include "harness/stats/bradley_terry.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "base/rng.h"

namespace visavis::stats {
namespace {

constexpr int kMostRounds = 10'000;
constexpr double kConverged = 1e-10;

// wins[i * models + j]: votes that i won against j, ties half.
std::vector<double> count_wins(size_t models, std::span<const Vote> votes, double ties_added) {
  std::vector<double> wins(models * models);
  for (const Vote& vote : votes) {
    wins[vote.first * models + vote.second] += vote.score;
    wins[vote.second * models + vote.first] += 1 - vote.score;
  }
  for (size_t i = 0; i < models; ++i)
    for (size_t j = i + 1; j < models; ++j) {
      if (wins[i * models + j] + wins[j * models + i] == 0) continue;
      wins[i * models + j] += ties_added / 2;
      wins[j * models + i] += ties_added / 2;
    }
  return wins;
}

bool connected(size_t models, const std::vector<double>& wins) {
  std::vector<bool> reached(models);
  std::vector<size_t> open = {0};
  reached[0] = true;
  size_t count = 1;
  while (!open.empty()) {
    const size_t i = open.back();
    open.pop_back();
    for (size_t j = 0; j < models; ++j) {
      if (reached[j] || wins[i * models + j] + wins[j * models + i] == 0) continue;
      reached[j] = true;
      ++count;
      open.push_back(j);
    }
  }
  return count == models;
}

// Logarithms of the strengths, centred.
std::vector<double> fit(size_t models, const std::vector<double>& wins) {
  std::vector<double> strength(models, 1);
  for (int round = 0; round < kMostRounds; ++round) {
    double moved = 0;
    for (size_t i = 0; i < models; ++i) {
      double won = 0;
      double expected = 0;
      for (size_t j = 0; j < models; ++j) {
        if (j == i) continue;
        const double met = wins[i * models + j] + wins[j * models + i];
        won += wins[i * models + j];
        expected += met / (strength[i] + strength[j]);
      }
      const double next = won / expected;
      moved = std::max(moved, std::abs(std::log(next / strength[i])));
      strength[i] = next;
    }
    if (moved < kConverged) break;
  }
  std::vector<double> logs;
  for (const double value : strength) logs.push_back(std::log(value));
  const double centre =
      std::accumulate(logs.begin(), logs.end(), 0.0) / static_cast<double>(models);
  for (double& value : logs) value -= centre;
  return logs;
}

std::vector<std::vector<Vote>> by_rater(std::span<const Vote> votes) {
  std::map<int64_t, std::vector<Vote>> raters;
  for (const Vote& vote : votes) raters[vote.rater].push_back(vote);
  std::vector<std::vector<Vote>> groups;
  if (raters.size() == 1) {
    for (const Vote& vote : votes) groups.push_back({vote});
    return groups;
  }
  for (auto& [rater, own] : raters) groups.push_back(std::move(own));
  return groups;
}

}  // namespace

std::optional<std::vector<Strength>> bradley_terry(size_t models, std::span<const Vote> votes,
                                                   uint64_t seed, int samples, double confidence,
                                                   double ties_added) {
  if (models < 2 || votes.empty()) return std::nullopt;
  const std::vector<double> wins = count_wins(models, votes, ties_added);
  if (!connected(models, wins)) return std::nullopt;
  const std::vector<double> values = fit(models, wins);

  const std::vector<std::vector<Vote>> groups = by_rater(votes);
  base::Rng rng(seed, "votes");
  std::vector<std::vector<double>> drawn(models);
  for (int i = 0; i < samples; ++i) {
    std::vector<Vote> sample;
    for (size_t k = 0; k < groups.size(); ++k) {
      const std::vector<Vote>& chosen = groups[rng.below(groups.size())];
      sample.insert(sample.end(), chosen.begin(), chosen.end());
    }
    const std::vector<double> counted = count_wins(models, sample, ties_added);
    if (!connected(models, counted)) continue;  // says nothing about some model
    const std::vector<double> found = fit(models, counted);
    for (size_t m = 0; m < models; ++m) drawn[m].push_back(found[m]);
  }
  const double tail = (1 - confidence) / 2;
  std::vector<Strength> result;
  for (size_t m = 0; m < models; ++m) {
    result.push_back({.value = values[m], .interval = {values[m], values[m]}});
    if (drawn[m].empty()) continue;
    result.back().interval = {*percentile(drawn[m], tail), *percentile(drawn[m], 1 - tail)};
  }
  return result;
}

}  // namespace visavis::stats
