#include "harness/verdict/family.h"

namespace visavis::verdict {
namespace {

struct Family {
  const char* word;  // in the name, lower case
  const char* family;
};

// The first word that a name holds decides, so what builds on another model stands before that.
constexpr Family kFamilies[] = {
    {"llava", "llava"},
    {"qwen", "qwen"},
    {"qwq", "qwen"},
    {"internvl", "intern"},
    {"internlm", "intern"},
    {"minicpm", "minicpm"},
    {"cogvlm", "glm"},
    {"glm", "glm"},
    {"deepseek", "deepseek"},
    {"janus", "deepseek"},
    {"pixtral", "mistral"},
    {"mistral", "mistral"},
    {"gemma", "google"},
    {"gemini", "google"},
    {"paligemma", "google"},
    {"gpt", "openai"},
    {"chatgpt", "openai"},
    {"claude", "anthropic"},
    {"grok", "xai"},
    {"molmo", "molmo"},
    {"idefics", "huggingface"},
    {"smolvlm", "huggingface"},
    {"ernie", "baidu"},
    {"doubao", "bytedance"},
    {"hunyuan", "tencent"},
    {"kimi", "moonshot"},
    {"step-", "stepfun"},
    {"phi-", "phi"},
    {"phi3", "phi"},
    {"vicuna", "llama"},
    {"llama", "llama"},
};

}  // namespace

std::string family_of(std::string_view name) {
  // Of an endpoint only the model's name counts, not the host's.
  if (const size_t hash = name.rfind('#'); hash != std::string_view::npos)
    name.remove_prefix(hash + 1);
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const Family& family : kFamilies)
    if (lower.find(family.word) != std::string::npos) return family.family;
  return "";
}

}  // namespace visavis::verdict
