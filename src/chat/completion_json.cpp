#include "chat/completion_json.h"

namespace visavis::chat {
namespace {

// Unknown times (negative) become null.
base::Json seconds(double value) { return value < 0 ? base::Json() : base::Json(value); }

}  // namespace

base::Json timing_json(const Timing& timing, double load_seconds) {
  return {{"load_s", load_seconds},
          {"image_decode_s", seconds(timing.image_decode)},
          {"image_resize_s", seconds(timing.image_resize)},
          {"vision_s", seconds(timing.vision)},
          {"prefill_s", seconds(timing.prefill)},
          {"ttft_s", seconds(timing.ttft)},
          {"ttft_device_s", seconds(timing.ttft_device)},
          {"tpot_s", seconds(timing.tpot)},
          {"e2e_s", seconds(timing.e2e)}};
}

base::Json memory_json(const Memory& memory) {
  return {{"weights_bytes", memory.weights},
          {"vision_bytes", memory.vision},
          {"kv_bytes", memory.kv},
          {"workspace_bytes", memory.workspace},
          {"device_peak_bytes", memory.device_peak},
          {"device_process_bytes", memory.device_process},
          {"device_allocated_bytes", memory.device_allocated},
          {"host_peak_bytes", memory.host_peak}};
}

}  // namespace visavis::chat
