// visavis run: one answer, streamed, or a chat of several turns.
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "chat/completion_json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string model;
  chat::ModelOptions model_options;
  AnswerOptions answer;
  std::vector<std::string> images;
  VideoOptions videos;
  std::string prompt;
  bool chat = false;
  bool json = false;
  bool logprobs = false;
};

std::atomic<bool> interrupted{false};  // signal handlers reach nothing else

void on_interrupt(int) {
  interrupted = true;
  std::signal(SIGINT, SIG_DFL);  // the second Ctrl-C ends the program at once
}

/// Prints the pieces as they come and keeps the outcome for the waiting thread.
class StreamingSink : public chat::Sink {
 public:
  explicit StreamingSink(bool print) : print_(print) {}
  void on_text(std::string_view text) override {
    if (print_) std::cout << text << std::flush;
  }
  void on_done(chat::Outcome outcome) override { done_.set_value(std::move(outcome)); }
  std::future<chat::Outcome> result() { return done_.get_future(); }

 private:
  bool print_;
  std::promise<chat::Outcome> done_;
};

// Waits for the answer; Ctrl-C ends it early with what is there. Throws Error for a Failure.
chat::Completion answer(chat::ChatModel& model, chat::Request request, bool print) {
  StreamingSink sink(print);
  std::future<chat::Outcome> result = sink.result();
  interrupted = false;
  const auto former = std::signal(SIGINT, &on_interrupt);
  const chat::Ticket ticket = model.submit(std::move(request), sink);
  bool cancelled = false;
  while (result.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    if (interrupted && !cancelled) model.cancel(ticket);
    cancelled = interrupted;
  }
  std::signal(SIGINT, former);
  chat::Outcome outcome = result.get();
  if (const auto* failure = std::get_if<chat::Failure>(&outcome)) fail(failure->message);
  return std::move(std::get<chat::Completion>(outcome));
}

chat::Request request_of(const Options& options, std::vector<chat::Turn> turns) {
  return {.turns = std::move(turns),
          .sampling = options.answer.sampling,
          .max_tokens = options.answer.max_tokens,
          .stop = options.answer.stop,
          .logprobs = options.logprobs};
}

std::vector<chat::Turn> opening(const Options& options) {
  if (options.answer.system.empty()) return {};
  return {{.role = chat::Role::system, .parts = {chat::Text{options.answer.system}}}};
}

base::Json to_json(const chat::ModelFacts& facts, const chat::Completion& completion,
                   bool logprobs) {
  base::Json json = {{"model", facts.name},
                     {"device", facts.device},
                     {"weights", facts.weights},
                     {"text", completion.text}};
  if (!completion.thinking.empty()) json["thinking"] = completion.thinking;
  json["token_ids"] = completion.token_ids;
  if (logprobs) json["logprobs"] = completion.logprobs;
  json["finish"] = chat::name_of(completion.finish);
  json["usage"] = {{"prompt_tokens", completion.usage.prompt_tokens},
                   {"image_tokens", completion.usage.image_tokens},
                   {"completion_tokens", completion.usage.completion_tokens},
                   {"cached_prompt_tokens", completion.usage.cached_prompt_tokens},
                   {"cached_image_tokens", completion.usage.cached_image_tokens}};
  json["timing"] = chat::timing_json(completion.timing, facts.load_seconds);
  json["memory"] = chat::memory_json(completion.memory);
  json["loaded_from"] = facts.from_cache ? "cache" : "checkpoint";
  json["notes"] = completion.notes;
  return json;
}

void print_summary(const chat::Completion& completion) {
  const chat::Usage& usage = completion.usage;
  std::string line =
      fmt::format("[prompt {} tokens, {} of pictures; answer {} tokens, {}; first token {:.2f} s",
                  usage.prompt_tokens, usage.image_tokens, usage.completion_tokens,
                  chat::name_of(completion.finish), completion.timing.ttft);
  if (usage.cached_prompt_tokens > 0) {
    line += fmt::format(", {} tokens of the prompt used again", usage.cached_prompt_tokens);
  }
  if (usage.cached_image_tokens > 0) {
    line += fmt::format(", {} of pictures seen before", usage.cached_image_tokens);
  }
  if (completion.timing.tpot > 0) {
    line += fmt::format(", then {:.1f} tokens/s", 1 / completion.timing.tpot);
  }
  std::cerr << line << "]\n";
  for (const std::string& note : completion.notes) std::cerr << "[" << note << "]\n";
}

int exit_code_of(const chat::Completion& completion) {
  return completion.finish == chat::Finish::cancelled ? kStopped : kDone;
}

int answer_once(chat::ChatModel& model, const Options& options) {
  std::vector<chat::Turn> turns = opening(options);
  turns.push_back(user_turn(options.images, options.videos, text_or_stdin(options.prompt)));
  const chat::Completion completion =
      answer(model, request_of(options, std::move(turns)), !options.json);
  if (options.json) {
    std::cout << base::dump_json(to_json(model.facts(), completion, options.logprobs), 1) << "\n";
  } else {
    std::cout << "\n";
    print_summary(completion);
  }
  return exit_code_of(completion);
}

