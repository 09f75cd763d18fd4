// Any bytes as a CSV file of questions, read, and rotated if they can be: a suite, or an Error.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "harness/suites/circular.h"
#include "harness/suites/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    visavis::suites::Suite suite = visavis::suites::parse_csv(text, "fuzz.csv");
    visavis::suites::add_rotations(suite);
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
