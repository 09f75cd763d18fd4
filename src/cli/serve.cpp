// visavis serve: models behind OpenAI's HTTP interface.
#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "server/server.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  chat::ModelOptions model_options;
  server::ServerOptions server;
  bool quiet = false;
};

const std::string* find_option(const chat::ModelOptions& options, const std::string& key) {
  const std::string* found = nullptr;
  for (const auto& [name, value] : options)
    if (name == key) found = &value;
  return found;
}

// Requests that a model answers at once; what the value means is checked when the model is opened.
size_t slots_of(const chat::ModelOptions& options) {
  const std::string* batch = find_option(options, "max_batch_size");
  return batch == nullptr ? 1 : static_cast<size_t>(std::max(1L, std::atol(batch->c_str())));
}

// Without --max-batch-size as many as memory allows, at most four: a server has several clients,
// but two big models shall still fit where one answer at a time fits.
void load(server::Residents& residents, const Options& options, const std::string& model,
          const server::Setting& setting) {
  if (find_option(options.model_options, "max_batch_size") != nullptr) {
    residents.load(model, options.model_options, slots_of(options.model_options));
    return;
  }
  for (int batch = 4;; batch /= 2) {
    chat::ModelOptions tried = options.model_options;
    if (batch > 1) tried.emplace_back("max_batch_size", std::to_string(batch));
    try {
      residents.load(model, tried, slots_of(tried));
      return;
    } catch (const Error& error) {
      if (batch == 1) throw;
      setting.log(fmt::format("{} with --max-batch-size {}: {}", model, batch, error.what()));
    }
  }
}

int run(Options& options) {
  auto mutex = std::make_shared<std::mutex>();
  const auto say = [mutex](const std::string& line) {
    const std::lock_guard lock(*mutex);
    std::cerr << line << "\n";
  };
  options.server.setting.version = kVersion;
  options.server.setting.slots_of = &slots_of;
  options.server.setting.log = options.quiet ? [](const std::string&) {} : server::Log(say);
  const auto host = make_model_host(say, true);
  server::Server server(options.server, *host, base::steady_clock());
  for (const std::string& model : options.models)
    load(server.residents(), options, model, options.server.setting);
  server.stop_on_signals();
  // The one line on standard output: whoever starts this program waits for it.
  std::cout << fmt::format("serving {} at {}", base::join(options.models, ", "), server.url())
            << std::endl;
  server.run();
  return kDone;
}

}  // namespace

void add_serve(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("serve", "Serves models to every program that speaks OpenAI's API");
  verb->add_option("MODEL", options->models, "Checkpoint folders or catalogue names")->required();
  server::ServerOptions& server = options->server;
  server::Limits& limits = server.limits;
  const char* group = "Server";
  verb->add_option("--host", server.host,
                   "Address to listen on (default 127.0.0.1); others than this machine need a key")
      ->group(group);
  verb->add_option("--port", server.port, "Port to listen on; 0: any (default 8080)")->group(group);
  verb->add_option("--api-key", server.access.api_key,
                   "Key that clients must send; better in the environment: VISAVIS_API_KEY")
      ->envname("VISAVIS_API_KEY")
      ->group(group);
  verb->add_option("--allow-origin", server.access.origins,
                   "Another origin whose pages may ask, e.g. http://localhost:3000; again for more")
      ->allow_extra_args(false)
      ->group(group);
  verb->add_option("--max-queue", limits.max_waiting,
                   "Requests that may wait for a model; more are told to come again (default 64)")
      ->check(CLI::Range(0, 100'000))
      ->group(group);
  verb->add_option("--max-body", limits.max_body_bytes,
                   "Largest request in bytes, e.g. 32MB (default)")
      ->transform(CLI::AsSizeValue(true))
      ->group(group);
  verb->add_option("--max-pictures", limits.max_pictures, "Pictures in one request (default 16)")
      ->group(group);
  verb->add_option("--answer-timeout", limits.answer_seconds,
                   "Seconds after which an answer, waiting included, is given up (default 600)")
      ->check(CLI::PositiveNumber)
      ->group(group);
  verb->add_flag("--quiet", options->quiet, "No line per request on standard error");
  add_model_options(*verb, options->model_options);
  verb->footer(
      "Examples:\n"
      "  visavis serve demo-qwen3-vl demo-llava\n"
      "  VISAVIS_API_KEY=secret visavis serve qwen3-vl-8b --host 0.0.0.0 --max-batch-size 8\n"
      "  curl localhost:8080/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "    -d '{\"model\": \"demo-llava\", \"messages\": [{\"role\": \"user\", \"content\": "
      "\"Hello\"}]}'");
  verb->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace visavis::cli
