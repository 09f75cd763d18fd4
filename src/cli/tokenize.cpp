// visavis tokenize: shows the token ids that a model's tokenizer gives for a text. For comparing
// with another implementation, and for counting.
#include <fmt/format.h>

#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "engine/text/tokenizer.h"

namespace visavis::cli {
namespace {

constexpr int64_t kMaxText = int64_t{1} << 28;

struct Options {
  std::string model;
  std::string text;
  std::string file;
  bool plain = false;
  bool json = false;
};

std::string read_text(const Options& options) {
  if (!options.file.empty()) return base::read_file(options.file, kMaxText);
  if (options.text != "-") return options.text;
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

// One line per token: its id and its string, with what would break the line escaped.
void print_tokens(const text::Tokenizer& tokenizer, const std::vector<int32_t>& ids) {
  for (const int32_t id : ids) {
    fmt::print("{:>8}  {}{}\n", id, base::dump_json(tokenizer.token(id).value_or("")),
               tokenizer.is_special(id) ? "  special" : "");
  }
  fmt::print("{} tokens; rules: {}\n", ids.size(), tokenizer.rule());
}

int run(const Options& options) {
  const auto tokenizer = text::Tokenizer::load(model_folder(options.model));
  const std::string text = read_text(options);
  const std::vector<int32_t> ids =
      options.plain ? tokenizer.encode_plain(text) : tokenizer.encode(text);
  if (options.json) {
    std::cout << base::dump_json({{"ids", ids}, {"text", tokenizer.decode(ids, true)}}) << "\n";
  } else {
    print_tokens(tokenizer, ids);
  }
  return kDone;
}

}  // namespace

void add_tokenize(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand(
      "tokenize", "Shows the token ids that a model's tokenizer gives for a text");
  verb->add_option("MODEL", options->model, "A checkpoint folder or a name (visavis models)")
      ->required();
  auto* source = verb->add_option_group("source", "Where the text comes from");
  source->add_option("-t,--text", options->text, "The text; - reads standard input");
  source->add_option("-f,--file", options->file, "A file that holds the text");
  source->require_option(1);
  verb->add_flag("--plain", options->plain,
                 "As a user's words in a prompt: special tokens are not recognised, none is added");
  verb->add_flag("--json", options->json, "Print {\"ids\", \"text\"}, text without special tokens");
  verb->footer("Example:\n  visavis tokenize models/demo/qwen3-vl --text \"你好，世界\" --json");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
