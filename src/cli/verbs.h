// The table of commands. A command is one file, cli/<verb>.cpp, with one function that adds its
// CLI11 subcommand; the subcommand's callback does the work and returns through Verb::exit_code.
#pragma once

#include <CLI/CLI.hpp>

namespace visavis::cli {

inline constexpr const char* kVersion = "0.1.0";

/// Exit codes of every command.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kStopped = 3;  // by budget, time or ctrl-C, with a valid partial result
inline constexpr int kRegression = 100;

/// Adds one subcommand to `app`; its callback stores the exit code in `exit_code`.
using AddVerb = void (*)(CLI::App& app, int& exit_code);

struct Verb {
  const char* name;
  AddVerb add;
};

/// Every command, in the order of `visavis --help`.
const std::vector<Verb>& verbs();

}  // namespace visavis::cli
