// Any bytes as a JSONL file of questions: questions, or an Error.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "harness/suites/items.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    visavis::suites::parse_items(std::string(reinterpret_cast<const char*>(data), size), "fuzz",
                                 "folder");
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
