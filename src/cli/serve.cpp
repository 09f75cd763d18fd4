// visavis serve: models behind OpenAI's HTTP interface, and the page that shows them side by side.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <filesystem>
#include <future>
#include <iostream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "cli/compare.h"
#include "cli/data_folders.h"
#include "cli/inspect.h"
#include "cli/options.h"
#include "cli/provenance.h"
#include "cli/verbs.h"
#include "cli/wiring.h"
#include "harness/suites/formats.h"
#include "hub/catalogue.h"
#include "remote/public_fetch.h"
#include "server/api_error.h"
#include "server/server.h"

namespace visavis::cli {
namespace {

struct Options {
  std::vector<std::string> models;
  chat::ModelOptions model_options;
  server::ServerOptions server;
  std::filesystem::path runs = "visavis-runs";
  bool fetches = false;
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
std::shared_ptr<server::Resident> load(server::Residents& residents, const std::string& model,
                                       const chat::ModelOptions& options, const server::Log& log) {
  if (find_option(options, "max_batch_size") != nullptr)
    return residents.load(model, options, slots_of(options));
  for (int batch = 4;; batch /= 2) {
    chat::ModelOptions tried = options;
    if (batch > 1) tried.emplace_back("max_batch_size", std::to_string(batch));
    try {
      return residents.load(model, tried, slots_of(tried));
    } catch (const server::ApiError&) {
      throw;  // it is there already
    } catch (const Error& error) {
      if (batch == 1) throw;
      log(fmt::format("{} with --max-batch-size {}: {}", model, batch, error.what()));
    }
  }
}

// What a client asks for stands before what the command line says.
chat::ModelOptions joined(const chat::ModelOptions& asked, const chat::ModelOptions& given) {
  chat::ModelOptions options = asked;
  for (const auto& [key, value] : given)
    if (find_option(asked, key) == nullptr) options.emplace_back(key, value);
  return options;
}

// Names of the catalogue that are on this machine, and those of the command line.
std::vector<std::string> available(const std::vector<std::string>& given) {
  std::vector<std::string> names = given;
  const hub::Places places = model_places();
  for (const hub::CatalogueEntry& entry : hub::read_catalogue(places)) {
    if (std::find(names.begin(), names.end(), entry.name) == names.end() &&
        hub::locate(entry, places).has_value())
      names.push_back(entry.name);
  }
  return names;
}

// The suites that come with visavis or lie in the current folder. Reading them takes a moment.
base::Json list_suites() {
  namespace fs = std::filesystem;
  base::Json list = base::Json::array();
  for (const fs::path& library : data_folders("suites")) {
    std::error_code ignored;
    std::vector<fs::path> folders;
    for (const fs::directory_entry& entry : fs::directory_iterator(library, ignored))
      folders.push_back(entry.path());
    std::sort(folders.begin(), folders.end());
    for (const fs::path& folder : folders) {
      try {
        const suites::Suite suite = suites::load_suite(folder);
        std::set<std::string> langs;
        for (const suites::Question& question : suite.questions) langs.insert(question.lang);
        list.push_back({{"name", suite.name},
                        {"path", folder.string()},
                        {"title", {{"en", suite.title.en}, {"zh", suite.title.zh}}},
                        {"questions", suite.questions.size()},
                        {"langs", langs}});
      } catch (const Error&) {
        // Not a suite.
      }
    }
  }
  return list;
}

runner::Experiment experiment_of(const server::RunOrder& order, const Options& options) {
  CompareOptions compare;
  for (const server::RunOrder::Model& model : order.models) compare.what.push_back(model.name);
  compare.suites = {order.suite};
  compare.limit = order.limit;
  compare.budget = order.budget;
  compare.price = order.price ? order.price : options.server.setting.price;
  compare.max_time = order.max_time;
  compare.currency = options.server.setting.currency;
  compare.lang = options.server.setting.lang;
  runner::Experiment experiment = make_experiment(compare, data_folders("suites"));
  for (size_t i = 0; i < experiment.providers.size(); ++i)
    experiment.providers[i].options = order.models[i].options;
  return experiment;
}

// Pictures and bodies of megabytes come and go on several threads. By default the C library begins
// to keep such pieces in its heaps, whose holes stay with the process; this way they always go
// back.
void return_large_memory() {
#ifdef M_MMAP_THRESHOLD
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

int run(Options& options) {
  return_large_memory();
  auto mutex = std::make_shared<std::mutex>();
  const auto say = [mutex](const std::string& line) {
    const std::lock_guard lock(*mutex);
    std::cerr << line << "\n";
  };
  server::Setting& setting = options.server.setting;
  setting.version = kVersion;
  setting.log = options.quiet ? [](const std::string&) {} : server::Log(say);
  setting.available = [&options] { return available(options.models); };
  setting.load = [&options, say](server::Residents& residents, const std::string& model,
                                 const chat::ModelOptions& asked) {
    return load(residents, model, joined(asked, options.model_options), say);
  };
  if (options.fetches)
    options.server.fetch = [limits = options.server.limits](const std::string& url,
                                                            const std::string& param) {
      try {
        return remote::fetch_public(url, {.max_bytes = limits.max_picture_bytes});
      } catch (const Error& error) {
        throw server::ApiError(400, param + ": " + error.what(), param, "picture_not_fetched");
      }
    };
  setting.plan = [&options](const std::string& model, const chat::ModelOptions& asked) {
    return inspect_json(model, joined(asked, options.model_options));
  };
  const std::shared_future<base::Json> suites_list = std::async(std::launch::async, &list_suites);
  setting.suites = [suites_list] { return suites_list.get(); };
  setting.runs = {
      .folder = options.runs,
      .experiment_of =
          [&options](const server::RunOrder& order) { return experiment_of(order, options); },
      .machine_json = &machine_json,
      .build_json = [] { return build_json(""); }};
  const auto host = make_model_host(say, {.writes_behind = true});
  server::Server server(options.server, *host, base::steady_clock());
  for (const std::string& model : options.models)
    load(server.residents(), model, options.model_options, say);
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
      app.add_subcommand("serve",
                         "Serves models to every program that speaks OpenAI's API, and a page "
                         "that shows them side by side");
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
  verb->add_flag("--allow-url-fetch", options->fetches,
                 "Fetch pictures that requests name by http(s) URL, from public addresses alone")
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
  verb->add_option("--runs", options->runs,
                   "Folder of the comparisons that the page starts and opens (default: "
                   "visavis-runs; '' for none)")
      ->group(group);
  verb->add_option("--price", server.setting.price,
                   "What this machine costs per hour; the page counts with it")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  verb->add_option("--currency", server.setting.currency, "Of the price (default: CNY)")
      ->group(group);
  verb->add_option("--lang", server.setting.lang, "Language of reports")
      ->check(CLI::IsMember({"en", "zh"}))
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
