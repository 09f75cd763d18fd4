// Any bytes as a YAML file of tests: a suite, or an Error.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "harness/suites/promptfoo.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    visavis::suites::parse_promptfoo(text, "fuzz.yaml");
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
