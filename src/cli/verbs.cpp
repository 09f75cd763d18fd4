#include "cli/verbs.h"

namespace visavis::cli {

void add_bench(CLI::App& app, int& exit_code);
void add_compare(CLI::App& app, int& exit_code);
void add_diff(CLI::App& app, int& exit_code);
void add_fidelity(CLI::App& app, int& exit_code);
void add_grade(CLI::App& app, int& exit_code);
void add_init(CLI::App& app, int& exit_code);
void add_inspect(CLI::App& app, int& exit_code);
void add_judge(CLI::App& app, int& exit_code);
void add_kernels(CLI::App& app, int& exit_code);
void add_models(CLI::App& app, int& exit_code);
void add_pixels(CLI::App& app, int& exit_code);
void add_plan(CLI::App& app, int& exit_code);
void add_pull(CLI::App& app, int& exit_code);
void add_quantize(CLI::App& app, int& exit_code);
void add_report(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_score(CLI::App& app, int& exit_code);
void add_serve(CLI::App& app, int& exit_code);
void add_suites(CLI::App& app, int& exit_code);
void add_tokenize(CLI::App& app, int& exit_code);
void add_verdict(CLI::App& app, int& exit_code);

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {
      // the main job
      {"compare", &add_compare},
      {"serve", &add_serve},
      {"plan", &add_plan},
      {"init", &add_init},
      {"suites", &add_suites},
      {"grade", &add_grade},
      {"judge", &add_judge},
      {"verdict", &add_verdict},
      {"report", &add_report},
      {"diff", &add_diff},
      {"fidelity", &add_fidelity},
      // one model
      {"run", &add_run},
      {"score", &add_score},
      {"bench", &add_bench},
      // what there is
      {"pull", &add_pull},
      {"models", &add_models},
      {"inspect", &add_inspect},
      {"quantize", &add_quantize},
      // what the engine does
      {"kernels", &add_kernels},
      {"tokenize", &add_tokenize},
      {"pixels", &add_pixels},
  };
  return table;
}

}  // namespace visavis::cli
