// Any bytes as a TSV file of questions: a suite whose pictures can be asked for, or an Error.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "harness/suites/tsv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const visavis::suites::Suite suite = visavis::suites::parse_tsv(text, "fuzz.tsv");
    for (const visavis::suites::Question& question : suite.questions)
      for (const visavis::suites::Picture& picture : question.images)
        if (picture.length > 0 && picture.offset + picture.length > static_cast<int64_t>(size))
          __builtin_trap();
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
