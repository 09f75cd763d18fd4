// Any bytes as a suite's YAML: a tree, or an Error.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "harness/suites/suite_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string tests;
  try {
    visavis::suites::parse_suite_yaml(std::string(reinterpret_cast<const char*>(data), size),
                                      "fuzz", tests);
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
