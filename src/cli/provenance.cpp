#include "cli/provenance.h"

#include <sys/utsname.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "cli/verbs.h"
#include "harness/runner/runner.h"
#include "machine/cpu.h"
#include "machine/gpu.h"
#include "machine/proc.h"

namespace visavis::cli {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMostRemembered = 50;
constexpr int64_t kMostBytes = 1 << 20;

fs::path list_of_runs() {
  const fs::path folder = user_cache_folder();
  return folder.empty() ? fs::path() : folder / "runs.txt";
}

std::vector<std::string> lines_of(const fs::path& path) {
  std::error_code ignored;
  if (path.empty() || !fs::is_regular_file(path, ignored)) return {};
  std::vector<std::string> lines;
  for (const std::string& line : base::split(base::read_file(path, kMostBytes), '\n'))
    if (!line.empty()) lines.push_back(line);
  return lines;
}

base::Json cards_json() {
  base::Json cards = base::Json::array();
  for (const machine::GpuFacts& card : machine::gpu_facts()) {
    const machine::GpuState state = machine::gpu_state(card.bus_id);
    cards.push_back({{"name", card.name},
                     {"driver", card.driver},
                     {"memory_bytes", card.memory_bytes},
                     {"sm_clock_mhz", state.sm_clock_mhz},
                     {"most_sm_clock_mhz", state.most_sm_clock_mhz},
                     {"memory_clock_mhz", state.memory_clock_mhz},
                     {"most_memory_clock_mhz", state.most_memory_clock_mhz},
                     {"power_limit_watts", state.power_limit_watts}});
  }
  return cards;
}

std::vector<std::string> command_line() {
  const auto bytes = machine::read_proc("/proc/self/cmdline");
  std::vector<std::string> words;
  if (bytes) words = base::split(*bytes, '\0');
  if (!words.empty() && words.back().empty()) words.pop_back();
  // Results are passed on, keys are not.
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with("--api-key=")) words[i] = "--api-key=...";
    if (i > 0 && words[i - 1] == "--api-key") words[i] = "...";
  }
  return words;
}

}  // namespace

std::string machine_json() {
  const machine::CpuFacts cpu = machine::cpu_facts();
  utsname system{};
  uname(&system);
  return base::dump_json({{"cpu", cpu.model},
                          {"cores", cpu.cores},
                          {"features", cpu.features},
                          {"memory_bytes", machine::memory_facts().total_bytes},
                          {"system", std::string(system.sysname) + " " + system.release},
                          {"gpus", cards_json()}});
}

std::string build_json(const std::string& experiment_text) {
  base::Json json = {{"version", kVersion}, {"compiler", __VERSION__}, {"command", command_line()}};
  if (!experiment_text.empty()) json["experiment"] = experiment_text;
  return base::dump_json(json);
}

void remember_run(const std::string& folder) {
  const fs::path path = list_of_runs();
  if (path.empty()) return;
  std::error_code failed;
  const std::string absolute = fs::absolute(folder, failed).lexically_normal().string();
  if (failed || absolute.find('\n') != std::string::npos) return;
  try {
    std::vector<std::string> lines = lines_of(path);
    std::erase(lines, absolute);
    lines.push_back(absolute);
    if (lines.size() > kMostRemembered) lines.erase(lines.begin());
    base::make_folder(path.parent_path());
    base::write_file_atomically(path, base::join(lines, "\n") + "\n");
  } catch (const Error&) {
    // A read-only cache costs a later plan its memory, nothing else.
  }
}

std::vector<std::string> remembered_runs() {
  std::vector<std::string> lines = lines_of(list_of_runs());
  std::erase_if(lines, [](const std::string& folder) {
    std::error_code ignored;
    return !fs::is_regular_file(runner::store_path(folder), ignored);
  });
  return lines;
}

}  // namespace visavis::cli
