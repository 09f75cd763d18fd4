// The vectorised parts of linear, written on Vec. Included by linear_avx2.cpp and
// linear_avx512.cpp after the simd header, exp_simd.inl and the structs Nibbles and
// NibbleLevels.

namespace visavis::ops {
namespace {

constexpr int64_t kStep = 2 * kLanes;  // columns decoded at a time

// One decoder per kind of codes: Group holds what one group of one row needs; load() gives the
// kStep values from column k on as two vectors.

struct DecodeF32 {
  static void prefetch(const uint8_t*, int64_t, int64_t) {}
  struct Group {};
  static Group open(const float*, float, float) { return {}; }
  static void values(const uint8_t* row, const Group&, int64_t k, Vec& a, Vec& b) {
    const float* at = reinterpret_cast<const float*>(row) + k;
    a = load(at);
    b = load(at + kLanes);
  }
};

struct DecodeBf16 {
  static void prefetch(const uint8_t*, int64_t, int64_t) {}
  struct Group {};
  static Group open(const float*, float, float) { return {}; }
  static void values(const uint8_t* row, const Group&, int64_t k, Vec& a, Vec& b) {
    const uint16_t* at = reinterpret_cast<const uint16_t*>(row) + k;
    a = load_bf16(at);
    b = load_bf16(at + kLanes);
  }
};

struct DecodeF16 {
  static void prefetch(const uint8_t*, int64_t, int64_t) {}
  struct Group {};
  static Group open(const float*, float, float) { return {}; }
  static void values(const uint8_t* row, const Group&, int64_t k, Vec& a, Vec& b) {
    const uint16_t* at = reinterpret_cast<const uint16_t*>(row) + k;
    a = load_f16(at);
    b = load_f16(at + kLanes);
  }
};

struct DecodeI8 {
  static void prefetch(const uint8_t*, int64_t, int64_t) {}
  struct Group {
    Vec scale;
  };
  static Group open(const float*, float, float scale) { return {set1(scale)}; }
  static void values(const uint8_t* row, const Group& group, int64_t k, Vec& a, Vec& b) {
    const int8_t* at = reinterpret_cast<const int8_t*>(row) + k;
    a = mul(load_i8(at), group.scale);
    b = mul(load_i8(at + kLanes), group.scale);
  }
};

float zero_point(const WeightRows& w, int64_t row, int64_t group) {
  if (w.zeros_u4 != nullptr) {
    const unsigned pair = w.zeros_u4[row * w.zero_row_bytes + group / 2];
    return static_cast<float>(group % 2 == 0 ? pair & 15u : pair >> 4);
  }
  if (w.zeros_f16 != nullptr) return half_to_float(w.zeros_f16[row * w.groups + group]);
  return w.levels != nullptr ? 0.0f : 8.0f;
}

// Nibbles or NibbleLevels, which belong to the instruction set, at column k.
template <class Nibbles>
struct DecodeU4 {
  using Group = typename Nibbles::Group;
  static Group open(const float* levels, float zero, float scale) {
    return Nibbles::open(levels, zero, scale);
  }
  static void values(const uint8_t* row, const Group& group, int64_t k, Vec& a, Vec& b) {
    Nibbles::values(row + (k >> 1), group, a, b);
  }
  // A row's part of a column block is only 320 bytes long, too short for the CPU's own prefetching
  // to get under way. (For int8 and wider, asking made it slower.)
  static void prefetch(const uint8_t* row, int64_t begin, int64_t end) {
    for (int64_t at = begin / 2; at < end / 2; at += 64)
      _mm_prefetch(reinterpret_cast<const char*>(row + at), _MM_HINT_T0);
  }
};

// Scales and zero points of the groups of one row that touch a block of columns.
struct BlockGroups {
  static constexpr int64_t kMost = kColumnBlock / 32 + 1;
  float scale[kMost];
  float zero[kMost];

