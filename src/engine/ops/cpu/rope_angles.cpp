#include "engine/ops/cpu/rope_angles.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "engine/ops/cpu/context.h"

namespace visavis::ops {

void RopeAngles::update(const RopeTable& table, const int32_t* positions, int64_t tokens,
                        base::ThreadPool& pool) {
  const auto count = static_cast<size_t>(3 * tokens);
  if (table.inv_freq == table_.inv_freq && table.axis == table_.axis &&
      std::equal(positions, positions + count, positions_.begin(), positions_.end()))
    return;
  table_ = table;
  positions_.assign(positions, positions + count);
  const int64_t pairs = table.pairs();
  const int64_t sets = table.sets();
  for (int64_t token = 0; sets > 1 && token < tokens; ++token) {
    const int32_t set = positions[tokens + token];
    require(set >= 0 && set < sets, "rope: token ", token, " asks for frequencies ", set, " of ",
            sets);
  }
  cosine_.resize(static_cast<size_t>(tokens * pairs));
  sine_.resize(cosine_.size());
  pool.parallel_for(tokens, grain_for(pairs * 16), [&](int64_t begin, int64_t end) {
    for (int64_t token = begin; token < end; ++token) {
      const float* inv_freq =
          table_.inv_freq.data() + (sets > 1 ? positions[tokens + token] * pairs : 0);
      for (int64_t j = 0; j < pairs; ++j) {
        const int64_t axis = table_.axis[static_cast<size_t>(j)];
        const auto position = static_cast<float>(positions[axis * tokens + token]);
        const float angle = position * inv_freq[j];
        cosine_[static_cast<size_t>(token * pairs + j)] = std::cos(angle);
        sine_[static_cast<size_t>(token * pairs + j)] = std::sin(angle);
      }
    }
  });
}

}  // namespace visavis::ops
