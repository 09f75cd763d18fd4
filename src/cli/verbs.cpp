#include "cli/verbs.h"

namespace visavis::cli {

void add_pixels(CLI::App& app, int& exit_code);

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {
      {"pixels", &add_pixels},
  };
  return table;
}

}  // namespace visavis::cli
