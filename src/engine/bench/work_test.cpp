#include "engine/bench/work.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/bench/measure.h"
#include "engine/bench/measured_model.h"
#include "engine/bench/random_folder.h"
#include "engine/generate/effort.h"

namespace visavis::bench {
namespace {

TEST(Median, IsTheMiddle) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({3}), 3);
  EXPECT_EQ(median({5, 1, 3}), 3);
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
}

TEST(Work, TakesAsLongAsTheCeilingsSay) {
  const ops::Ceilings ceilings = {.bytes_per_second = 10,
                                  .flops_per_second = 4,
                                  .int8_ops_per_second = 16,
                                  .bf16_flops_per_second = 8,
                                  .int8_instruction = ""};
  const Work work = {
      .weight_bytes = 30, .kv_bytes = 10, .int8_ops = 32, .bf16_ops = 40, .f32_ops = 12};
  EXPECT_EQ(work.read_seconds(ceilings), 4);
  EXPECT_EQ(work.compute_seconds(ceilings), 2 + 5 + 3);
}

MeasuredModel tiny(load::Precision weights, tensor::DType kv = tensor::DType::f16) {
  const RandomFolder folder(random_shape("llava-tiny"), 1);
  models::OpenOptions open;
  open.weights.body = weights;
  open.threads = 1;
  return {models::open_model(folder.path(), open),
          {.context = 128, .batch = 2, .chunk = 32, .kv = kv},
          ops::make_cpu_ops({.threads = 1})};
}

// llava-tiny: 4 layers of width 256 with 4 heads of 64 and 512 in the middle, 2048 words.
TEST(Work, OfAStepIsCountedWithoutDoingIt) {
  MeasuredModel model = tiny(load::Precision::bf16);
  const std::vector<int32_t> ids = {1, 2, 3, 4, 5, 6};  // three rows for each of two sequences
  const Work work = model.work_of([&] { model.step(2, 10, ids, true); });
  const double layer = 4 * 256 * 256 + 3 * 256 * 512;
  const double attention = 2 * 4 * (11 + 12 + 13) * 4.0 * 256;
  EXPECT_EQ(work.ops(), 2 * (6 * 4 * layer + 2 * 2048 * 256) + attention);
  EXPECT_EQ(work.attention_ops, attention);
  EXPECT_EQ(work.int8_ops, 0);
  EXPECT_EQ(work.weight_bytes, 2 * (4 * static_cast<int64_t>(layer) + 2048 * 256));
  EXPECT_EQ(work.kv_bytes, 2 * 4 * (2 * 13 * 256) * 2);
}

TEST(Work, ReadsTheScalesOfAnInt8Cache) {
  MeasuredModel model = tiny(load::Precision::int4, tensor::DType::i8);
  const Work work = model.work_of([&] { model.step(1, 10, {1}, true); });
  EXPECT_EQ(work.kv_bytes, 4 * 2 * 11 * 4 * (64 + 4));
}

TEST(Work, OfQuantisedWeightsIsInInt8) {
  MeasuredModel model = tiny(load::Precision::int4);
  const Work work = model.work_of([&] { model.step(1, 0, {1}, true); });
  EXPECT_GT(work.int8_ops, 0);
  EXPECT_EQ(work.bf16_ops, 0);
  EXPECT_EQ(work.f32_ops, work.attention_ops);
}

// What facts say of a model must be what its steps do, attention apart.
TEST(Effort, OfAnAnswerIsWhatItsStepsAreCountedTo) {
  MeasuredModel model = tiny(load::Precision::int4);
  const chat::Effort effort = generate::effort_of(model.model(), model.limits());
  const Work prompt = model.work_of([&] {
    model.step(1, 0, std::vector<int32_t>(32, 1), false);
    model.step(1, 32, std::vector<int32_t>(8, 1), true);
  });
  Work generated;
  for (int64_t context = 40; context < 43; ++context) {
    const Work step = model.work_of([&] { model.step(1, context, {1}, true); });
    generated.weight_bytes += step.weight_bytes;
    generated.kv_bytes += step.kv_bytes;
    generated.int8_ops += step.int8_ops;
  }
  const base::Work found =
      chat::work_of(effort, {.prompt_tokens = 40, .image_tokens = 0, .completion_tokens = 4}, 0);
  EXPECT_DOUBLE_EQ(found.int8_ops, generated.int8_ops);
  EXPECT_DOUBLE_EQ(found.bf16_ops, prompt.ops() - prompt.attention_ops);
  // The head is not read for a chunk that is not the last.
  const double bytes = static_cast<double>(prompt.weight_bytes + generated.bytes());
  EXPECT_NEAR(found.bytes, bytes, 0.2 * bytes);
  EXPECT_TRUE(effort.integer);
  EXPECT_GT(effort.image_token_ops, 0);
}

TEST(MeasuredModel, StepsOverAnyContextGiveIdsOfTheVocabulary) {
  MeasuredModel model = tiny(load::Precision::int4);
  const std::vector<int32_t> chosen = model.step(2, 100, {7, 8}, true);
  ASSERT_EQ(chosen.size(), 2u);
  for (const int32_t id : chosen) {
    EXPECT_GE(id, 0);
    EXPECT_LT(id, 2048);
  }
  EXPECT_THROW(model.step(2, 127, {1, 2, 3, 4}, true), Error);
  EXPECT_THROW(model.step(3, 0, {1, 2, 3}, true), Error);
}

}  // namespace
}  // namespace visavis::bench
