// The narrow waist between the engine and the harness: something that answers Requests. A native
// model, a remote endpoint and a test's fake all implement ChatModel. Start reading at complete().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat/completion.h"
#include "chat/effort.h"
#include "chat/request.h"

namespace visavis::chat {

/// Names one submitted request.
using Ticket = uint64_t;

/// Receives one request's answer, on the answerer's thread: some on_text calls, then exactly one
/// on_done. Must return quickly and must not call back into the model, except cancel().
class Sink {
 public:
  virtual ~Sink() = default;
  /// The next visible piece of text: whole UTF-8 characters, never empty.
  virtual void on_text(std::string_view text) = 0;
  virtual void on_done(Outcome outcome) = 0;
};

/// Facts about an answerer that results store. Everything is known once the model is loaded.
struct ModelFacts {
  std::string name;            // as the user called it
  std::string architecture;    // empty if unknown (remote)
  std::string device;          // "cpu (AVX-512, 2 threads)"
  std::string weights;         // "int4", ...
  std::string weights_sha256;  // identifies the checkpoint's content
  int64_t context = 0;         // longest prompt + answer, tokens
  int64_t checkpoint_bytes = 0;
  int64_t parameters = 0;
  double load_seconds = 0;
  Memory memory;  // planned
  bool multi_image_trained = true;
  bool can_reuse = false;   // keeps pictures or prompts that Request::reuse lets it use again
  bool from_cache = false;  // load_seconds is that of packed weights, kept from an earlier load
  Effort effort = {};
  std::string card_bus_id = {};  // of the card that it runs on, as the driver names it
  bool remote = false;           // behind an endpoint: its memory and weights are not known
  int parallel = 1;              // requests that it answers at once without slowing each other down
  double price_prompt = -1;  // of an endpoint, per million tokens in the run's currency; < 0: none
  double price_completion = -1;
  std::string family = {};  // of the model, e.g. "qwen"; empty: its name or architecture tells
};

class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual const ModelFacts& facts() const = 0;
  /// Queues the request and returns at once. The sink must live until its on_done. Thread-safe.
  virtual Ticket submit(Request request, Sink& sink) = 0;
  /// Ends the request early with Finish::cancelled; unknown tickets are ignored. Thread-safe.
  virtual void cancel(Ticket ticket) = 0;
};

/// Submits and waits. `on_text`, if given, sees the pieces as they come.
Outcome complete(ChatModel& model, Request request,
                 const std::function<void(std::string_view)>& on_text = {});

}  // namespace visavis::chat
