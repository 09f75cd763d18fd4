#include "harness/stats/sequential.h"

#include <algorithm>
#include <cmath>

#include "harness/stats/intervals.h"

namespace visavis::stats {
namespace {

constexpr int kPoints = 401;  // odd, for Simpson's rule
constexpr int kBisections = 60;
constexpr double kFarOut = 40;  // standard deviations; nothing is beyond
constexpr double kPi = 3.14159265358979323846;

double upper_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

double density(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * kPi); }

// What may be spent on one side when a share t of the information is there.
double spent_on_a_side(double t, double alpha) {
  return t >= 1 ? alpha / 2 : 2 * upper_tail(normal_quantile(1 - alpha / 4) / std::sqrt(t));
}

// A Brownian path that has not crossed any boundary so far: its density where it is now.
class Path {
 public:
  // The boundary at `time` that is crossed upwards with probability `spend`.
  double step(double time, double spend) {
    const double dt = time - time_;
    double low = 0;
    double high = kFarOut * std::sqrt(time);
    for (int i = 0; i < kBisections; ++i) {
      const double middle = (low + high) / 2;
      (crossing(middle, dt) > spend ? low : high) = middle;
    }
    const double boundary = (low + high) / 2;
    advance(boundary, dt);
    time_ = time;
    return boundary;
  }

 private:
  double crossing(double boundary, double dt) const {
    if (time_ == 0) return upper_tail(boundary / std::sqrt(dt));
    double sum = 0;
    for (size_t i = 0; i < place_.size(); ++i)
      sum += mass_[i] * upper_tail((boundary - place_[i]) / std::sqrt(dt));
    return sum;
  }

  void advance(double boundary, double dt) {
    std::vector<double> place(kPoints);
    std::vector<double> mass(kPoints);
    const double width = 2 * boundary / (kPoints - 1);
    for (size_t i = 0; i < place.size(); ++i) {
      place[i] = -boundary + width * static_cast<double>(i);
      double value = 0;
      if (time_ == 0) {
        value = density(place[i] / std::sqrt(dt)) / std::sqrt(dt);
      } else {
        for (size_t j = 0; j < place_.size(); ++j)
          value += mass_[j] * density((place[i] - place_[j]) / std::sqrt(dt)) / std::sqrt(dt);
      }
      const bool at_end = i == 0 || i + 1 == place.size();
      mass[i] = value * width / 3 * (at_end ? 1 : i % 2 == 1 ? 4 : 2);
    }
    place_ = std::move(place);
    mass_ = std::move(mass);
  }

  double time_ = 0;
  std::vector<double> place_;
  std::vector<double> mass_;
};

}  // namespace

std::vector<double> nominal_levels(std::span<const double> fractions, double alpha) {
  std::vector<double> levels;
  Path path;
  double spent = 0;
  for (size_t i = 0; i < fractions.size(); ++i) {
    const bool is_last = i + 1 == fractions.size();
    const double may = is_last ? alpha / 2 : spent_on_a_side(fractions[i], alpha);
    const double boundary = path.step(fractions[i], may - spent);
    levels.push_back(2 * upper_tail(boundary / std::sqrt(fractions[i])));
    spent = may;
  }
  return levels;
}

}  // namespace visavis::stats
