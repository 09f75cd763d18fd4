#include "cli/verbs.h"

namespace visavis::cli {

void add_compare(CLI::App& app, int& exit_code);
void add_kernels(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_pixels(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_score(CLI::App& app, int& exit_code);
void add_tokenize(CLI::App& app, int& exit_code);

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {
      {"compare", &add_compare},
      {"run", &add_run},
      {"score", &add_score},
      {"kernels", &add_kernels},
      {"models", &add_models},
      {"pixels", &add_pixels},
      {"tokenize", &add_tokenize},
  };
  return table;
}

}  // namespace visavis::cli
