// exp and what is made of it, on Vec. Included after simd_avx2.h or simd_avx512.h.

namespace visavis::ops {
namespace {

// e^x within 2 ulp; 0 below -87.3 (so that minus infinity gives exactly 0), about 3e38 above 88.3,
// NaN for NaN. Cephes' polynomial on [-ln2 / 2, ln2 / 2].
inline Vec exp_of(Vec x) {
  const Vec low = set1(-87.3f);
  const Vec high = set1(88.3f);
  const Vec inside = if_less(x, low, low, if_less(high, x, high, x));
  const Vec n = round_to_int(mul(inside, set1(1.44269504f)));
  Vec r = negated_fma(n, set1(0.693359375f), inside);
  r = negated_fma(n, set1(-2.12194440e-4f), r);
  Vec p = set1(1.9875691500e-4f);
  p = fma(p, r, set1(1.3981999507e-3f));
  p = fma(p, r, set1(8.3334519073e-3f));
  p = fma(p, r, set1(4.1665795894e-2f));
  p = fma(p, r, set1(1.6666665459e-1f));
  p = fma(p, r, set1(5.0000001201e-1f));
  p = fma(p, mul(r, r), add(r, set1(1.0f)));
  return if_less(x, low, zeros(), times_power_of_two(p, n));
}

// x / (1 + e^-(steepness * x)): silu at 1, quick-GELU at 1.702.
inline Vec swish(Vec x, Vec steepness) {
  const Vec one = set1(1.0f);
  return div(x, add(one, exp_of(sub(zeros(), mul(steepness, x)))));
}

// 0.5 x (1 + tanh u) = x / (1 + e^(-2 u)) with u = sqrt(2 / pi) (x + 0.044715 x^3).
inline Vec gelu_tanh(Vec x) {
  const Vec cubic = fma(mul(mul(x, x), x), set1(0.044715f), x);
  const Vec power = mul(set1(-2.0f * 0.79788456080286536f), cubic);
  return div(x, add(set1(1.0f), exp_of(power)));
}

}  // namespace
}  // namespace visavis::ops
