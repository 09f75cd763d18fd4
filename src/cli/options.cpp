#include "cli/options.h"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "base/files.h"
#include "harness/suites/pictures.h"
#include "picture/decode.h"

namespace visavis::cli {
namespace {

struct ModelOption {
  const char* flag;
  const char* key;
  const char* help;
};

constexpr ModelOption kModelOptions[] = {
    {"--device", "device", "auto, cpu or cuda[:N]"},
    {"--vram-budget", "vram_budget",
     "Most memory that this process may use on the card (15GB, 14.5GiB; default: what is free)"},
    {"--weights", "weights", "auto (= int4), f32, bf16, f16, int8 or int4"},
    {"--vision-weights", "vision_weights", "f32, bf16, f16 or int8 for the vision encoder"},
    {"--activations", "activations",
     "rounded (default: to int8 for int4 and int8 weights, to bf16 for bf16) or f32"},
    {"--kv", "kv", "f32, f16 or int8 for the KV cache (default: f32 with f32 weights, else f16)"},
    {"--max-batch-size", "max_batch_size", "Sequences answered at once (default 1)"},
    {"--ctx", "ctx", "Longest prompt and answer together, in tokens (default 4096)"},
    {"--max-pixels", "max_pixels", "Upper limit of a picture's area (models with any size)"},
    {"--max-video-pixels", "max_video_pixels",
     "Upper limit of a video's area, all frames that are taken together"},
    {"--image-mode", "image_mode", "crop or pad (models with pictures of one size)"},
    {"--threads", "threads", "CPU threads; 0: one per CPU"},
    {"--vision-cache", "vision_cache",
     "MB kept for the features of pictures seen before (default: one prompt's, at most 256; none "
     "on a card)"},
    {"--cache-dir", "cache_dir",
     "Where packed weights are kept for the next start (default ~/.cache/visavis); 'beside': in "
     "the checkpoint's folder"},
};

constexpr ModelOption kEndpointOptions[] = {
    {"--api-key-env", "api_key_env", "Environment variable that holds the endpoint's key"},
    {"--parallel", "parallel", "Requests at once (default 1)"},
    {"--timeout", "timeout", "Seconds that one attempt may take (default 300)"},
    {"--retries", "retries", "Attempts after the first one (default 5)"},
    {"--requests-per-minute", "requests_per_minute", "Limit kept (default: none)"},
    {"--tokens-per-minute", "tokens_per_minute", "Limit kept (default: none)"},
    {"--price-prompt", "price_prompt", "Price of a million prompt tokens"},
    {"--price-completion", "price_completion", "Price of a million answer tokens"},
};

struct ModelSwitch {
  const char* flag;
  const char* key;
  const char* value;
  const char* help;
};

constexpr ModelSwitch kModelSwitches[] = {
    {"--no-vision-cache", "vision_cache", "off", "Encode every picture, seen before or not"},
    {"--no-prefix-cache", "prefix_cache", "off",
     "Compute every prompt from its beginning, seen before or not"},
    {"--no-cache", "cache", "off", "Neither read nor write packed weights"},
    {"--cache", "cache", "on", "Keep packed weights of small models (below 64 MiB), too"},
    {"--load-in-4bit", "weights", "int4", "The same as --weights int4"},
};

}  // namespace

void add_model_options(CLI::App& verb, chat::ModelOptions& options) {
  const auto set = [&options](const char* key) {
    return [&options, key](const std::string& value) { options.emplace_back(key, value); };
  };
  for (const ModelOption& row : kModelOptions) {
    verb.add_option_function<std::string>(row.flag, set(row.key), row.help)->group("Model");
  }
  for (const ModelOption& row : kEndpointOptions) {
    verb.add_option_function<std::string>(row.flag, set(row.key), row.help)
        ->group("Endpoint (MODEL is http(s)://HOST/v1#NAME)");
  }
  for (const ModelSwitch& row : kModelSwitches) {
    verb.add_flag_callback(
            row.flag, [&options, &row] { options.emplace_back(row.key, row.value); }, row.help)
        ->group("Model");
  }
}

void add_answer_options(CLI::App& verb, AnswerOptions& options) {
  const char* group = "Answer";
  chat::Sampling& sampling = options.sampling;
  verb.add_option("--temperature", sampling.temperature, "0 = greedy (default)")->group(group);
  verb.add_option("--top-k", sampling.top_k, "Keep the K likeliest tokens; 0 = off")->group(group);
  verb.add_option("--top-p", sampling.top_p, "Keep the likeliest tokens up to this probability")
      ->group(group);
  verb.add_option("--repetition-penalty", sampling.repetition_penalty, "1 = off")->group(group);
  verb.add_option("--seed", sampling.seed, "Of the random choice")->group(group);
  verb.add_option("--max-tokens", options.max_tokens, "Longest answer (default 256)")->group(group);
  verb.add_option("--stop", options.stop, "End before this text; give it again for more")
      ->allow_extra_args(false)
      ->group(group);
  verb.add_option("--system", options.system, "A system turn put in front")->group(group);
}

chat::Image read_image(const std::string& path) {
  return {
      .bytes = std::make_shared<const std::string>(base::read_file(path, picture::kMaxFileBytes)),
      .name = path};
}

void add_video_options(CLI::App& verb, VideoOptions& options) {
  verb.add_option("--video", options.paths,
                  "A video file, or a folder of its frames as pictures; give it again for more "
                  "(Qwen3-VL)")
      ->allow_extra_args(false);
  verb.add_option("--frame-rate", options.frame_rate,
                  "Frames a second of folders given as --video (default 24)")
      ->check(CLI::Range(0.001, 1000.0));
}

chat::Video read_video(const std::string& path, double frame_rate) {
  return suites::load_video(path, path, frame_rate);
}

chat::Turn user_turn(const std::vector<std::string>& images, const VideoOptions& videos,
                     const std::string& text) {
  chat::Turn turn;
  for (const std::string& path : images) turn.parts.emplace_back(read_image(path));
  for (const std::string& path : videos.paths)
    turn.parts.emplace_back(read_video(path, videos.frame_rate));
  if (!text.empty()) turn.parts.emplace_back(chat::Text{text});
  return turn;
}

std::string text_or_stdin(const std::string& text) {
  if (text != "-") return text;
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

}  // namespace visavis::cli
