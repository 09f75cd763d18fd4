// Norms, gating and rotation of one row, written on Vec. Included by rows_avx2.cpp and
// rows_avx512.cpp after the simd header and exp_simd.inl.

namespace visavis::ops {
namespace {

// Lanes of the vector at column c of `cols`.
inline int64_t lanes_at(int64_t c, int64_t cols) { return cols - c < kLanes ? cols - c : kLanes; }

void rms_norm(const float* x, const float* weight, int64_t cols, float eps, float* y) {
  Vec squares = zeros();
  for (int64_t c = 0; c < cols; c += kLanes) {
    const Vec value = load_first(x + c, lanes_at(c, cols));
    squares = fma(value, value, squares);
  }
  const float mean = sum_of(squares) / static_cast<float>(cols);
  const Vec scale = set1(1.0f / sqrtf(mean + eps));
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int64_t lanes = lanes_at(c, cols);
    const Vec value = mul(load_first(x + c, lanes), scale);
    store_first(y + c, mul(value, load_first(weight + c, lanes)), lanes);
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, int64_t cols, float eps,
                float* y) {
  Vec sum = zeros();
  for (int64_t c = 0; c < cols; c += kLanes) sum = add(sum, load_first(x + c, lanes_at(c, cols)));
  const auto count = static_cast<float>(cols);
  const Vec mean = set1(sum_of(sum) / count);
  Vec squares = zeros();
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int64_t lanes = lanes_at(c, cols);
    // Lanes past the end must not count as 0 - mean.
    const Vec off = first_lanes_of(sub(load_first(x + c, lanes), mean), lanes);
    squares = fma(off, off, squares);
  }
  const Vec scale = set1(1.0f / sqrtf(sum_of(squares) / count + eps));
  for (int64_t c = 0; c < cols; c += kLanes) {
    const int64_t lanes = lanes_at(c, cols);
    const Vec value = mul(sub(load_first(x + c, lanes), mean), scale);
    store_first(y + c, fma(value, load_first(weight + c, lanes), load_first(bias + c, lanes)),
                lanes);
  }
}

void silu_multiply(float* gate, const float* up, int64_t count) {
  const Vec one = set1(1.0f);
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t lanes = lanes_at(i, count);
    const Vec value = swish(load_first(gate + i, lanes), one);
    store_first(gate + i, mul(value, load_first(up + i, lanes)), lanes);
  }
}

void rotate(const float* cosine, const float* sine, int64_t pairs, float* first, float* second) {
  for (int64_t j = 0; j < pairs; j += kLanes) {
    const int64_t lanes = lanes_at(j, pairs);
    const Vec a = load_first(first + j, lanes);
    const Vec b = load_first(second + j, lanes);
    const Vec c = load_first(cosine + j, lanes);
    const Vec s = load_first(sine + j, lanes);
    store_first(first + j, sub(mul(a, c), mul(b, s)), lanes);
    store_first(second + j, add(mul(b, c), mul(a, s)), lanes);
  }
}

void to_f16(const float* from, int64_t count, uint16_t* to) {
  for (int64_t i = 0; i < count; i += kLanes) store_f16(to + i, load(from + i));
}

constexpr RowsSimd kRowsSimd = {.rms_norm = rms_norm,
                                .layer_norm = layer_norm,
                                .silu_multiply = silu_multiply,
                                .rotate = rotate,
                                .to_f16 = to_f16};

}  // namespace
}  // namespace visavis::ops
