// The commands run and score on the oracle's tiny checkpoints: JSON contracts and refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "cli/wiring.h"

namespace visavis::cli {
namespace {

using testing::HasSubstr;

const std::filesystem::path kData = std::filesystem::path(VISAVIS_SOURCE_DIR) / "tests/data";
const std::string kQwen = VISAVIS_GOLDENS_DIR "/models/qwen_wide_heads";
const std::string kLlava = VISAVIS_GOLDENS_DIR "/models/llava_hub";
const std::string kPicture = kData / "pictures/size_64x64.png";

/// Runs one command with these arguments; what it prints to stdout.
std::string run(std::vector<std::string> arguments, int expected_code = kDone) {
  CLI::App app;
  int exit_code = -1;
  for (const Verb& verb : verbs()) verb.add(app, exit_code);
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  try {
    app.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    throw;
  }
  EXPECT_EQ(exit_code, expected_code);
  testing::internal::GetCapturedStderr();
  return testing::internal::GetCapturedStdout();
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    run(std::move(arguments));
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

base::Json golden_case(const std::string& model, const std::string& name) {
  const base::Json golden = base::read_json(model + ".json");
  for (const base::Json& each : golden.at("cases")) {
    if (each.at("name") == name) return each;
  }
  fail("no golden case ", name);
}

TEST(Run, JsonFollowsTheContractAndAnswersAsTheOracle) {
  const base::Json golden = golden_case(kQwen, "one_picture");
  const base::Json json = base::parse_json(
      run({"run", kQwen, "-i", kPicture, "-p", "What is in the picture?", "--weights", "f32",
           "--threads", "2", "--ctx", "512", "--max-tokens", "4", "--logprobs", "--json"}),
      "stdout");
  EXPECT_EQ(json.at("model"), kQwen);
  EXPECT_EQ(json.at("weights"), "f32");
  EXPECT_THAT(json.at("device").get<std::string>(), HasSubstr("cpu"));
  const auto ids = golden.at("greedy_ids").get<std::vector<int64_t>>();
  EXPECT_EQ(json.at("token_ids").get<std::vector<int64_t>>(),
            std::vector<int64_t>(ids.begin(), ids.begin() + 4));
  EXPECT_EQ(json.at("logprobs").size(), 4u);
  EXPECT_EQ(json.at("finish"), "length");
  EXPECT_EQ(json.at("usage").at("prompt_tokens"), golden.at("input_ids").size());
  EXPECT_EQ(json.at("usage").at("image_tokens"), 4);
  EXPECT_EQ(json.at("usage").at("completion_tokens"), 4);
  EXPECT_EQ(json.at("usage").at("cached_prompt_tokens"), 0);
  EXPECT_EQ(json.at("usage").at("cached_image_tokens"), 0);
  for (const char* key : {"load_s", "image_decode_s", "image_resize_s", "vision_s", "prefill_s",
                          "ttft_s", "ttft_device_s", "tpot_s", "e2e_s"}) {
    EXPECT_GT(json.at("timing").at(key).get<double>(), 0) << key;
  }
  for (const char* key : {"weights_bytes", "vision_bytes", "kv_bytes", "workspace_bytes",
                          "device_peak_bytes", "host_peak_bytes"}) {
    EXPECT_GT(json.at("memory").at(key).get<int64_t>(), 0) << key;
  }
}

TEST(Run, StreamsTheTextAndANewline) {
  const std::string json_text =
      base::parse_json(run({"run", kQwen, "-p", "Hi", "--weights", "f32", "--max-tokens", "5",
                            "--threads", "2", "--json"}),
                       "stdout")
          .at("text");
  EXPECT_EQ(
      run({"run", kQwen, "-p", "Hi", "--weights", "f32", "--max-tokens", "5", "--threads", "2"}),
      json_text + "\n");
}

TEST(Run, EveryPrecisionAnswers) {
  for (const char* weights : {"f32", "bf16", "f16", "int8", "int4", "auto"}) {
    const base::Json json =
        base::parse_json(run({"run", kLlava, "-i", kPicture, "-p", "Hi", "--weights", weights,
                              "--max-tokens", "2", "--threads", "2", "--json"}),
                         "stdout");
    EXPECT_EQ(json.at("weights"), weights == std::string("auto") ? "int4" : weights);
    EXPECT_EQ(json.at("usage").at("completion_tokens"), 2) << weights;
  }
}

TEST(Score, JsonFollowsTheContract) {
  const base::Json golden = golden_case(kLlava, "one_picture");
  const base::Json json = base::parse_json(
      run({"score", kLlava, "-i", kPicture, "-p", "What is in the picture?", "--continuation",
           "An apple", "--top", "3", "--weights", "f32", "--threads", "2", "--json"}),
      "stdout");
  EXPECT_EQ(json.at("prompt_token_ids"), golden.at("input_ids"));
  EXPECT_EQ(json.at("image_tokens"), 16);
  ASSERT_EQ(json.at("top").size(), 3u);
  EXPECT_EQ(json.at("top")[0].at("id"), golden.at("greedy_ids")[0]);
  EXPECT_NEAR(json.at("top")[0].at("logit").get<double>() - json.at("logsumexp").get<double>(),
              json.at("top")[0].at("logprob").get<double>(), 1e-4);
  const base::Json& continuation = json.at("continuation");
  ASSERT_EQ(continuation.at("logprobs").size(), continuation.at("token_ids").size());
  double sum = 0;
  for (const base::Json& logprob : continuation.at("logprobs")) sum += logprob.get<double>();
  EXPECT_NEAR(continuation.at("sum_logprob").get<double>(), sum, 1e-5);
}

TEST(Wiring, RefusalsNameWhatIsWrong) {
  EXPECT_THAT(refusal({"run", "/no/such/folder", "-p", "x"}), HasSubstr("/no/such/folder"));
  EXPECT_THAT(refusal({"run", "https://host/v1", "-p", "x"}), HasSubstr("model's name"));
  EXPECT_THAT(refusal({"run", "https://host/v1#model", "-p", "x", "--weights", "int4"}),
              HasSubstr("of an endpoint; known: api_key_env"));
  EXPECT_THAT(refusal({"inspect", "https://host/v1#model"}), HasSubstr("files of a checkpoint"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--weights", "int3"}), HasSubstr("int3"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--kv", "int4"}), HasSubstr("int8"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--ctx", "0"}), HasSubstr("ctx"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--ctx", "99999999"}), HasSubstr("99999999"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--device", "cuda:99"}), HasSubstr("CUDA"));
  EXPECT_THAT(refusal({"run", std::string(kQwen) + "@cuda:99", "-p", "x"}), HasSubstr("CUDA"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--device", "cuda:x"}), HasSubstr("cuda:x"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--vram-budget", "12"}), HasSubstr("15GB"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "-i", "/no/picture.png"}),
              HasSubstr("/no/picture.png"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", std::string(3000, 'x'), "--ctx", "256"}),
              HasSubstr("the context is 256"));
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--temperature", "-1"}), HasSubstr("temperature"));
}

TEST(Wiring, UnknownOptionsListTheKnownOnes) {
  const std::string folder = kQwen;
  try {
    local_options(folder, {{"wieghts", "int4"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::AllOf(HasSubstr("wieghts"), HasSubstr("max_pixels")));
  }
  EXPECT_EQ(local_options(folder, {{"max-batch-size", "3"}}).batch, 3);
  EXPECT_EQ(local_options(folder, {{"max_batch_size", "4"}}).batch, 4);
}

TEST(Wiring, TheCachesAreOnUnlessTheyAreSwitchedOff) {
  EXPECT_EQ(local_options(kQwen, {}).vision_cache, std::nullopt);
  EXPECT_TRUE(local_options(kQwen, {}).prefix_cache);
  EXPECT_EQ(local_options(kQwen, {{"vision_cache", "off"}}).vision_cache, 0);
  EXPECT_EQ(local_options(kQwen, {{"vision_cache", "12"}}).vision_cache, 12'000'000);
  EXPECT_EQ(local_options(kQwen, {{"vision_cache", "12"}, {"vision_cache", "auto"}}).vision_cache,
            std::nullopt);
  EXPECT_FALSE(local_options(kQwen, {{"prefix_cache", "off"}}).prefix_cache);
  EXPECT_TRUE(local_options(kQwen, {{"prefix_cache", "off"}, {"prefix_cache", "on"}}).prefix_cache);
  EXPECT_THAT(refusal({"run", kQwen, "-p", "x", "--vision-cache", "much"}), HasSubstr("'much'"));
}

TEST(Wiring, TheSwitchesReachTheModel) {
  const auto host = make_model_host([](const std::string&) {});
  const chat::ModelOptions common = {{"threads", "2"}, {"ctx", "256"}, {"max_batch_size", "3"}};
  for (const auto& [vision, prefix, expected] :
       {std::tuple{"off", "off", false}, {"off", "on", true}, {"auto", "off", true}}) {
    chat::ModelOptions options = common;
    options.insert(options.end(), {{"vision_cache", vision}, {"prefix_cache", prefix}});
    chat::ChatModel& model = host->open(kQwen, options);
    EXPECT_EQ(model.facts().can_reuse, expected);
    EXPECT_EQ(dynamic_cast<generate::LocalModel&>(model).limits().batch, 3);
    host->close(model);
  }
}

TEST(Wiring, AModelIsResidentOnce) {
  const auto host = make_model_host([](const std::string&) {});
  const chat::ModelOptions options = {{"weights", "f32"}, {"threads", "2"}, {"ctx", "256"}};
  chat::ChatModel& first = host->open(kQwen, options);
  EXPECT_EQ(&host->open(kQwen, options), &first);
  chat::ChatModel& second = host->open(kLlava, options);
  EXPECT_NE(&second, &first);
  EXPECT_NE(host->scorer(first), nullptr);
  host->close(first);
  EXPECT_EQ(second.facts().architecture, "LlavaForConditionalGeneration");
}

}  // namespace
}  // namespace visavis::cli
