// visavis score: log-probabilities of the next token, or of a given answer.
#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"

namespace visavis::cli {
namespace {

struct Options {
  std::string model;
  chat::ModelOptions model_options;
  std::vector<std::string> images;
  VideoOptions videos;
  std::string prompt;
  std::string system;
  std::string continuation;
  int top = 10;
  bool json = false;
};

double sum_of(const std::vector<float>& logprobs) {
  double sum = 0;
  for (const float logprob : logprobs) sum += static_cast<double>(logprob);
  return sum;
}

base::Json to_json(const chat::Score& score) {
  base::Json top = base::Json::array();
  for (const chat::TokenScore& token : score.top) {
    top.push_back({{"id", token.id},
                   {"text", token.text},
                   {"logit", token.logit},
                   {"logprob", token.logprob}});
  }
  return {{"prompt_token_ids", score.prompt_token_ids},
          {"image_tokens", score.image_tokens},
          {"logsumexp", score.logsumexp},
          {"top", top},
          {"continuation",
           {{"token_ids", score.continuation_ids},
            {"logprobs", score.continuation_logprobs},
            {"sum_logprob", sum_of(score.continuation_logprobs)}}}};
}

void print(const chat::Score& score) {
  fmt::print("prompt: {} tokens, {} of pictures\n", score.prompt_token_ids.size(),
             score.image_tokens);
  for (const chat::TokenScore& token : score.top) {
    fmt::print("{:>8}  {:>9.4f}  {}\n", token.id, token.logprob,
               base::dump_json(base::Json(token.text)));
  }
  if (score.continuation_ids.empty()) return;
  fmt::print("continuation: {} tokens, log-probability {:.4f}\n", score.continuation_ids.size(),
             sum_of(score.continuation_logprobs));
}

int run(const Options& options) {
  const auto host = make_model_host([](const std::string&) {});
  chat::ChatModel& model = host->open(options.model, options.model_options);
  chat::Scorer* scorer = host->scorer(model);
  require(scorer != nullptr, "model '", options.model, "' does not give log-probabilities");
  chat::ScoreRequest request;
  if (!options.system.empty()) {
    request.turns.push_back({.role = chat::Role::system, .parts = {chat::Text{options.system}}});
  }
  request.turns.push_back(user_turn(options.images, options.videos, text_or_stdin(options.prompt)));
  request.continuation = options.continuation;
  request.top = options.top;
  const chat::Score score = scorer->score(request);
  if (options.json) {
    std::cout << base::dump_json(to_json(score), 1) << "\n";
  } else {
    print(score);
  }
  return kDone;
}

}  // namespace

void add_score(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("score", "Log-probabilities of the next token, or of a given answer");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a catalogue name")->required();
  verb->add_option("-i,--image", options->images, "A picture file; give it again for more")
      ->allow_extra_args(false);
  add_video_options(*verb, options->videos);
  verb->add_option("-p,--prompt", options->prompt, "The question; '-' reads standard input")
      ->required();
  verb->add_option("--system", options->system, "A system turn put in front");
  verb->add_option("--continuation", options->continuation, "The answer to score");
  verb->add_option("--top", options->top, "How many next tokens to list (default 10)")
      ->check(CLI::Range(0, 1000));
  verb->add_flag("--json", options->json, "Print JSON");
  add_model_options(*verb, options->model_options);
  verb->footer(
      "Example:\n  visavis score models/demo/qwen3-vl -i cat.jpg -p \"A cat?\" --continuation "
      "\"Yes.\"");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
