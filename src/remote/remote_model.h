// A model behind an OpenAI-compatible endpoint as a ChatModel: several requests at once, attempts
// repeated with growing waits, limits kept. Start reading at RemoteModel::attempt().
#pragma once

#include <memory>

#include "base/clock.h"
#include "chat/chat_model.h"
#include "remote/endpoint.h"

namespace visavis::remote {

/// Times are those of the attempt that succeeded (with the making of its body); waiting for a slot,
/// failed attempts and pauses are told in the notes. `token_times` are those of the pieces that the
/// endpoint sent, which may hold several tokens each. If a connection breaks after text was handed
/// to a sink and another attempt begins, the sink sees a line break and then the text of that
/// attempt from its start; the Completion holds one answer either way.
class RemoteModel : public chat::ChatModel {
 public:
  /// With Endpoint::probe asks for the list of models first, and throws Error if nobody answers,
  /// the key is refused, or the model is not in the list. `clock` must outlive the model.
  RemoteModel(std::string name, Endpoint endpoint, const base::Clock& clock);
  RemoteModel(const RemoteModel&) = delete;
  RemoteModel& operator=(const RemoteModel&) = delete;
  /// Cancels what is under way.
  ~RemoteModel() override;

  const chat::ModelFacts& facts() const override;
  chat::Ticket submit(chat::Request request, chat::Sink& sink) override;
  void cancel(chat::Ticket ticket) override;

 private:
  class Worker;
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace visavis::remote
