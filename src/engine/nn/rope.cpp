#include "engine/nn/rope.h"

#include <cmath>

namespace visavis::nn {
namespace {

constexpr uint8_t kTime = 0;
constexpr uint8_t kRow = 1;
constexpr uint8_t kColumn = 2;

// theta^(-exponent) with the oracle's roundings: exponent and power in f32.
float frequency(double theta, int64_t numerator, int64_t denominator) {
  const float exponent = static_cast<float>(numerator) / static_cast<float>(denominator);
  return 1.0f / std::pow(static_cast<float>(theta), exponent);
}

}  // namespace

ops::RopeTable text_rope(int64_t head_dim, double theta) {
  ops::RopeTable table;
  for (int64_t j = 0; j < head_dim / 2; ++j) {
    table.inv_freq.push_back(frequency(theta, 2 * j, head_dim));
    table.axis.push_back(kTime);
  }
  return table;
}

ops::RopeTable dynamic_ntk_rope(int64_t head_dim, double theta, int64_t sets) {
  ops::RopeTable table = text_rope(head_dim, theta);
  const auto dim = static_cast<double>(head_dim);
  for (int64_t set = 1; set < sets; ++set) {
    const double alpha = std::pow(2.0, static_cast<double>(set + 1)) - 1;
    const ops::RopeTable slower = text_rope(head_dim, theta * std::pow(alpha, dim / (dim - 2)));
    table.inv_freq.insert(table.inv_freq.end(), slower.inv_freq.begin(), slower.inv_freq.end());
  }
  return table;
}

int64_t dynamic_ntk_set(int64_t tokens, int64_t length) {
  int64_t set = 0;
  for (int64_t most = length; most < tokens; most *= 2) ++set;
  return set;
}

ops::RopeTable interleaved_mrope(int64_t head_dim, double theta,
                                 const std::array<int64_t, 3>& section) {
  ops::RopeTable table = text_rope(head_dim, theta);
  for (int64_t j = 0; j < head_dim / 2; ++j) {
    if (j % 3 == 1 && j < 3 * section[1]) table.axis[static_cast<size_t>(j)] = kRow;
    if (j % 3 == 2 && j < 3 * section[2]) table.axis[static_cast<size_t>(j)] = kColumn;
  }
  return table;
}

ops::RopeTable sectioned_mrope(int64_t head_dim, double theta,
                               const std::array<int64_t, 3>& section) {
  ops::RopeTable table = text_rope(head_dim, theta);
  for (int64_t j = section[0]; j < head_dim / 2; ++j)
    table.axis[static_cast<size_t>(j)] = j < section[0] + section[1] ? kRow : kColumn;
  return table;
}

ops::RopeTable vision_rope(int64_t head_dim, double theta) {
  ops::RopeTable table;
  for (const uint8_t axis : {kRow, kColumn}) {
    for (int64_t i = 0; i < head_dim / 4; ++i) {
      table.inv_freq.push_back(frequency(theta, 2 * i, head_dim / 2));
      table.axis.push_back(axis);
    }
  }
  return table;
}

}  // namespace visavis::nn
