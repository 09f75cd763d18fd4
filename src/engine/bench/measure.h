// Measures one model part by part - load, prompt, generation, vision - beside the ceilings of the
// machine, which are taken in the same run. `visavis bench` is a thin wrapper around this.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/bench/work.h"
#include "engine/generate/local_model.h"
#include "machine/gpu.h"

namespace visavis::bench {

struct Options {
  std::string name;                                      // of the model, for people
  std::function<std::unique_ptr<ops::Ops>()> make_ops;   // of the device to measure
  std::function<std::vector<ops::KernelRow>()> kernels;  // of that device
  machine::GpuMemorySampler* memory = nullptr;  // of a card, made before its first use; null: none
  generate::LocalModelOptions model;  // its context and batch are set from the lists below
  std::vector<std::string> parts = {"load", "prompt", "generation", "vision"};
  std::vector<int64_t> batches = {1, 2, 4};
  std::vector<int64_t> contexts = {0, 1024, 4096};    // tokens in the cache before the first step
  int64_t prompt = 512;                               // tokens per sequence
  int64_t tokens = 32;                                // generated per sequence in one run
  std::vector<int64_t> pictures = {448, 1024, 2048};  // sides of square pictures, in pixels
  int repeat = 5;                                     // runs of each case
  double seconds = 20;                                // a case begins no further run after this
  double longest = 900;  // a case whose one run would take longer is left out
};

/// One thing that was timed.
struct Case {
  std::string part;
  int64_t batch = 1;
  int64_t context = 0;  // as asked for, less what the model's positions do not allow
  int64_t tokens = 0;   // per sequence and run
  int64_t steps = 1;    // of the text model in one run
  int64_t picture = 0;  // side in pixels
  int64_t patches = 0;
  int64_t image_tokens = 0;
  double prepare_seconds = 0;           // decoding, resizing and cutting of the picture
  Work work = {};                       // of one run
  std::vector<double> seconds = {};     // of every run, in order
  std::vector<double> read_rates = {};  // the read ceiling beside every run, in bytes per second
  // Most resident memory above that of the loaded model; with the workspace and the features, made
  // before, where pictures are encoded in the host's memory. 0 unknown.
  int64_t extra_bytes = 0;
  std::string left_out = {};  // why there is none
};

struct Loading {
  int64_t source_bytes = 0;          // of the checkpoint
  std::vector<double> open_seconds;  // configuration, tokenizer, tensor names
  std::vector<double> load_seconds;  // reading, quantising, placing
  int64_t peak_bytes = 0;            // most resident memory while loading; 0 unknown
};

struct Report {
  Options options;
  std::string device;  // "cpu (avx512_vnni, 2 threads)"
  std::string architecture;
  int64_t parameters = 0;
  models::Limits limits;
  generate::MemoryPlan plan;
  std::vector<ops::KernelRow> kernels;  // of the device
  ops::Ceilings ceilings;               // bytes_per_second is the best of the run
  std::vector<double> read_ceilings;    // all that were measured, in order
  Loading loading;
  std::vector<Case> cases;
  int64_t peak_bytes = 0;  // most resident memory after loading; 0: unknown
  // Of a card, from the beginning of loading, without what the read ceiling holds: the most that
  // was in use beyond what was before, of that what the driver counts as ours (0: it does not
  // tell), and the most that was allocated by our own count.
  int64_t device_peak_bytes = 0;
  int64_t device_process_bytes = 0;
  int64_t device_allocated_bytes = 0;
  bool stopped = false;  // on request, before the end
};

/// Gets a line for people whenever something was measured.
using Log = std::function<void(const std::string& line)>;

/// Opens, loads and measures. `stop` ends it after the step that runs. Throws Error.
Report measure(const Options& options, const std::atomic<bool>& stop, const Log& log);

/// The report with all that follows from it: medians, rates, shares of the ceilings.
base::Json as_json(const Report& report);

/// The middle one; between the two middle ones of an even number. 0 of none.
double median(std::vector<double> values);

/// Names of the parts, in the order in which they are measured.
const std::vector<std::string>& part_names();

}  // namespace visavis::bench
