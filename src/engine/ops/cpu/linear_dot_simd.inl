// The functions of DotSimd, written on the names that an instruction set provides before including
// this file:
//   Sums      16 int32, one per row of a block
//   Codes     16 rows x 4 columns, ready for dot()
//   Values    16 floats
//   Sums start(int32_t), add(Sums, Sums), dot<Format>(Sums, Codes, broadcast(const int8_t* four))
//   Values to_float(Sums), load16(const float*), load_scales(const uint16_t*)
//   Values scaled(Values, float), fma16(Values, Values, Values); void store16(float*, Values)
//   void prefetch(const uint8_t*), prefetch_once(const uint8_t*): past the caches that keep lines
//   Codes load_codes(const uint8_t* bytes_64); void store_codes(uint8_t*, Codes)
//   Int4, Int8: kOffset (what codes are held above their value), kStepBytes (of eight columns),
//     load(const uint8_t*, Codes& first_four_columns, Codes& last_four_columns)
//   kRowBlocks, kTokens: row blocks x tokens of many() whose sums stay in registers
//   kFewSums: how many Sums of few() do
//   quantize: DotSimd's

namespace visavis::ops {
namespace {

constexpr int64_t kBlockRows = 16;
constexpr int64_t kLine = 64;
constexpr int64_t kPrefetch = 4096;  // bytes ahead of a stream of codes
constexpr int64_t kPrefetchScales = 1024;

inline int64_t scale_index(const DotRows& w, int64_t block) { return w.groups == 1 ? 0 : block; }

template <class Format, int N, bool kPasses>
inline void few_block(const DotRows& w, int64_t row_block, const DotInput& x, float* c,
                      int64_t c_stride) {
  const uint8_t* codes = w.codes + row_block * w.block_bytes;
  const uint16_t* scales = w.scales + row_block * w.groups * kBlockRows;
  // Where registers allow it the two halves of a step have sums of their own: half the additions
  // that wait for one another.
  constexpr int kSecond = 2 * N <= kFewSums ? N : 0;
  Values acc[N];
  each<N>(VISAVIS_BODY(t) { acc[t] = to_float(start(0)); });
  int64_t k = 0;
  for (int64_t g = 0; g < x.blocks; ++g) {
    const int64_t end = k + w.block < w.cols ? k + w.block : w.cols;
    Sums sums[N + kSecond];
    each<N>(VISAVIS_BODY(t) { sums[t] = start(-Format::kOffset * x.sums[t * x.blocks + g]); });
    each<kSecond>(VISAVIS_BODY(t) { sums[N + t] = start(0); });
#pragma GCC unroll 4
    for (; k < end; k += 8, codes += Format::kStepBytes) {
      Codes a;
      Codes b;
      Format::load(codes, a, b);
      each<Format::kStepBytes / kLine>(VISAVIS_BODY(line) {
        const uint8_t* ahead = codes + kPrefetch + line * kLine;
        if constexpr (kPasses)
          prefetch_once(ahead);
        else
          prefetch(ahead);
      });
      each<N>(VISAVIS_BODY(t) {
        sums[t] = dot<Format>(sums[t], a, broadcast(x.codes + t * x.cols + k));
        Sums& second = sums[kSecond + t];
        second = dot<Format>(second, b, broadcast(x.codes + t * x.cols + k + 4));
      });
    }
    const uint16_t* of_block = scales + scale_index(w, g) * kBlockRows;
    prefetch(reinterpret_cast<const uint8_t*>(of_block) + kPrefetchScales);
    const Values scale = load_scales(of_block);
    each<kSecond>(VISAVIS_BODY(t) { sums[t] = add(sums[t], sums[N + t]); });
    each<N>(VISAVIS_BODY(t) {
      acc[t] = fma16(to_float(sums[t]), scaled(scale, x.scales[t * x.blocks + g]), acc[t]);
    });
  }
  each<N>(VISAVIS_BODY(t) { store16(c + t * c_stride, acc[t]); });
}

template <class Format, bool kPasses>
void few_of(const DotRows& w, int64_t first, int64_t count, const DotInput& x, int64_t n, float* c,
            int64_t c_stride) {
  for (int64_t b = 0; b < count; ++b, c += kBlockRows) switch (n) {
      case 1:
        few_block<Format, 1, kPasses>(w, first + b, x, c, c_stride);
        break;
      case 2:
        few_block<Format, 2, kPasses>(w, first + b, x, c, c_stride);
        break;
      case 3:
        few_block<Format, 3, kPasses>(w, first + b, x, c, c_stride);
        break;
      default:
        few_block<Format, 4, kPasses>(w, first + b, x, c, c_stride);
    }
}

void few(const DotRows& w, int64_t first, int64_t count, const DotInput& x, int64_t n, float* c,
         int64_t c_stride) {
  if (w.bits == 4 && w.passes)
    few_of<Int4, true>(w, first, count, x, n, c, c_stride);
  else if (w.bits == 4)
    few_of<Int4, false>(w, first, count, x, n, c, c_stride);
  else if (w.passes)
    few_of<Int8, true>(w, first, count, x, n, c, c_stride);
  else
    few_of<Int8, false>(w, first, count, x, n, c, c_stride);
}

// One block of columns of R row blocks: codes [R][columns / 4][64 bytes], scales [R][16 floats].
struct Tile {
  const uint8_t* codes;
  int64_t stride;  // bytes from row block to row block
  const float* scales;
  int64_t columns;
  bool first;  // c is written, not added to
};

template <class Format, int R, int N>
inline void tile_tokens(const Tile& tile, const DotInput& x, int64_t token, int64_t k, int64_t g,
                        float* c, int64_t c_stride) {
  Sums sums[N * R];
  each<N>(VISAVIS_BODY(t) {
    const Sums offset = start(-Format::kOffset * x.sums[(token + t) * x.blocks + g]);
    each<R>(VISAVIS_BODY(r) { sums[t * R + r] = offset; });
  });
  const int8_t* activations = x.codes + token * x.cols + k;
  const int64_t stride = x.cols;
  const uint8_t* weights = tile.codes;
  const uint8_t* end = weights + tile.columns * kBlockRows;
  for (; weights < end; weights += 4 * kBlockRows, activations += 4) {
    Codes codes[R];
    each<R>(VISAVIS_BODY(r) { codes[r] = load_codes(weights + r * tile.stride); });
    each<N>(VISAVIS_BODY(t) {
      const auto four = broadcast(activations + t * stride);
      each<R>(VISAVIS_BODY(r) { sums[t * R + r] = dot<Format>(sums[t * R + r], codes[r], four); });
    });
  }
  each<N>(VISAVIS_BODY(t) {
    const float scale = x.scales[(token + t) * x.blocks + g];
    each<R>(VISAVIS_BODY(r) {
      float* to = c + t * c_stride + r * kBlockRows;
      const Values before = tile.first ? to_float(start(0)) : load16(to);
      store16(to, fma16(to_float(sums[t * R + r]),
                        scaled(load16(tile.scales + r * kBlockRows), scale), before));
    });
  });
}

template <class Format, int R, int N>
void tile_rest(const Tile& tile, const DotInput& x, int64_t token, int64_t n, int64_t k, int64_t g,
               float* c, int64_t c_stride) {
  if constexpr (N > 0) {
    if (n == N) return tile_tokens<Format, R, N>(tile, x, token, k, g, c, c_stride);
    tile_rest<Format, R, N - 1>(tile, x, token, n, k, g, c, c_stride);
  }
}

template <class Format, int R>
void tile_all(const Tile& tile, const DotInput& x, int64_t n, int64_t k, int64_t g, float* c,
              int64_t c_stride) {
  int64_t t = 0;
  for (; t + kTokens <= n; t += kTokens)
    tile_tokens<Format, R, kTokens>(tile, x, t, k, g, c + t * c_stride, c_stride);
  tile_rest<Format, R, kTokens - 1>(tile, x, t, n - t, k, g, c + t * c_stride, c_stride);
}

// Any number of row blocks, R at a time, then the rest with fewer.
template <class Format, int R>
void tile_rows(Tile tile, int64_t count, const DotInput& x, int64_t n, int64_t k, int64_t g,
               float* c, int64_t c_stride) {
  for (; count >= R; count -= R, c += R * kBlockRows) {
    tile_all<Format, R>(tile, x, n, k, g, c, c_stride);
    tile.codes += R * tile.stride;
    tile.scales += R * kBlockRows;
  }
  if constexpr (R > 1) tile_rows<Format, R - 1>(tile, count, x, n, k, g, c, c_stride);
}

template <class Format>
void many_of(const DotRows& w, int64_t first, int64_t count, const DotInput& x, int64_t n,
             uint8_t* tile, float* c, int64_t c_stride) {
  float* scales = reinterpret_cast<float*>(tile + count * kBlockRows * w.block);
  for (int64_t g = 0; g < x.blocks; ++g) {
    const int64_t k = g * w.block;
    const int64_t columns = k + w.block < w.cols ? w.block : w.cols - k;
    for (int64_t b = 0; b < count; ++b) {
      const uint8_t* from = w.codes + (first + b) * w.block_bytes + k / 8 * Format::kStepBytes;
      uint8_t* to = tile + b * kBlockRows * columns;
      for (int64_t j = 0; j < columns; j += 8, from += Format::kStepBytes, to += 128) {
        Codes low;
        Codes high;
        Format::load(from, low, high);
        prefetch(from + kPrefetch);
        store_codes(to, low);
        store_codes(to + 64, high);
      }
      const uint16_t* of_block =
          w.scales + ((first + b) * w.groups + scale_index(w, g)) * kBlockRows;
      store16(scales + b * kBlockRows, load_scales(of_block));
    }
    const Tile unpacked = {tile, kBlockRows * columns, scales, columns, g == 0};
    tile_rows<Format, kRowBlocks>(unpacked, count, x, n, k, g, c, c_stride);
  }
}

void many(const DotRows& w, int64_t first, int64_t count, const DotInput& x, int64_t n,
          uint8_t* tile, float* c, int64_t c_stride) {
  if (w.bits == 4)
    many_of<Int4>(w, first, count, x, n, tile, c, c_stride);
  else
    many_of<Int8>(w, first, count, x, n, tile, c, c_stride);
}

constexpr DotSimd kDotSimd = {.quantize = quantize, .few = few, .many = many};

}  // namespace
}  // namespace visavis::ops
