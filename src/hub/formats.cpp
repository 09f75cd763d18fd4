#include "hub/formats.h"

namespace visavis::hub {
namespace {

constexpr Format kFormats[] = {
    {"safetensors", true, "safetensors in f32, f16 or bf16"},
    {"compressed-tensors", false, "safetensors, packed as vLLM's compressor writes them"},
    {"awq", false, "safetensors, AWQ (GEMM)"},
    {"gptq", false, "safetensors, GPTQ"},
    {"nf4", false, "safetensors, bitsandbytes NF4"},
    {"fp8", false, "safetensors, FP8"},
    {"gguf", false, "GGUF with its mmproj file"},
    {"bin", false, "PyTorch's .bin files"},
};

}  // namespace

std::span<const Format> formats() { return kFormats; }

const Format* find_format(std::string_view name) {
  for (const Format& format : kFormats)
    if (format.name == name) return &format;
  return nullptr;
}

}  // namespace visavis::hub