void save_chat(const std::string& path, const std::vector<chat::Turn>& turns) {
  base::Json json = base::Json::array();
  for (const chat::Turn& turn : turns) {
    base::Json parts = base::Json::array();
    for (const chat::Part& part : turn.parts) {
      if (const auto* image = std::get_if<chat::Image>(&part)) {
        parts.push_back({{"type", "image"}, {"image", image->name}});
      } else if (const auto* video = std::get_if<chat::Video>(&part)) {
        parts.push_back({{"type", "video"}, {"video", video->name}});
      } else {
        parts.push_back({{"type", "text"}, {"text", std::get<chat::Text>(part).text}});
      }
    }
    const char* role = turn.role == chat::Role::system ? "system"
                       : turn.role == chat::Role::user ? "user"
                                                       : "assistant";
    json.push_back({{"role", role}, {"content", parts}});
  }
  base::write_file_atomically(path, base::dump_json(json, 1) + "\n");
}

/// A conversation on a terminal or a pipe: one line a turn.
class Chat {
 public:
  Chat(chat::ChatModel& model, const Options& options)
      : model_(model),
        options_(options),
        turns_(opening(options)),
        images_(options.images),
        videos_(options.videos) {}

  void run() {
    const bool terminal = isatty(STDIN_FILENO) != 0;
    if (terminal) std::cerr << "/image FILE, /video FILE, /reset, /save FILE, /quit\n";
    std::string line;
    while (true) {
      if (terminal) std::cerr << "> ";
      if (!std::getline(std::cin, line) || line == "/quit") return;
      try {
        take(line);
      } catch (const Error& error) {
        std::cerr << "visavis: " << error.what() << "\n";
      }
    }
  }

 private:
  void take(const std::string& line) {
    const std::string_view text = base::trim(line);
    if (text.empty()) return;
    if (text == "/reset") {
      turns_ = opening(options_);
      images_.clear();
      videos_.paths.clear();
    } else if (text.starts_with("/video ")) {
      const std::string path(base::trim(text.substr(7)));
      require(std::filesystem::exists(path), "'", path, "': there is no such file or folder");
      videos_.paths.push_back(path);
    } else if (text.starts_with("/image ")) {
      const std::string path(base::trim(text.substr(7)));
      read_image(path);  // says now that a file is missing
      images_.push_back(path);
    } else if (text.starts_with("/save ")) {
      save_chat(std::string(base::trim(text.substr(6))), turns_);
    } else {
      require(!text.starts_with("/"), "found '", text,
              "', wanted a question, /image FILE, /video FILE, /reset, /save FILE or /quit");
      ask(std::string(text));
    }
  }

  void ask(const std::string& text) {
    std::vector<chat::Turn> turns = turns_;
    turns.push_back(user_turn(images_, videos_, text));
    const chat::Completion completion = answer(model_, request_of(options_, turns), true);
    std::cout << "\n" << std::flush;
    print_summary(completion);
    turns.push_back({.role = chat::Role::assistant, .parts = {chat::Text{completion.text}}});
    turns_ = std::move(turns);
    images_.clear();
    videos_.paths.clear();
  }

  chat::ChatModel& model_;
  const Options& options_;
  std::vector<chat::Turn> turns_;
  std::vector<std::string> images_;  // go with the next question
  VideoOptions videos_;              // likewise
};

int run(const Options& options) {
  const bool quiet = options.json;
  const auto log = [quiet](const std::string& line) {
    if (!quiet) std::cerr << "[" << line << "]\n";
  };
  const auto host = make_model_host(log, {.writes_behind = !quiet});  // --json measures
  chat::ChatModel& model = host->open(options.model, options.model_options);
  if (!options.chat) return answer_once(model, options);
  Chat(model, options).run();
  return kDone;
}

}  // namespace

void add_run(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("run", "Answers a question about pictures, or chats");
  verb->add_option("MODEL", options->model,
                   "A checkpoint folder, a catalogue name or http(s)://HOST/v1#NAME")
      ->required();
  verb->add_option("-i,--image", options->images, "A picture file; give it again for more")
      ->allow_extra_args(false);
  add_video_options(*verb, options->videos);
  CLI::Option* prompt = verb->add_option(
      "-p,--prompt", options->prompt,
      "The question; '-' reads standard input; without it, a chat of several turns");
  verb->add_flag("--json", options->json, "Print everything measured as JSON")->needs(prompt);
  verb->add_flag("--logprobs", options->logprobs, "Report the log-probability of every token")
      ->needs(prompt);
  add_model_options(*verb, options->model_options);
  add_answer_options(*verb, options->answer);
  verb->footer(
      "Examples:\n  visavis run models/demo/qwen3-vl -i desk.jpg -p \"What is on the desk?\"\n"
      "  visavis run qwen3-vl-8b --video walk.mp4 -p \"Who enters, and when?\"\n"
      "  visavis run qwen3-vl-8b --video frames/ --frame-rate 2 --max-video-pixels 4000000 "
      "-p \"What changes?\"");
  verb->callback([options, prompt, &exit_code] {
    options->chat = prompt->count() == 0;
    exit_code = run(*options);
  });
}

}  // namespace visavis::cli
