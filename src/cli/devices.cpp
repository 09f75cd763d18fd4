#include "cli/devices.h"

#include <charconv>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace visavis::cli {
namespace {

OpenDevice open_cuda(int device) {
  OpenDevice opened;
  opened.place.cuda = device;
  opened.memory = std::make_unique<machine::GpuMemorySampler>(ops::cuda_bus_id(device));
  opened.ops = ops::make_cuda_ops({.device = device});
  opened.context_bytes = opened.memory->now().used;
  return opened;
}

}  // namespace

Place place_named(const std::string& word) {
  if (word == "auto") return {.automatic = true};
  if (word == "cpu") return {};
  constexpr std::string_view kCuda = "cuda";
  if (word == kCuda) return {.cuda = 0};
  if (word.starts_with("cuda:")) {
    const std::string number = word.substr(kCuda.size() + 1);
    int device = -1;
    const char* end = number.data() + number.size();
    const auto [stop, error] = std::from_chars(number.data(), end, device);
    if (error == std::errc() && stop == end && device >= 0) return {.cuda = device};
  }
  fail("option device: found '", word, "', wanted auto, cpu or cuda[:N]");
}

std::string without_place(const std::string& model, std::string* device) {
  const size_t at = model.rfind('@');
  if (at == std::string::npos || std::filesystem::is_directory(model)) return model;
  if (device != nullptr) *device = model.substr(at + 1);
  return model.substr(0, at);
}

Place place_of(const std::string& model, const chat::ModelOptions& options) {
  std::string word = "auto";
  for (const auto& [key, value] : options)
    if (key == "device") word = value;
  without_place(model, &word);
  return place_named(word);
}

OpenDevice open_device(Place place, int threads,
                       const std::function<void(const std::string&)>& log) {
  if (place.cuda >= 0) return open_cuda(place.cuda);
  if (place.automatic && ops::has_cuda()) {
    try {
      return open_cuda(0);
    } catch (const Error& error) {
      log(std::string(error.what()) + "; --device auto takes the CPU");
    }
  }
  return {.place = {}, .ops = ops::make_cpu_ops({.threads = threads}), .memory = {}};
}

void limit_memory(ops::Ops& ops, int64_t budget, int64_t context_bytes) {
  require(budget == 0 || budget > context_bytes, "--vram-budget is ", base::human_bytes(budget),
          ", CUDA's context alone takes ", base::human_bytes(context_bytes));
  ops.limit_memory(budget == 0 ? 0 : budget - context_bytes);
}

int64_t bytes_named(const std::string& option, const std::string& word) {
  static constexpr std::pair<std::string_view, double> kUnits[] = {
      {"GB", 1e9}, {"MB", 1e6}, {"GiB", 1073741824.0}, {"MiB", 1048576.0}};
  double number = 0;
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, number);
  const std::string_view unit(stop, static_cast<size_t>(end - stop));
  for (const auto& [name, size] : kUnits)
    if (error == std::errc() && unit == name && number > 0 && number < 1e6)
      return static_cast<int64_t>(number * size);
  fail("option ", option, ": found '", word, "', wanted a size like 15GB, 800MB or 14.5GiB");
}

}  // namespace visavis::cli
