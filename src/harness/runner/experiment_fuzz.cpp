// Any bytes as an experiment file: an experiment, or an Error.
#include <cstdint>
#include <string>

#include "base/error.h"
#include "harness/runner/experiment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    visavis::runner::Experiment experiment = visavis::runner::parse_experiment(
        std::string(reinterpret_cast<const char*>(data), size), "fuzz.yaml", {});
    visavis::runner::label_providers(experiment);
  } catch (const visavis::Error&) {
    return 0;  // refused, as it should be
  }
  return 0;
}
