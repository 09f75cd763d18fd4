// Every tiny checkpoint of the oracle, in f32: prompts, pictures, positions, features, logits,
// answers.
#include <gtest/gtest.h>

#include <cmath>
#include <span>

#include "base/hash.h"
#include "engine/generate/golden_model.h"
#include "engine/vision/prepare.h"

namespace visavis::generate {
namespace {

constexpr float kTolerance = 1e-3f;  // of logits and features, as the design asks
constexpr double kMargin = 2e-3;  // "the same answer": what follows a smaller gap is not compared

float largest_difference(const float* found, const float* expected, int64_t count) {
  float largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::abs(found[i] - expected[i]));
  }
  return largest;
}

// The oracle keeps the first and the last four image rows of a prompt.
void compare_rows(SteppedModel& stepped, const std::vector<tensor::MutView>& pictures,
                  const tensor::View& expected) {
  const int64_t cols = pictures.front().cols();
  ASSERT_EQ(expected.shape, (tensor::Shape{8, cols}));
  std::vector<float> all;
  for (const tensor::MutView& picture : pictures) {
    const std::vector<float> rows = stepped.values(picture);
    all.insert(all.end(), rows.begin(), rows.end());
  }
  const int64_t rows = static_cast<int64_t>(all.size()) / cols;
  for (int64_t i = 0; i < 8; ++i) {
    const float* found = all.data() + (i < 4 ? i : rows - 8 + i) * cols;
    EXPECT_LE(largest_difference(found, expected.f32() + i * cols, cols), kTolerance)
        << "row " << i;
  }
}

class Goldens : public testing::TestWithParam<std::string> {};

TEST_P(Goldens, PromptsFeaturesAndLogitsEqualTheOracles) {
  const std::string name = GetParam();
  const auto tensors = checkpoint::open_safetensors_file(kGoldenModels / (name + ".safetensors"));
  SteppedModel stepped(golden_options(name));
  float worst = 0;
  for (const GoldenCase& golden : golden_cases(name)) {
    SCOPED_TRACE(golden.name);
    const models::Prompt prompt = stepped.model().prepare(golden.turns);
    EXPECT_EQ(prompt.text, golden.expected.at("text").get<std::string>());
    ASSERT_EQ(prompt.ids, golden.ids("input_ids"));
    if (golden.expected.contains("rope_delta")) {
      EXPECT_EQ(prompt.position_delta, golden.expected.at("rope_delta").get<int32_t>());
      const tensor::View positions = tensors->read(golden.name + "/position_ids");
      ASSERT_EQ(positions.shape, (tensor::Shape{3, prompt.tokens()}));
      EXPECT_TRUE(std::equal(prompt.positions.begin(), prompt.positions.end(), positions.i32()));
    }

    const std::vector<models::ImageFeatures> features = stepped.encode(prompt);
    if (!features.empty()) {
      std::vector<tensor::MutView> rows;
      for (const auto& picture : features) rows.push_back(picture.rows);
      compare_rows(stepped, rows, tensors->read(golden.name + "/features"));
      for (size_t k = 0; k < features.front().deepstack.size(); ++k) {
        SCOPED_TRACE("deepstack " + std::to_string(k));
        std::vector<tensor::MutView> level;
        for (const auto& picture : features) level.push_back(picture.deepstack[k]);
        compare_rows(stepped, level, tensors->read(golden.name + "/deepstack" + std::to_string(k)));
      }
    }

    const std::vector<int32_t> answer = golden.ids("greedy_ids");
    const tensor::View expected = tensors->read(golden.name + "/logits");
    for (const int64_t chunk : {7, 512}) {
      const auto logits = stepped.logits(prompt, features, answer, chunk);
      ASSERT_EQ(logits.size(), answer.size());
      worst = std::max(worst,
                       largest_difference(logits.front().data(), expected.f32(), expected.cols()));
      worst =
          std::max(worst, largest_difference(logits.back().data(), expected.f32() + expected.cols(),
                                             expected.cols()));
    }
    EXPECT_LE(worst, kTolerance);
  }
  RecordProperty("largest_logit_difference", std::to_string(worst));
}

// Families that prepare pictures by themselves: what comes out of the model's own preparation.
void expect_same_pixels(const models::Model& model, const base::Json& pictures) {
  for (const auto& [file, expected] : pictures.items()) {
    const models::Prompt prompt = model.prepare({{.parts = {picture_file(file)}}});
    base::Sha256 hash;
    hash.update(std::as_bytes(std::span(prompt.pictures.at(0).pixels.pixels)));
    EXPECT_EQ(hash.finish(), expected.at("rgb_sha256").get<std::string>()) << file;
  }
}

