// Command-line options that several commands share: how a model is loaded, how answers are sampled.
// Only their names and help; cli/wiring.cpp gives the model options their meaning.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "chat/model_host.h"
#include "chat/request.h"

namespace visavis::cli {

/// Adds --device, --weights, --ctx, ..., and --parallel, --retries, ... for endpoints; what is
/// given lands in `options` as (key, value) with underscores, in the order of the table. `options`
/// must outlive the parsing.
void add_model_options(CLI::App& verb, chat::ModelOptions& options);

struct AnswerOptions {
  chat::Sampling sampling;
  int max_tokens = 256;
  std::vector<std::string> stop;
  std::string system;
};

/// Adds --temperature, --top-k, ..., --seed, --max-tokens, --stop and --system.
void add_answer_options(CLI::App& verb, AnswerOptions& options);

/// A user's turn: the pictures, read from their files, then the text. Throws Error.
chat::Turn user_turn(const std::vector<std::string>& images, const std::string& text);

/// A picture file as a part of a turn. Throws Error.
chat::Image read_image(const std::string& path);

/// The text itself, or all of standard input if it is "-".
std::string text_or_stdin(const std::string& text);

}  // namespace visavis::cli
