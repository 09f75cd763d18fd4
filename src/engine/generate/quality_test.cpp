// What quantising changes, on the demo models and the demo suite's own questions and answers:
// distributions of the next token against the same model in f32, fed the oracle's answers.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>

#include "base/text.h"
#include "engine/generate/golden_model.h"
#include "engine/generate/sampler.h"

namespace visavis::generate {
namespace {

const std::filesystem::path kDemo = VISAVIS_SOURCE_DIR "/models/demo";
const std::filesystem::path kSuite = VISAVIS_SOURCE_DIR "/suites/demo";

struct Answered {
  std::vector<chat::Turn> turns;
  std::vector<int32_t> answer;
};

std::vector<base::Json> lines_of(const std::filesystem::path& file) {
  std::vector<base::Json> lines;
  for (const std::string& line : base::split(base::read_file(file), '\n'))
    if (!line.empty()) lines.push_back(base::Json::parse(line));
  return lines;
}

// Every `step`-th question with the oracle's answer.
std::vector<Answered> questions(const std::string& model, size_t step) {
  std::map<std::string, std::vector<int32_t>> answers;
  for (const base::Json& line : lines_of(kTestData / "goldens/demo" / (model + ".jsonl")))
    answers[line.at("id")] = line.at("token_ids").get<std::vector<int32_t>>();
  const std::vector<base::Json> items = lines_of(kSuite / "items.jsonl");
  std::vector<Answered> chosen;
  for (size_t i = 0; i < items.size(); i += step) {
    chat::Turn turn;
    for (const std::string name : items[i].at("images")) {
      auto bytes = std::make_shared<const std::string>(base::read_file(kSuite / name));
      turn.parts.emplace_back(chat::Image{.bytes = std::move(bytes), .name = name});
    }
    turn.parts.emplace_back(chat::Text{items[i].at("question")});
    chosen.push_back({{std::move(turn)}, answers.at(items[i].at("id"))});
  }
  return chosen;
}

using Rows = std::vector<std::vector<float>>;

std::vector<Rows> all_logits(const LocalModelOptions& options,
                             const std::vector<Answered>& questions) {
  SteppedModel model(options);
  std::vector<Rows> all;
  for (const Answered& question : questions) {
    const models::Prompt prompt = model.model().prepare(question.turns);
    all.push_back(model.logits(prompt, model.encode(prompt), question.answer, 512));
  }
  return all;
}

struct Distance {
  double divergence = 0;  // mean KL(reference, other) in nats
  double same_top = 0;    // share of positions with the same likeliest token
  int64_t positions = 0;
};

Distance distance(const std::vector<Rows>& reference, const std::vector<Rows>& other) {
  Distance sum;
  for (size_t i = 0; i < reference.size(); ++i)
    for (size_t row = 0; row < reference[i].size(); ++row) {
      const std::vector<float>& p = reference[i][row];
      const std::vector<float>& q = other[i][row];
      const double log_p = log_sum_exp(p);
      const double log_q = log_sum_exp(q);
      for (size_t t = 0; t < p.size(); ++t) {
        const double at_p = static_cast<double>(p[t]) - log_p;
        sum.divergence += std::exp(at_p) * (at_p - (static_cast<double>(q[t]) - log_q));
      }
      sum.same_top += arg_max(p) == arg_max(q) ? 1 : 0;
      ++sum.positions;
    }
  sum.divergence /= static_cast<double>(sum.positions);
  sum.same_top /= static_cast<double>(sum.positions);
  return sum;
}

class Quality : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    // All questions take a minute in a release build; a sample does where sanitizers slow it down.
    const size_t step = std::getenv("VISAVIS_EVERY_QUESTION") != nullptr ? 1 : 24;
    questions_ = questions(GetParam(), step);
    LocalModelOptions f32 = options();
    f32.open.weights.body = load::Precision::f32;
    reference_ = all_logits(f32, questions_);
  }

  static LocalModelOptions options() {
    LocalModelOptions options;
    options.name = GetParam();
    options.folder = kDemo / GetParam().substr(std::string("demo-").size());
    options.open.threads = 2;
    options.open.weights.interleave = !tests_on_cuda();
    options.context = 2048;
    return options;
  }

  Distance measure(const char* what, const LocalModelOptions& options) const {
    const Distance found = distance(reference_, all_logits(options, questions_));
    std::cout << GetParam() << ", " << what << ": KL " << found.divergence << ", same top token "
              << 100 * found.same_top << " % of " << found.positions << " positions\n";
    return found;
  }

 private:
  std::vector<Answered> questions_;
  std::vector<Rows> reference_;
};

// The limits are those of 4-bit formats in use: mean KL 0.05, 91 % of tokens the same; each further
// rounding may add its own small share.
TEST_P(Quality, OfFourBitsStaysWithinTheLimitsOfPractice) {
  LocalModelOptions exact = options();
  exact.open.weights.round_input = false;
  const Distance weights = measure("int4, input not rounded", exact);
  EXPECT_LE(weights.divergence, 0.05);
  EXPECT_GE(weights.same_top, 0.91);

  const Distance rounded = measure("int4", options());
  EXPECT_LE(rounded.divergence, weights.divergence + 0.01);
  EXPECT_GE(rounded.same_top, 0.91);

  LocalModelOptions cache = options();
  cache.kv = tensor::DType::i8;
  const Distance small_cache = measure("int4, KV int8", cache);
  EXPECT_LE(small_cache.divergence, rounded.divergence + 0.002);
  EXPECT_GE(small_cache.same_top, 0.91);

  LocalModelOptions vision = options();
  vision.open.weights.vision = load::Precision::int8;
  const Distance small_vision = measure("int4, vision int8", vision);
  EXPECT_LE(small_vision.divergence, rounded.divergence + 0.002);
}

INSTANTIATE_TEST_SUITE_P(DemoModels, Quality, testing::Values("demo-qwen3-vl", "demo-llava"),
                         [](const auto& test) {
                           return test.param == "demo-llava" ? "Llava" : "Qwen3Vl";
                         });

}  // namespace
}  // namespace visavis::generate
