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

/// The videos of a command line.
struct VideoOptions {
  std::vector<std::string> paths;  // files, or folders of frames
  double frame_rate = 24;          // of folders
};

/// Adds --video and --frame-rate.
void add_video_options(CLI::App& verb, VideoOptions& options);

/// A user's turn: the pictures and videos, read from their files, then the text. Throws Error.
chat::Turn user_turn(const std::vector<std::string>& images, const VideoOptions& videos,
                     const std::string& text);

/// A picture file as a part of a turn. Throws Error.
chat::Image read_image(const std::string& path);

/// A video file, or a folder's pictures in the order of their names, as a part of a turn. Throws
/// Error.
chat::Video read_video(const std::string& path, double frame_rate);

/// The text itself, or all of standard input if it is "-".
std::string text_or_stdin(const std::string& text);

}  // namespace visavis::cli
