// Attention against its definition in double: segments of any length, paged caches, chunks.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "engine/ops/ops_under_test.h"

namespace visavis::ops {
namespace {

// softmax(q . k * scale) v over `count` rows given by functions (row -> pointer), in double.
template <class Keys, class Values>
void attend(const float* q, int64_t count, int64_t dim, double scale, Keys key, Values value,
            std::vector<double>& out) {
  std::vector<double> scores;
  for (int64_t j = 0; j < count; ++j) {
    double sum = 0;
    for (int64_t d = 0; d < dim; ++d)
      sum += static_cast<double>(q[d]) * static_cast<double>(key(j)[d]);
    scores.push_back(sum * scale);
  }
  const double largest = *std::max_element(scores.begin(), scores.end());
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - largest);
  for (int64_t d = 0; d < dim; ++d) {
    double sum = 0;
    for (int64_t j = 0; j < count; ++j)
      sum += scores[static_cast<size_t>(j)] / total * static_cast<double>(value(j)[d]);
    out.push_back(sum);
  }
}

void check_segments(const std::vector<int32_t>& starts, int64_t heads, int64_t dim, float size) {
  base::Rng rng(static_cast<uint64_t>(dim * 100 + heads));
  const int64_t tokens = starts.back();
  const int64_t stride = 3 * heads * dim;
  const Tensor qkv = Tensor::random(rng, {tokens, stride}, size);
  const float* q = qkv.view().f32();
  const float* k = q + heads * dim;
  const float* v = k + heads * dim;
  const float scale = 1 / std::sqrt(static_cast<float>(dim));
  std::vector<double> wanted;
  int64_t longest = 0;
  for (size_t s = 0; s + 1 < starts.size(); ++s) {
    longest = std::max<int64_t>(longest, starts[s + 1] - starts[s]);
    for (int64_t t = starts[s]; t < starts[s + 1]; ++t)
      for (int64_t h = 0; h < heads; ++h) {
        const auto row = [&](const float* base) {
          return [&, base](int64_t j) { return base + (starts[s] + j) * stride + h * dim; };
        };
        attend(q + t * stride + h * dim, starts[s + 1] - starts[s], dim, static_cast<double>(scale),
               row(k), row(v), wanted);
      }
  }
  const tensor::Shape shape = {tokens, heads, dim};
  const auto part = [&](const float* base) {
    return View{DType::f32, shape, reinterpret_cast<const std::byte*>(base)};
  };
  for (const OpsUnderTest& variant : every_ops()) {
    for (const bool round_input : {false, true}) {
      const Tensor y = Tensor::poisoned({tokens, heads, dim});
      variant.ops->segment_attention(part(q), part(k), part(v), stride, Tensor::ints(starts),
                                     longest, scale, round_input, y);
      // bf16 has 8 bits of mantissa; large scores turn a small difference into another key's
      // weight.
      const bool rounds =
          round_input && (variant.name == "avx512_bf16" || variant.name == "cuda flash");
      if (rounds && size > 1) continue;
      EXPECT_LE(relative_distance(y.values(), wanted), rounds ? 6e-3 : 1e-5)
          << variant.name << ", heads " << heads << ", head_dim " << dim << ", values up to "
          << size;
    }
  }
}

TEST(SegmentAttention, EqualsItsDefinitionForEveryHeadDim) {
  for (const int64_t dim : {4, 16, 20, 64, 72, 80, 128})
    check_segments({0, 1, 4, 70, 70, 201}, 3, dim, 1);
}

TEST(SegmentAttention, StaysExactWhenScoresAreLarge) { check_segments({0, 150}, 2, 72, 12); }

// A cache with shuffled pages and several sequences, of which some rows are still to be written.
struct CacheCase {
  int64_t kv_heads = 2;
  int64_t group = 3;
  int64_t dim = 16;
  int64_t page_size = 64;
  DType dtype = DType::f32;
  std::vector<int64_t> lengths;  // tokens of each sequence
  float size = 1;
};

class Cache {
 public:
  explicit Cache(const CacheCase& c)
      : c_(c),
        max_pages_((*std::max_element(c.lengths.begin(), c.lengths.end()) + c.page_size - 1) /
                   c.page_size),
        pages_(max_pages_ * static_cast<int64_t>(c.lengths.size()) + 3),
        k_(c.dtype, {pages_, c.kv_heads, c.dim, c.page_size}),
        v_(c.dtype, {pages_, c.kv_heads, c.page_size, c.dim}),
        k_scales_(Tensor::poisoned({pages_, c.kv_heads, c.page_size})),
        v_scales_(Tensor::poisoned({pages_, c.kv_heads, c.page_size})) {
    std::fill_n(k_.view().as<uint8_t>(), k_.view().bytes(), uint8_t{0xFF});  // NaN in both types
    std::fill_n(v_.view().as<uint8_t>(), v_.view().bytes(), uint8_t{0xFF});
    base::Rng rng(3);
    std::vector<int32_t> order(static_cast<size_t>(pages_));
    std::iota(order.begin(), order.end(), 0);
    rng.shuffle(order);
    table_ = {order.begin(), order.begin() + max_pages_ * static_cast<int64_t>(c.lengths.size())};
    int64_t tokens = 0;
    for (const int64_t length : c.lengths) tokens += length;
    q_all_ = Tensor::random(rng, {tokens, c.kv_heads * c.group, c.dim}, c.size).to_vector();
    k_all_ = Tensor::random(rng, {tokens, c.kv_heads, c.dim}, c.size).to_vector();
    v_all_ = Tensor::random(rng, {tokens, c.kv_heads, c.dim}, c.size).to_vector();
  }

