#include "remote/body.h"

#include <string_view>

#include "base/error.h"
#include "base/hash.h"
#include "base/rng.h"
#include "picture/encode.h"

namespace visavis::remote {
namespace {

using base::Json;

const char* name_of(chat::Role role) {
  switch (role) {
    case chat::Role::system:
      return "system";
    case chat::Role::user:
      return "user";
    case chat::Role::assistant:
      return "assistant";
  }
  return "user";
}

const char* mime_of(const chat::Image& image) {
  const std::string_view bytes = *image.bytes;
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP")) return "image/webp";
  fail("picture '", image.name, "' is neither JPEG, PNG nor WebP");
}

const char* mime_of(const chat::Video& video) {
  require(video.bytes != nullptr, "video '", video.name,
          "': a folder of frames cannot be sent to an endpoint, wanted a video file");
  const std::string_view bytes = *video.bytes;
  if (bytes.starts_with("\x1A\x45\xDF\xA3")) return "video/webm";
  if (bytes.starts_with("RIFF")) return "video/x-msvideo";
  return "video/mp4";
}

// `show` is what stands for a picture or a video.
template <class Show>
Json messages_json(const chat::Request& request, Show show) {
  Json messages = Json::array();
  for (const chat::Turn& turn : request.turns) {
    Json parts = Json::array();
    std::string text;
    bool has_picture = false;
    for (const chat::Part& part : turn.parts) {
      if (const auto* words = std::get_if<chat::Text>(&part)) {
        text += words->text;
        parts.push_back({{"type", "text"}, {"text", words->text}});
      } else if (const auto* video = std::get_if<chat::Video>(&part)) {
        has_picture = true;
        parts.push_back({{"type", "video_url"}, {"video_url", {{"url", show(*video)}}}});
      } else {
        has_picture = true;
        parts.push_back(
            {{"type", "image_url"}, {"image_url", {{"url", show(std::get<chat::Image>(part))}}}});
      }
    }
    // A plain string where it suffices: not every endpoint takes parts in every role.
    messages.push_back({{"role", name_of(turn.role)},
                        {"content", has_picture ? std::move(parts) : Json(std::move(text))}});
  }
  return messages;
}

// One number for (seed, label) that fits the endpoints' integers.
int64_t seed_number(const chat::Sampling& sampling) {
  constexpr int kBits = 31;
  return static_cast<int64_t>(base::Rng(sampling.seed, sampling.seed_label).next() >> (64 - kBits));
}

}  // namespace

Body make_body(const Endpoint& endpoint, const chat::Request& request) {
  require(!request.logprobs, "log-probabilities are not to be had from an endpoint");
  const chat::Sampling& sampling = request.sampling;
  Json body = {{"model", endpoint.name},
               {"messages", messages_json(request,
                                          [](const auto& shown) {
                                            return picture::data_url(*shown.bytes, mime_of(shown));
                                          })},
               {endpoint.max_tokens_field, request.max_tokens},
               {"temperature", sampling.temperature}};
  // What stands at its neutral value is left out: some endpoints refuse fields beyond OpenAI's.
  if (sampling.top_p != 1) body["top_p"] = sampling.top_p;
  if (sampling.top_k > 0) body["top_k"] = sampling.top_k;
  if (sampling.repetition_penalty != 1) body["repetition_penalty"] = sampling.repetition_penalty;
  if (sampling.temperature > 0) body["seed"] = seed_number(sampling);
  if (!request.stop.empty()) body["stop"] = request.stop;
  if (endpoint.stream) {
    body["stream"] = true;
    body["stream_options"] = {{"include_usage", true}};
  }
  for (const auto& [key, value] : endpoint.extra_body.items()) {
    if (value.is_null())
      body.erase(key);
    else
      body[key] = value;
  }
  const Json named = messages_json(
      request, [](const auto& shown) { return "sha256:" + base::sha256_hex(*shown.bytes); });
  return {base::dump_json(body), base::sha256_hex(base::dump_json(named))};
}

}  // namespace visavis::remote