  void read(const WeightRows& w, int64_t row, int64_t begin, int64_t end) {
    if (w.scales == nullptr) {
      scale[0] = 1;
      zero[0] = 0;
      return;
    }
    const int64_t first = begin / w.group;
    const int64_t count = (end - 1) / w.group - first + 1;
    const uint16_t* scales = w.scales + row * w.groups + first;
    for (int64_t g = 0; g < count; ++g) scale[g] = half_to_float(scales[g]);
    if (w.zeros_u4 == nullptr && w.zeros_f16 == nullptr) {
      const float constant = zero_point(w, row, 0);
      for (int64_t g = 0; g < count; ++g) zero[g] = constant;
    } else {
      for (int64_t g = 0; g < count; ++g) zero[g] = zero_point(w, row, first + g);
    }
  }
};

// One value, for the columns after the last whole step.
float one_value(const WeightRows& w, int64_t row, int64_t col) {
  const uint8_t* data = w.data + row * w.row_bytes;
  switch (w.codes) {
    case Codes::f32:
      return reinterpret_cast<const float*>(data)[col];
    case Codes::bf16: {
      const uint32_t bits = uint32_t{reinterpret_cast<const uint16_t*>(data)[col]} << 16;
      return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(static_cast<int>(bits))));
    }
    case Codes::f16:
      return half_to_float(reinterpret_cast<const uint16_t*>(data)[col]);
    case Codes::i8:
      return static_cast<float>(reinterpret_cast<const int8_t*>(data)[col]) *
             half_to_float(w.scales[row * w.groups + col / w.group]);
    case Codes::u4: {
      const unsigned pair = data[col / 2];
      const unsigned code = col % 2 == 0 ? pair & 15u : pair >> 4;
      const float level = w.levels != nullptr ? w.levels[code] : static_cast<float>(code);
      const int64_t group = col / w.group;
      return (level - zero_point(w, row, group)) * half_to_float(w.scales[row * w.groups + group]);
    }
  }
  return 0;
}

// Columns [begin, end), fewer than kStep, of one row in prepared order, zero padded to kStep.
void decode_rest(const WeightRows& w, int64_t row, int64_t begin, int64_t end, float* out) {
  for (int64_t i = 0; i < kStep; ++i) out[i] = 0;
  for (int64_t i = 0; i < end - begin; ++i) {
    const int64_t at = w.codes == Codes::u4 ? i % 2 * kLanes + i / 2 : i;
    out[at] = one_value(w, row, begin + i);
  }
}

