// Where names become answerers: the only ModelHost. A folder or a catalogue name is loaded into
// this process; a URL is an endpoint elsewhere.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chat/model_host.h"
#include "cli/devices.h"
#include "engine/generate/local_model.h"

namespace visavis::cli {

/// Receives one line for people, e.g. the memory plan of a model that is being loaded.
using Log = std::function<void(const std::string&)>;

struct HostOptions {
  /// Packed weights are written while questions are answered, which makes those slower; otherwise
  /// before open() returns, after the loading has been timed.
  bool writes_behind = false;
  /// Scores can tell what layers compute (chat::ScoreRequest::layer_rows).
  bool shows_layers = false;
};

std::unique_ptr<chat::ModelHost> make_model_host(Log log, const HostOptions& options = {});

/// The folder of a MODEL argument (a folder, or a catalogue name that is present on this machine).
/// Throws Error, naming what is known.
std::filesystem::path model_folder(const std::string& model);

/// Options in words to options of the engine. Keys may use '-' or '_'. Throws Error for unknown
/// keys (listing the known ones) and bad values. "device" and "threads" are the host's own and are
/// checked here too.
generate::LocalModelOptions local_options(const std::string& model,
                                          const chat::ModelOptions& options);

/// What no option says and the device decides: the layout of codes, the rows of a prompt's step.
void suit_device(const Place& place, generate::LocalModelOptions& options);

}  // namespace visavis::cli