  int64_t heads() const { return c_.kv_heads * c_.group; }
  KvView view() const {
    return {.dtype = c_.dtype,
            .pages = pages_,
            .page_size = c_.page_size,
            .kv_heads = c_.kv_heads,
            .head_dim = c_.dim,
            .k = k_,
            .v = v_,
            .k_scales = k_scales_,
            .v_scales = v_scales_};
  }
  int64_t first_row(size_t sequence) const {
    return std::accumulate(c_.lengths.begin(), c_.lengths.begin() + static_cast<int64_t>(sequence),
                           int64_t{0});
  }

  // Runs one step in which sequence s brings its tokens [from[s], to[s]); returns y of those rows,
  // sequence by sequence.
  std::vector<float> step(Ops& ops, const std::vector<int64_t>& from,
                          const std::vector<int64_t>& to) const {
    std::vector<int32_t> start = {0};
    std::vector<int32_t> length;
    std::vector<int32_t> slots;
    std::vector<float> q;
    std::vector<float> k;
    std::vector<float> v;
    StepBatch batch;
    for (size_t s = 0; s < from.size(); ++s) {
      for (int64_t t = from[s]; t < to[s]; ++t) {
        const int64_t row = first_row(s) + t;
        append(q_all_, row * heads() * c_.dim, heads() * c_.dim, q);
        append(k_all_, row * c_.kv_heads * c_.dim, c_.kv_heads * c_.dim, k);
        append(v_all_, row * c_.kv_heads * c_.dim, c_.kv_heads * c_.dim, v);
        const int64_t page =
            table_[s * static_cast<size_t>(max_pages_) + static_cast<size_t>(t / c_.page_size)];
        slots.push_back(static_cast<int32_t>(page * c_.page_size + t % c_.page_size));
      }
      start.push_back(static_cast<int32_t>(slots.size()));
      length.push_back(static_cast<int32_t>(to[s]));
      batch.longest_query = std::max(batch.longest_query, to[s] - from[s]);
      batch.longest_context = std::max(batch.longest_context, to[s]);
    }
    batch.tokens = static_cast<int64_t>(slots.size());
    batch.sequences = static_cast<int64_t>(from.size());
    const Tensor starts = Tensor::ints(start);
    const Tensor lengths = Tensor::ints(length);
    const Tensor slot = Tensor::ints(slots);
    batch.query_start = starts;
    batch.kv_length = lengths;
    batch.slots = slot;
    batch.page_table = {DType::i32,
                        {batch.sequences, max_pages_},
                        reinterpret_cast<const std::byte*>(table_.data())};
    ops.write_kv(floats(k, {batch.tokens, c_.kv_heads, c_.dim}),
                 floats(v, {batch.tokens, c_.kv_heads, c_.dim}), batch, view());
    const Tensor y = Tensor::poisoned({batch.tokens, heads(), c_.dim});
    ops.cached_attention(floats(q, {batch.tokens, heads(), c_.dim}), batch, view(), scale(), y);
    return {y.values().begin(), y.values().end()};
  }

  float scale() const { return 1 / std::sqrt(static_cast<float>(c_.dim)); }

  // What step() should give, with keys and values rounded as the cache rounds them.
  std::vector<double> wanted(const std::vector<int64_t>& from,
                             const std::vector<int64_t>& to) const {
    const std::vector<float> k = rounded(k_all_);
    const std::vector<float> v = rounded(v_all_);
    std::vector<double> result;
    for (size_t s = 0; s < from.size(); ++s)
      for (int64_t t = from[s]; t < to[s]; ++t)
        for (int64_t h = 0; h < heads(); ++h) {
          const auto row = [&](const std::vector<float>& all) {
            return [&](int64_t j) {
              return all.data() + ((first_row(s) + j) * c_.kv_heads + h / c_.group) * c_.dim;
            };
          };
          attend(q_all_.data() + ((first_row(s) + t) * heads() + h) * c_.dim, t + 1, c_.dim,
                 static_cast<double>(scale()), row(k), row(v), result);
        }
    return result;
  }

