#include "remote/reply.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace visavis::remote {
namespace {

using base::Json;

constexpr size_t kMostAnswerBytes = size_t{16} << 20;
constexpr std::string_view kThink = "<think>";
constexpr std::string_view kThinkEnd = "</think>";

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t count_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer()
             ? std::max<int64_t>(0, found->get<int64_t>())
             : 0;
}

std::string message_of(const Json& error) {
  if (error.is_string()) return error.get<std::string>();
  if (error.is_object()) {
    if (std::string message = text_of(error, "message"); !message.empty()) return message;
  }
  return base::dump_json(error);
}

size_t after_white_space(std::string_view text, size_t from) {
  const size_t found = text.find_first_not_of(" \t\r\n", from);
  return found == std::string_view::npos ? text.size() : found;
}

}  // namespace

ReplyReader::ReplyReader() : events_([this](std::string_view data) { read_event(data, now_); }) {}

std::string ReplyReader::feed_events(std::string_view bytes, double seconds) {
  now_ = seconds;
  events_.feed(bytes);
  return std::exchange(shown_, {});
}

void ReplyReader::read_object(std::string_view bytes) {
  const Json body = base::parse_json(bytes, "the endpoint's reply");
  require(body.is_object(), "the endpoint's reply is no JSON object");
  if (const auto error = body.find("error"); error != body.end() && !error->is_null())
    fail("the endpoint reports: ", message_of(*error));
  const auto choices = body.find("choices");
  require(choices != body.end() && choices->is_array() && !choices->empty(),
          "the endpoint's reply has no 'choices'");
  read_choice(choices->front(), "message");
  read_usage(body);
  finished_ = true;
}

void ReplyReader::read_event(std::string_view data, double seconds) {
  if (base::trim(data) == "[DONE]") {
    done_ = true;
    return;
  }
  const Json body = base::parse_json(data, "an event of the endpoint");
  require(body.is_object(), "an event of the endpoint is no JSON object");
  if (const auto error = body.find("error"); error != body.end() && !error->is_null())
    fail("the endpoint reports: ", message_of(*error));
  read_usage(body);
  const auto choices = body.find("choices");
  require(choices != body.end() || body.contains("usage"),
          "an event of the endpoint has neither 'choices' nor 'usage'");
  if (choices == body.end() || !choices->is_array() || choices->empty()) return;
  const size_t before = shown_.size();
  read_choice(choices->front(), "delta");
  if (shown_.size() > before) completion_.token_times.push_back(seconds);
}

void ReplyReader::read_choice(const Json& choice, const char* part) {
  require(choice.is_object(), "the endpoint's 'choices' holds no JSON object");
  if (const auto message = choice.find(part); message != choice.end() && message->is_object()) {
    for (const char* key : {"reasoning_content", "reasoning"}) {
      thinking_ += text_of(*message, key);
      if (message->contains(key)) break;  // some send both, with the same text
    }
    append_visible(text_of(*message, "content"));
    require(content_.size() + thinking_.size() < kMostAnswerBytes,
            "the endpoint's answer has more than ", kMostAnswerBytes, " bytes");
  }
  const std::string reason = text_of(choice, "finish_reason");
  if (reason.empty()) return;
  finished_ = true;
  completion_.finish = reason == "length" ? chat::Finish::length : chat::Finish::stop;
  if (reason != "length" && reason != "stop")
    completion_.notes.push_back("the endpoint ended the answer because of '" + reason + "'");
}

// What stands in <think>...</think> at the beginning is no part of the answer.
void ReplyReader::append_visible(std::string_view text) {
  if (text.empty()) return;
  const size_t old = content_.size();
  content_ += text;
  if (decided_) {
    shown_ += std::string_view(content_).substr(std::max(old, visible_from_));
    return;
  }
  const std::string_view all = content_;
  const size_t begin = after_white_space(all, 0);
  const std::string_view head = all.substr(begin);
  if (head.size() < kThink.size() && kThink.starts_with(head)) return;  // not known yet
  if (head.starts_with(kThink)) {
    const size_t end = all.find(kThinkEnd, begin);
    if (end == std::string_view::npos) return;
    const size_t from = after_white_space(all, end + kThinkEnd.size());
    if (from == all.size()) return;  // white space before the answer may go on
    thinking_ += all.substr(begin + kThink.size(), end - begin - kThink.size());
    visible_from_ = from;
  }
  decided_ = true;
  shown_ += all.substr(visible_from_);
}

void ReplyReader::read_usage(const Json& body) {
  const auto usage = body.find("usage");
  if (usage == body.end() || !usage->is_object()) return;
  has_usage_ = true;
  completion_.usage.prompt_tokens = count_of(*usage, "prompt_tokens");
  completion_.usage.completion_tokens = count_of(*usage, "completion_tokens");
  const auto details = usage->find("prompt_tokens_details");
  if (details == usage->end() || !details->is_object()) return;
  completion_.usage.image_tokens = count_of(*details, "image_tokens");
  completion_.usage.cached_prompt_tokens = count_of(*details, "cached_tokens");
}

chat::Completion ReplyReader::take() {
  events_.finish();
  const std::string_view all = content_;
  if (!decided_) {
    const size_t begin = after_white_space(all, 0);
    if (all.substr(begin).starts_with(kThink)) {
      const size_t end = all.find(kThinkEnd, begin);
      thinking_ += all.substr(begin + kThink.size(),
                              end == std::string_view::npos ? end : end - begin - kThink.size());
      visible_from_ = all.size();
    }
  } else if (const size_t end = all.find(kThinkEnd, visible_from_);
             end != std::string_view::npos && visible_from_ == 0 && thinking_.empty()) {
    // The template had opened the thinking already, so that only its end came.
    thinking_ = all.substr(0, end);
    visible_from_ = after_white_space(all, end + kThinkEnd.size());
  }
  completion_.text = base::valid_utf8(all.substr(visible_from_));
  completion_.thinking = base::valid_utf8(base::trim(thinking_));
  if (!has_usage_)
    completion_.notes.emplace_back("the endpoint did not say how many tokens it took");
  return std::move(completion_);
}

}  // namespace visavis::remote
