// What comes back: exactly one Completion or one Failure per Request.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace visavis::chat {

enum class Finish { stop, length, cancelled };

struct Usage {
  int64_t prompt_tokens = 0;  // image tokens included
  int64_t image_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_prompt_tokens = 0;  // of prompt_tokens: not computed again
  int64_t cached_image_tokens = 0;   // of image_tokens: the vision encoder did not run for them
};

/// Seconds on the monotonic clock. evaluation.md 3.1 defines them; a value that the answerer cannot
/// know (a remote endpoint's split) is negative.
struct Timing {
  double image_decode = -1;
  double image_resize = -1;
  double vision = -1;
  double prefill = -1;
  double ttft = -1;         // picture bytes in memory -> first visible token
  double ttft_device = -1;  // vision + prompt + first token
  double tpot = -1;         // (last - first token) / (n - 1); needs two tokens
  double e2e = -1;
};

/// Bytes. `weights` excludes the vision tower and projector, which are `vision`.
struct Memory {
  int64_t weights = 0;
  int64_t vision = 0;
  int64_t kv = 0;
  int64_t workspace = 0;
  int64_t device_peak = 0;  // measured; on the CPU the same as host_peak. On a card the most that
                            // was in use, less what was before this process used it
  int64_t device_process = 0;  // of device_peak what the driver counts as ours; 0: it does not tell
  int64_t device_allocated = 0;  // the most that we allocated there, by our own count
  int64_t host_peak = 0;         // measured: highest resident size of the process
};

/// A token that could have come, and how likely it was.
struct Likely {
  int64_t id = 0;
  std::string text;
  float logprob = 0;
};

struct Completion {
  std::string text;      // without the thinking part
  std::string thinking;  // what stood before "</think>", if anything
  std::vector<int64_t> token_ids;
  std::vector<float> logprobs;                   // of token_ids, if asked for
  std::vector<std::string> token_texts = {};     // likewise; U+FFFD for a part of a character
  std::vector<std::vector<Likely>> likely = {};  // likewise: the likeliest first
  std::vector<double> token_times;  // seconds since the request was accepted, one per token
  Finish finish = Finish::stop;
  Usage usage;
  Timing timing;
  Memory memory;
  std::string prompt_sha256;       // of the rendered prompt text
  std::vector<std::string> notes;  // e.g. "image 1 resized 1024x683 -> 1024x672"
};

/// Why there is no answer: one line (what, found, wanted).
struct Failure {
  std::string message;
  bool of_request = false;  // it cannot be answered as it is, now or later
};

using Outcome = std::variant<Completion, Failure>;

const char* name_of(Finish finish);

}  // namespace visavis::chat