 private:
  static void append(const std::vector<float>& all, int64_t from, int64_t count,
                     std::vector<float>& to) {
    to.insert(to.end(), all.begin() + from, all.begin() + from + count);
  }
  static View floats(const std::vector<float>& values, const tensor::Shape& shape) {
    return {DType::f32, shape, reinterpret_cast<const std::byte*>(values.data())};
  }
  std::vector<float> rounded(std::vector<float> values) const {
    if (c_.dtype == DType::f16)
      for (float& value : values) value = tensor::to_float(tensor::to_f16(value));
    if (c_.dtype == DType::i8)
      for (auto row = values.begin(); row != values.end(); row += c_.dim) {
        float size = 0;
        for (int64_t d = 0; d < c_.dim; ++d) size = std::max(size, std::abs(row[d]));
        for (int64_t d = 0; d < c_.dim; ++d)
          row[d] = std::nearbyint(row[d] * (127.0f / size)) * (size / 127.0f);
      }
    return values;
  }

  CacheCase c_;
  int64_t max_pages_;
  int64_t pages_;
  Tensor k_;
  Tensor v_;
  Tensor k_scales_;
  Tensor v_scales_;
  std::vector<int32_t> table_;
  std::vector<float> q_all_;
  std::vector<float> k_all_;
  std::vector<float> v_all_;
};

TEST(CachedAttention, EqualsItsDefinitionOverShuffledPagesOfSeveralSequences) {
  for (const OpsUnderTest& variant : every_ops()) {
    for (const DType dtype : {DType::f32, DType::f16, DType::i8}) {
      for (const int64_t dim : {16, 20, 48, 64, 128}) {
        const Cache cache({.kv_heads = 2,
                           .group = dim == 64 ? 1 : 3,
                           .dim = dim,
                           .page_size = dim == 20 ? 7 : 64,
                           .dtype = dtype,
                           .lengths = {1, 40, 133}});
        // On the matrix units, queries and the weights of the sum are f16, too.
        const bool rounds = variant.name == "cuda flash" && dtype != DType::f32;
        EXPECT_LE(relative_distance(cache.step(*variant.ops, {0, 0, 0}, {1, 40, 133}),
                                    cache.wanted({0, 0, 0}, {1, 40, 133})),
                  rounds ? 1e-3 : 1e-5)
            << variant.name << " " << tensor::name_of(dtype) << " head_dim " << dim;
      }
    }
  }
}

TEST(CachedAttention, GivesTheSameForAPromptInChunksAndDecodedRowByRow) {
  for (const OpsUnderTest& variant : every_ops()) {
    const DType dtype = variant.name == "avx2" ? DType::i8 : DType::f16;
    const CacheCase c{.group = 4, .dim = 32, .dtype = dtype, .lengths = {75, 30}};
    const std::vector<float> whole = Cache(c).step(*variant.ops, {0, 0}, {75, 30});
    const int64_t width = c.kv_heads * c.group * c.dim;
    const Cache cache(c);
    // Both in chunks of 20; the first sequence's last rows come one by one beside the other's end.
    std::vector<float> first;
    std::vector<float> second;
    int64_t a = 0;
    int64_t b = 0;
    while (a < 75) {
      const int64_t next_a = a < 60 ? a + 20 : a + 1;
      const int64_t next_b = std::min<int64_t>(30, b + 20);
      const std::vector<float> rows = cache.step(*variant.ops, {a, b}, {next_a, next_b});
      const auto border = rows.begin() + (next_a - a) * width;
      first.insert(first.end(), rows.begin(), border);
      second.insert(second.end(), border, rows.end());
      a = next_a;
      b = next_b;
    }
    first.insert(first.end(), second.begin(), second.end());
    ASSERT_EQ(first.size(), whole.size());
    for (size_t i = 0; i < whole.size(); ++i) ASSERT_EQ(first[i], whole[i]) << variant.name << i;
  }
}

TEST(CachedAttention, GivesTheSameBitsForALongContextWithOneThreadAndWithMany) {
  const std::vector<OpsUnderTest> one = every_ops(1);
  const std::vector<OpsUnderTest> many = every_ops(5);
  const CacheCase c{.kv_heads = 1, .group = 2, .dim = 32, .dtype = DType::f32, .lengths = {1300}};
  for (size_t v = 0; v < one.size(); ++v) {
    const Cache cache(c);
    const Cache twin(c);
    // One thread goes through a task's keys in order, five threads cut them (see kSplit).
    const std::vector<float> whole = cache.step(*one[v].ops, {0}, {1300});
    EXPECT_LE(relative_distance(whole, cache.wanted({0}, {1300})), 1e-5) << one[v].name;
    const std::vector<float> first = twin.step(*many[v].ops, {0}, {1298});
    const std::vector<float> rest = twin.step(*many[v].ops, {1298}, {1300});
    for (size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], whole[i]) << one[v].name;
    for (size_t i = 0; i < rest.size(); ++i)
      ASSERT_EQ(rest[i], whole[first.size() + i]) << one[v].name;
  }
}

}  // namespace
}  // namespace visavis::ops