// Adds R rows times N tokens over columns [begin, end) to nothing, giving sums[t][r].
template <class Decode, int R, int N>
inline void few_block(const WeightRows& w, const int64_t (&rows)[R], const float* x,
                      int64_t x_stride, int64_t begin, int64_t end, float (&sums)[N][R]) {
  Vec acc[R][N];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < N; ++t) acc[r][t] = zeros();
  const uint8_t* data[R];
  BlockGroups of_row[R];
  for (int r = 0; r < R; ++r) {
    data[r] = w.data + rows[r] * w.row_bytes;
    of_row[r].read(w, rows[r], begin, end);
    Decode::prefetch(data[r] + R * w.row_bytes, begin, end);
  }
  const int64_t whole = begin + (end - begin) / kStep * kStep;
  int64_t border = begin / w.group * w.group;
  for (int64_t k = begin, group = 0; k < whole; ++group) {
    border += w.group;
    const int64_t stop = border < whole ? border : whole;
    typename Decode::Group groups[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      groups[r] = Decode::open(w.levels, of_row[r].zero[group], of_row[r].scale[group]);
    for (; k < stop; k += kStep) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        Vec a;
        Vec b;
        Decode::values(data[r], groups[r], k, a, b);
#pragma GCC unroll 8
        for (int t = 0; t < N; ++t) {
          acc[r][t] = fma(a, load(x + t * x_stride + k), acc[r][t]);
          acc[r][t] = fma(b, load(x + t * x_stride + k + kLanes), acc[r][t]);
        }
      }
    }
  }
  if (whole < end) {
    alignas(64) float rest[kStep];
    for (int r = 0; r < R; ++r) {
      decode_rest(w, rows[r], whole, end, rest);
      for (int t = 0; t < N; ++t) {
        acc[r][t] = fma(load(rest), load(x + t * x_stride + whole), acc[r][t]);
        acc[r][t] = fma(load(rest + kLanes), load(x + t * x_stride + whole + kLanes), acc[r][t]);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < N; ++t)
#pragma GCC unroll 8
    for (int r = 0; r < R; r += 4)
      _mm_storeu_ps(&sums[t][r],
                    sums_of_four(acc[r][t], acc[r + 1][t], acc[r + 2][t], acc[r + 3][t]));
}

template <class Decode, int R, int N>
void few_tokens(const WeightRows& w, int64_t row, int64_t rows, const float* x, int64_t x_stride,
                float* c, int64_t c_stride) {
  for (int64_t first = 0; first < rows; first += R) {
    const int64_t used = rows - first < R ? rows - first : R;
    int64_t which[R];  // rows past the end repeat the last one and are dropped
    for (int r = 0; r < R; ++r) which[r] = row + first + (r < used ? r : used - 1);
    for (int64_t k = 0; k < w.cols; k += kColumnBlock) {
      const int64_t end = k + kColumnBlock < w.cols ? k + kColumnBlock : w.cols;
      float sums[N][R];
      few_block<Decode, R, N>(w, which, x, x_stride, k, end, sums);
      for (int t = 0; t < N; ++t)
        for (int64_t r = 0; r < used; ++r) {
          float& to = c[t * c_stride + first + r];
          to = k == 0 ? sums[t][r] : to + sums[t][r];
        }
    }
  }
}

template <class Decode>
void few_with(const WeightRows& w, int64_t row, int64_t rows, const float* x, int64_t x_stride,
              int64_t n, float* c, int64_t c_stride) {
  static_assert(kFewTokens == 4);
  switch (n) {
    case 1:
      return few_tokens<Decode, 8, 1>(w, row, rows, x, x_stride, c, c_stride);
    case 2:
      return few_tokens<Decode, 4, 2>(w, row, rows, x, x_stride, c, c_stride);
    case 3:
      return few_tokens<Decode, 4, 3>(w, row, rows, x, x_stride, c, c_stride);
    default:
      return few_tokens<Decode, 4, 4>(w, row, rows, x, x_stride, c, c_stride);
  }
}

void few(const WeightRows& w, int64_t row, int64_t rows, const float* x, int64_t x_stride,
         int64_t n, float* c, int64_t c_stride) {
  switch (w.codes) {
    case Codes::f32:
      return few_with<DecodeF32>(w, row, rows, x, x_stride, n, c, c_stride);
    case Codes::bf16:
      return few_with<DecodeBf16>(w, row, rows, x, x_stride, n, c, c_stride);
    case Codes::f16:
      return few_with<DecodeF16>(w, row, rows, x, x_stride, n, c, c_stride);
    case Codes::i8:
      return few_with<DecodeI8>(w, row, rows, x, x_stride, n, c, c_stride);
    case Codes::u4:
      if (w.levels != nullptr)
        return few_with<DecodeU4<NibbleLevels>>(w, row, rows, x, x_stride, n, c, c_stride);
      return few_with<DecodeU4<Nibbles>>(w, row, rows, x, x_stride, n, c, c_stride);
  }
}

template <class Decode>
void decode_with(const WeightRows& w, int64_t row, int64_t begin, int64_t end, float* out) {
  const uint8_t* data = w.data + row * w.row_bytes;
  const int64_t whole = begin + (end - begin) / kStep * kStep;
  BlockGroups of_row;
  of_row.read(w, row, begin, end);
  int64_t border = begin / w.group * w.group;
  for (int64_t k = begin, group = 0; k < whole; ++group) {
    border += w.group;
    const int64_t stop = border < whole ? border : whole;
    const typename Decode::Group opened =
        Decode::open(w.levels, of_row.zero[group], of_row.scale[group]);
    for (; k < stop; k += kStep, out += kStep) {
      Vec a;
      Vec b;
      Decode::values(data, opened, k, a, b);
      store(out, a);
      store(out + kLanes, b);
    }
  }
  if (whole < end) decode_rest(w, row, whole, end, out);
}

void decode(const WeightRows& w, int64_t row, int64_t begin, int64_t end, float* out) {
  switch (w.codes) {
    case Codes::f32:
      return decode_with<DecodeF32>(w, row, begin, end, out);
    case Codes::bf16:
      return decode_with<DecodeBf16>(w, row, begin, end, out);
    case Codes::f16:
      return decode_with<DecodeF16>(w, row, begin, end, out);
    case Codes::i8:
      return decode_with<DecodeI8>(w, row, begin, end, out);
    case Codes::u4:
      if (w.levels != nullptr) return decode_with<DecodeU4<NibbleLevels>>(w, row, begin, end, out);
      return decode_with<DecodeU4<Nibbles>>(w, row, begin, end, out);
  }
}

// 4 weight rows x N tokens, all results in registers.
template <int N>
inline void multiply_tile(const float* w, int64_t w_stride, const float* x, int64_t x_stride,
                          int64_t cols, bool accumulate, float* c, int64_t c_stride) {
  Vec acc[4][N];
#pragma GCC unroll 8
  for (int r = 0; r < 4; ++r)
#pragma GCC unroll 8
    for (int t = 0; t < N; ++t) acc[r][t] = zeros();
  for (int64_t k = 0; k < cols; k += kLanes) {
    Vec values[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) values[r] = load(w + r * w_stride + k);
#pragma GCC unroll 8
    for (int t = 0; t < N; ++t) {
      const Vec at = load(x + t * x_stride + k);
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) acc[r][t] = fma(values[r], at, acc[r][t]);
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < N; ++t) {
    float* to = c + t * c_stride;
    __m128 sums = sums_of_four(acc[0][t], acc[1][t], acc[2][t], acc[3][t]);
    if (accumulate) sums = _mm_add_ps(_mm_loadu_ps(to), sums);
    _mm_storeu_ps(to, sums);
  }
}

template <int N>
void multiply_rows(const float* w, int64_t w_stride, int64_t rows, const float* x, int64_t x_stride,
                   int64_t cols, bool accumulate, float* c, int64_t c_stride) {
  for (int64_t r = 0; r < rows; r += 4)
    multiply_tile<N>(w + r * w_stride, w_stride, x, x_stride, cols, accumulate, c + r, c_stride);
}

void multiply(const float* w, int64_t w_stride, int64_t rows, const float* x, int64_t x_stride,
              int64_t n, int64_t cols, bool accumulate, float* c, int64_t c_stride) {
  int64_t t = 0;
  for (; t + kTokensPerTile <= n; t += kTokensPerTile)
    multiply_rows<kTokensPerTile>(w, w_stride, rows, x + t * x_stride, x_stride, cols, accumulate,
                                  c + t * c_stride, c_stride);
  x += t * x_stride;
  c += t * c_stride;
  switch (n - t) {
    case 1:
      return multiply_rows<1>(w, w_stride, rows, x, x_stride, cols, accumulate, c, c_stride);
    case 2:
      return multiply_rows<2>(w, w_stride, rows, x, x_stride, cols, accumulate, c, c_stride);
    case 3:
      return multiply_rows<3>(w, w_stride, rows, x, x_stride, cols, accumulate, c, c_stride);
    case 4:
      return multiply_rows<4>(w, w_stride, rows, x, x_stride, cols, accumulate, c, c_stride);
    case 5:
      return multiply_rows<5>(w, w_stride, rows, x, x_stride, cols, accumulate, c, c_stride);
    default:
      return;
  }
}

inline Vec activate_vector(Activation activation, Vec x) {
  switch (activation) {
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::quick_gelu:
      return swish(x, set1(1.702f));
    case Activation::silu:
      return swish(x, set1(1.0f));
    case Activation::none:
    case Activation::gelu_erf:
      return x;
  }
  return x;
}

void finish(const float* c, const float* bias, Activation activation, bool accumulate,
            int64_t count, float* y) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const int64_t used = count - i < kLanes ? count - i : kLanes;
    Vec value = load_first(c + i, used);
    if (bias != nullptr) value = add(value, load_first(bias + i, used));
    if (activation == Activation::gelu_erf) {
      // Rare (once per merger and projector): the C library's erf, lane by lane.
      alignas(64) float lanes[kLanes];
      store(lanes, value);
      for (int64_t j = 0; j < used; ++j)
        lanes[j] = 0.5f * lanes[j] * (1.0f + erff(lanes[j] * 0.70710678118654752f));
      value = load(lanes);
    } else {
      value = activate_vector(activation, value);
    }
    if (accumulate) value = add(load_first(y + i, used), value);
    store_first(y + i, value, used);
  }
}

constexpr LinearSimd kLinearSimd = {
    .lanes = kLanes, .few = few, .decode = decode, .multiply = multiply, .finish = finish};

}  // namespace
}  // namespace visavis::ops
