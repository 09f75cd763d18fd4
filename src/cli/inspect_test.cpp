#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "cli/verbs.h"

namespace visavis::cli {

void add_inspect(CLI::App& app, int& exit_code);

namespace {

using testing::HasSubstr;

std::string run(std::vector<std::string> arguments) {
  CLI::App app;
  int exit_code = kFailed;
  add_inspect(app, exit_code);
  arguments.insert(arguments.begin(), "inspect");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
  testing::internal::CaptureStdout();
  try {
    app.parse(arguments);
  } catch (...) {
    testing::internal::GetCapturedStdout();
    throw;
  }
  std::fflush(stdout);
  EXPECT_EQ(exit_code, kDone);
  return testing::internal::GetCapturedStdout();
}

base::Json json_of(std::vector<std::string> arguments) {
  arguments.emplace_back("--json");
  return base::parse_json(run(std::move(arguments)), "stdout");
}

const base::Json& tensor_named(const base::Json& json, const std::string& ending) {
  for (const base::Json& tensor : json.at("tensors"))
    if (tensor.at("name").get<std::string>().ends_with(ending)) return tensor;
  throw std::runtime_error("no tensor ends with " + ending);
}

TEST(Inspect, ShowsWhatInt4MeansTensorByTensor) {
  const base::Json json = json_of({"demo-llava", "--weights", "int4", "--tensors"});
  EXPECT_EQ(json.at("architecture"), "LlavaForConditionalGeneration");
  EXPECT_EQ(tensor_named(json, "layers.0.mlp.down_proj.weight").at("layout"), "int4 g128 sym");
  EXPECT_EQ(tensor_named(json, "lm_head.weight").at("layout"), "int8 g128");
  const base::Json& table = tensor_named(json, "embed_tokens.weight");
  EXPECT_EQ(table.at("layout"), "bf16");
  EXPECT_EQ(table.at("mapped"), true);
  EXPECT_EQ(tensor_named(json, "input_layernorm.weight").at("layout"), "f32");
  const base::Json& tower = tensor_named(json, "layers.0.mlp.fc1.weight");
  EXPECT_EQ(tower.at("layout"), "bf16");
  EXPECT_EQ(tower.at("part"), "vision");
}

TEST(Inspect, TheTiedHeadIsACopyOfItsOwn) {
  const base::Json json = json_of({"demo-qwen3-vl", "--tensors"});
  std::vector<std::string> layouts;
  for (const base::Json& tensor : json.at("tensors"))
    if (tensor.at("name").get<std::string>().ends_with("embed_tokens.weight"))
      layouts.push_back(tensor.at("layout"));
  EXPECT_THAT(layouts, testing::UnorderedElementsAre("bf16", "int8 g128"));
}

TEST(Inspect, FollowsTheOptionsAndAddsUp) {
  int64_t before = INT64_MAX;
  for (const char* weights : {"f32", "bf16", "int8", "int4"}) {
    const base::Json json =
        json_of({"demo-qwen3-vl", "--weights", weights, "--ctx", "512", "--tensors"});
    int64_t layouts = 0;
    for (const base::Json& group : json.at("layouts")) layouts += group.at("bytes").get<int64_t>();
    int64_t tensors = 0;
    for (const base::Json& tensor : json.at("tensors"))
      tensors += tensor.at("bytes").get<int64_t>();
    EXPECT_EQ(layouts, tensors);
    const base::Json& memory = json.at("memory");
    EXPECT_EQ(memory.at("weights_bytes").get<int64_t>() + memory.at("vision_bytes").get<int64_t>(),
              tensors);
    EXPECT_LT(tensors, before) << weights;
    before = tensors;
    EXPECT_EQ(json.at("limits").at("context"), 512);
    EXPECT_EQ(json.at("limits").at("kv"), std::string(weights) == "f32" ? "f32" : "f16");
    EXPECT_EQ(json.at("weights_sha256").get<std::string>().size(), 64u);
  }
  const base::Json rows = json_of({"demo-qwen3-vl", "--vision-weights", "int8", "--tensors"});
  EXPECT_EQ(tensor_named(rows, "blocks.0.mlp.linear_fc1.weight").at("layout"), "int8 per row");
}

TEST(Inspect, TheTextSaysWhichRulesRun) {
  const std::string text = run({"demo-qwen3-vl"});
  for (const char* line :
       {"architecture     Qwen3VLForConditionalGeneration", "chat template    chat_template.jinja",
        "tokenizer", "any size", "int4 g128 sym", "memory plan (context"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, testing::Not(HasSubstr("blocks.0.mlp.linear_fc1.weight")));
  EXPECT_THAT(run({"demo-qwen3-vl", "--tensors"}), HasSubstr("blocks.0.mlp.linear_fc1.weight"));
}

TEST(Inspect, UnknownModelsAreOneLine) {
  try {
    run({"demo-qwen9"});
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("no model 'demo-qwen9'"));
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace visavis::cli
