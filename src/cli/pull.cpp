// visavis pull: gets a model from a hub, so that every other command finds it by its name.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "base/text.h"
#include "cli/data_folders.h"
#include "cli/language.h"
#include "cli/verbs.h"
#include "hub/pull.h"
#include "hub/stopped.h"

namespace visavis::cli {
namespace {

std::atomic<bool> interrupted{false};

void on_signal(int) { interrupted = true; }

struct Options {
  hub::PullOptions pull;
  std::string device;
  std::string lang;
  bool list = false;
  bool json = false;
  bool quiet = false;
};

std::string clock_time(double seconds) {
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole >= 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// One line that is drawn over itself. The rate is that of the last ten seconds.
class Bar {
 public:
  explicit Bar(bool chinese) : chinese_(chinese) {}

  void draw(const hub::Progress& now) {
    const auto time = std::chrono::steady_clock::now();
    marks_.push_back({time, now.received_bytes});
    while (marks_.size() > 2 && time - marks_.front().first > std::chrono::seconds(10))
      marks_.pop_front();
    const double seconds = std::chrono::duration<double>(time - marks_.front().first).count();
    const double rate =
        seconds > 0 ? static_cast<double>(now.received_bytes - marks_.front().second) / seconds : 0;
    std::string line;
    if (now.total_bytes > 0) {
      const double share =
          static_cast<double>(now.done_bytes) / static_cast<double>(now.total_bytes);
      constexpr int kWidth = 24;
      const int full = static_cast<int>(share * kWidth);
      line = fmt::format("[{}{}] {:3.0f} %  {} / {}", std::string(static_cast<size_t>(full), '#'),
                         std::string(static_cast<size_t>(kWidth - full), '.'), share * 100,
                         base::human_bytes(now.done_bytes), base::human_bytes(now.total_bytes));
      if (now.done_bytes == now.total_bytes)
        line += fmt::format(fmt::runtime(chinese_ ? "  校验中，已读 {}" : "  checking, {} read"),
                            base::human_bytes(now.checked_bytes));
      else if (rate > 0)
        line +=
            fmt::format(fmt::runtime(chinese_ ? "  {}/s  剩余 {}" : "  {}/s  {} left"),
                        base::human_bytes(static_cast<int64_t>(rate)),
                        clock_time(static_cast<double>(now.total_bytes - now.done_bytes) / rate));
    }
    if (!now.waiting.empty())
      line += fmt::format(fmt::runtime(chinese_ ? "  等待：{}" : "  waiting: {}"), now.waiting);
    std::cerr << "\r\x1b[K" << line << std::flush;
    drawn_ = true;
  }
  ~Bar() {
    if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;

 private:
  bool chinese_;
  bool drawn_ = false;
  std::deque<std::pair<std::chrono::steady_clock::time_point, int64_t>> marks_;
};

base::Json text_or_null(const std::string& text) {
  return text.empty() ? base::Json() : base::Json(text);
}

base::Json described(const hub::PullPlan& plan) {
  base::Json files = base::Json::array();
  for (const hub::PlannedFile& each : plan.files)
    files.push_back({{"path", each.file.path},
                     {"bytes", each.file.bytes},
                     {"missing_bytes", each.missing_bytes},
                     {"sha256", text_or_null(each.file.sha256)},
                     {"git_sha1", text_or_null(each.file.git_sha1)}});
  return {{"hub", plan.hub->name},
          {"repository", plan.repository},
          {"revision", plan.revision},
          {"commit", plan.commit},
          {"license", text_or_null(plan.license)},
          {"format", text_or_null(plan.format)},
          {"bytes", plan.bytes()},
          {"missing_bytes", plan.missing_bytes()},
          {"files", files},
          {"passed_over", plan.passed_over}};
}

int list_files(const Options& options, const hub::PullPlan& plan) {
  if (options.json) {
    std::cout << base::dump_json(described(plan), 1) << "\n";
    return kDone;
  }
  for (const hub::PlannedFile& each : plan.files)
    fmt::print("{:>10}  {:>10}  {}\n", base::human_bytes(each.file.bytes),
               each.missing_bytes == 0 ? "-" : base::human_bytes(each.missing_bytes),
               each.file.path);
  say(options.lang, "{} of {} ({}), {} to fetch\n", "{} · {}（{}），待下载 {}\n",
      base::human_bytes(plan.bytes()), plan.repository, plan.hub->name,
      base::human_bytes(plan.missing_bytes()));
  return kDone;
}

int run(const Options& options) {
  const bool chinese = options.lang == "zh";
  struct sigaction action {};
  action.sa_handler = &on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second ctrl-C ends at once
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  hub::Places places = model_places();
  if (!options.device.empty()) places.for_card = options.device == "cuda";
  try {
    const hub::PullPlan plan =
        hub::plan_pull(options.pull, hub::read_catalogue(places), places, interrupted);
    if (options.list) return list_files(options, plan);
    const bool talks = !options.quiet && !options.json;
    if (talks) {
      for (const std::string& line : plan.passed_over)
        std::cerr << (chinese ? "跳过：" : "passed over: ") << line << "\n";
      std::cerr << fmt::format(
          fmt::runtime(chinese ? "{}（{}，版本 {}）：{}，待下载 {}{}\n"
                               : "{} ({}, revision {}): {}, {} to fetch{}\n"),
          plan.repository, plan.hub->name, plan.commit.substr(0, 12),
          base::human_bytes(plan.bytes()), base::human_bytes(plan.missing_bytes()),
          plan.license.empty()
              ? std::string()
              : fmt::format(fmt::runtime(chinese ? "，许可证 {}" : ", licence {}"), plan.license));
    }
    const auto begin = std::chrono::steady_clock::now();
    hub::PullReport report;
    {
      std::unique_ptr<Bar> bar;
      if (talks && ::isatty(STDERR_FILENO) != 0) bar = std::make_unique<Bar>(chinese);
      report = hub::pull(
          plan, options.pull,
          [&](const hub::Progress& now) {
            if (bar) bar->draw(now);
          },
          interrupted);
    }
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (options.json) {
      base::Json result = described(plan);
      result["folder"] = report.folder.string();
      result["received_bytes"] = report.received_bytes;
      result["seconds"] = seconds;
      std::cout << base::dump_json(result, 1) << "\n";
      return kDone;
    }
    if (talks)
      std::cerr << fmt::format(fmt::runtime(chinese ? "已收到 {}，用时 {}，全部校验无误\n"
                                                    : "{} received in {}, every byte checked\n"),
                               base::human_bytes(report.received_bytes), clock_time(seconds));
    fmt::print("{}\n", report.folder.string());
    return kDone;
  } catch (const hub::Stopped&) {
    std::cerr << (chinese ? "已停止；再次运行会接着下载\n"
                          : "stopped; the same command goes on from here\n");
    return kStopped;
  }
}

}  // namespace

void add_pull(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "pull", "Fetches a model into the Hugging Face cache, where all commands find it");
  verb->add_option("model", options->pull.model,
                   "A name that `visavis models` lists, or a repository ORG/NAME")
      ->required();
  std::vector<std::string> hubs;
  for (const hub::Hub& hub : hub::hubs()) hubs.emplace_back(hub.name);
  verb->add_option("--from", options->pull.from, "The hub (default huggingface)")
      ->check(CLI::IsMember(hubs));
  verb->add_option("--format", options->pull.format,
                   "The published form (default: the smallest of 4 bits that stays so small)");
  verb->add_option("--device", options->device,
                   "What the model is to run on (default: cuda if this machine has a card)")
      ->check(CLI::IsMember({"cpu", "cuda"}));
  verb->add_option("--revision", options->pull.revision, "A branch, tag or commit");
  verb->add_option("--include", options->pull.include,
                   "Only files of this name (* and ? as in a shell); give it again for more")
      ->allow_extra_args(false);
  verb->add_option("--connections", options->pull.rules.connections, "At once (default 8)")
      ->check(CLI::Range(1, 64));
  verb->add_option("--retries", options->pull.rules.retries,
                   "Attempts in a row that bring nothing (default 8)")
      ->check(CLI::Range(0, 1000));
  verb->add_flag("--check", options->pull.check,
                 "Read what is there again and fetch what is damaged");
  verb->add_flag("--list", options->list, "Only list the files and what is missing of them");
  verb->add_flag("--json", options->json, "Print JSON");
  verb->add_flag("--quiet", options->quiet, "Print the folder alone");
  add_language(*verb, options->lang);
  verb->footer(
      "Examples:\n"
      "  visavis pull qwen3-vl-8b\n"
      "  visavis pull llava-1.5-7b --from modelscope\n"
      "  visavis pull Qwen/Qwen3-VL-4B-Instruct --list\n"
      "  HF_ENDPOINT=https://my-mirror.example visavis pull qwen3-vl-8b\n"
      "What was fetched stays after a cut; the same command goes on. Tokens: HF_TOKEN,\n"
      "HUGGING_FACE_HUB_TOKEN or the file that HF_TOKEN_PATH names; MODELSCOPE_API_TOKEN.\n"
      "The cache: HF_HUB_CACHE or HF_HOME. Proxies: http_proxy, https_proxy, no_proxy.");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
