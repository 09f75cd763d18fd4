#include "cli/verbs.h"

namespace visavis::cli {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {};
  return table;
}

}  // namespace visavis::cli
