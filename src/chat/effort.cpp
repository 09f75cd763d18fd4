#include "chat/effort.h"

#include <algorithm>

namespace visavis::chat {

base::Work work_of(const Effort& effort, const Usage& usage, int64_t pictures) {
  base::Work work;
  const auto prompt = static_cast<double>(usage.prompt_tokens);
  // The first token comes with the prompt's last step.
  const auto steps = static_cast<double>(std::max<int64_t>(usage.completion_tokens - 1, 0));
  const int64_t chunks = (usage.prompt_tokens + effort.chunk - 1) / effort.chunk;
  const double context = prompt + (steps + 1) / 2;  // mean over the generated tokens
  work.bytes = static_cast<double>(pictures) * effort.picture_bytes +
               (static_cast<double>(chunks) + steps) * effort.step_bytes +
               steps * context * effort.kv_token_bytes;
  work.bf16_ops = static_cast<double>(usage.image_tokens) * effort.image_token_ops +
                  prompt * effort.token_ops + effort.head_ops;
  (effort.integer ? work.int8_ops : work.f32_ops) = steps * (effort.token_ops + effort.head_ops);
  return work;
}

}  // namespace visavis::chat
