// Opens models by name. The only implementation that knows engines and endpoints is cli/wiring.cpp;
// the harness and the server receive it as a reference.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chat/chat_model.h"
#include "chat/scorer.h"

namespace visavis::chat {

/// The long command-line options of a model, as they were given ("weights" -> "int4", "ctx" ->
/// "4096"). Unknown keys and bad values are refused by ModelHost::open.
using ModelOptions = std::vector<std::pair<std::string, std::string>>;

class ModelHost {
 public:
  virtual ~ModelHost() = default;
  /// Names that open() knows besides folders and endpoints.
  virtual std::vector<std::string> known() const = 0;
  /// Loads the model or returns the resident one that was opened with the same options.
  /// Throws Error. The reference stays valid until close() or the host's end.
  virtual ChatModel& open(const std::string& model, const ModelOptions& options) = 0;
  /// The model's scorer, or null if it has none (a remote endpoint).
  virtual Scorer* scorer(ChatModel& model) = 0;
  /// Unloads the model and frees its memory; it must have no request in flight.
  virtual void close(ChatModel& model) = 0;
};

}  // namespace visavis::chat
