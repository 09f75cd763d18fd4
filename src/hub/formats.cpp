#include "hub/formats.h"

namespace visavis::hub {
namespace {

constexpr Format kFormats[] = {
    {"safetensors", true, "safetensors in f32, f16 or bf16"},
    {"compressed-tensors", true, "safetensors, packed as vLLM's compressor writes them"},
    {"awq", true, "safetensors, AWQ (GEMM)"},
    {"gptq", true, "safetensors, GPTQ"},
    {"nf4", true, "safetensors, bitsandbytes NF4"},
    {"fp8", true, "safetensors, FP8"},
    {"gguf", true, "GGUF with its mmproj file", true},
    {"bin", true, "PyTorch's .bin files"},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* find_format(std::string_view name) {
  for (const Format& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

}  // namespace visavis::hub
