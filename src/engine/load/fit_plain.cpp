#include "engine/load/fit_lanes.h"

namespace visavis::load {

void candidates_plain(const float* values, int64_t count, const float* inverse, FitSums& sums) {
  candidates(values, count, inverse, sums);
}
void with_scale_plain(const float* values, int64_t count, float scale, float inverse,
                      ScaleSums& sums) {
  with_scale(values, count, scale, inverse, sums);
}
void encode_plain(const float* values, int64_t count, float inverse, uint8_t* codes) {
  encode(values, count, inverse, codes);
}

}  // namespace visavis::load