TEST_P(Goldens, PicturesAreThoseThatTheOraclesModelSaw) {
  const base::Json golden = base::read_json(kGoldenModels / (GetParam() + ".json"));
  ASSERT_FALSE(golden.at("pictures").empty());
  if (golden.at("pictures").begin()->contains("rgb_sha256")) {
    const LocalModelOptions options = golden_options(GetParam());
    expect_same_pixels(*models::open_model(options.folder, options.open), golden.at("pictures"));
    return;
  }
  const vision::Preprocessor preprocessor = vision::read_preprocessor(kGoldenModels / GetParam());
  for (const auto& [file, expected] : golden.at("pictures").items()) {
    SCOPED_TRACE(file);
    const vision::Patches patches = vision::prepare_picture(*picture_file(file).bytes, file,
                                                            preprocessor, base::steady_clock());
    const std::vector<float> values = patches.values();
    base::Sha256 hash;
    hash.update(std::as_bytes(std::span(values)));
    EXPECT_EQ(hash.finish(), expected.at("f32_sha256").get<std::string>());
    if (expected.contains("grid_thw")) {
      EXPECT_EQ(expected.at("grid_thw"),
                base::Json::array({1, patches.geometry.grid_h, patches.geometry.grid_w}));
    }
  }
}

TEST_P(Goldens, WorkspaceAndFeaturesStayWithinThePlan) {
  SteppedModel stepped(golden_options(GetParam()));
  for (const GoldenCase& golden : golden_cases(GetParam())) {
    const models::Prompt prompt = stepped.model().prepare(golden.turns);
    stepped.logits(prompt, stepped.encode(prompt), golden.ids("greedy_ids"), 512);
  }
  EXPECT_GT(stepped.workspace().high_water(), 0);
  EXPECT_LE(stepped.workspace().high_water(), stepped.memory().workspace);
  EXPECT_LE(stepped.features().high_water(), stepped.memory().image_features);
}

// Tokens must agree up to the first position where the oracle itself nearly tied.
void expect_same_answer(const std::vector<int64_t>& found, const base::Json& expected) {
  const auto ids = expected.at("greedy_ids").get<std::vector<int64_t>>();
  const auto margins = expected.at("margins").get<std::vector<double>>();
  for (size_t i = 0; i < ids.size(); ++i) {
    if (margins[i] < kMargin) return;
    ASSERT_LT(i, found.size());
    ASSERT_EQ(found[i], ids[i]) << "token " << i;
  }
  EXPECT_EQ(found.size(), ids.size());
}

TEST_P(Goldens, GreedyAnswersEqualTheOraclesAtEveryBatchAndChunkSize) {
  for (const auto& [batch, chunk] : {std::pair<int64_t, int64_t>{1, 512}, {2, 5}, {4, 64}}) {
    SCOPED_TRACE("batch " + std::to_string(batch) + " chunk " + std::to_string(chunk));
    DeviceLoop loop(test_ops());
    LocalModelOptions options = golden_options(GetParam());
    options.batch = batch;
    options.chunk = chunk;
    LocalModel model(loop, options, base::steady_clock());
    const std::vector<GoldenCase> cases = golden_cases(GetParam());
    const int tokens =
        base::read_json(kGoldenModels / (GetParam() + ".json")).at("new_tokens").get<int>();
    struct Keep : chat::Sink {
      std::promise<chat::Outcome> done;
      std::string streamed;
      void on_text(std::string_view text) override { streamed += text; }
      void on_done(chat::Outcome outcome) override { done.set_value(std::move(outcome)); }
    };
    std::vector<std::unique_ptr<Keep>> sinks;
    for (const GoldenCase& golden : cases) {
      sinks.push_back(std::make_unique<Keep>());
      model.submit({.turns = golden.turns, .max_tokens = tokens}, *sinks.back());
    }
    for (size_t i = 0; i < cases.size(); ++i) {
      SCOPED_TRACE(cases[i].name);
      chat::Outcome outcome = sinks[i]->done.get_future().get();
      ASSERT_TRUE(std::holds_alternative<chat::Completion>(outcome))
          << std::get<chat::Failure>(outcome).message;
      const auto& completion = std::get<chat::Completion>(outcome);
      expect_same_answer(completion.token_ids, cases[i].expected);
      EXPECT_EQ(sinks[i]->streamed, completion.text);
      if (completion.token_ids == cases[i].expected.at("greedy_ids").get<std::vector<int64_t>>()) {
        EXPECT_EQ(completion.text, cases[i].expected.at("greedy_text").get<std::string>());
      }
      EXPECT_EQ(completion.usage.prompt_tokens,
                static_cast<int64_t>(cases[i].ids("input_ids").size()));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryCheckpoint, Goldens, testing::ValuesIn(golden_names()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace visavis::generate
