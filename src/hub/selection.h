// Which files of a repository a model needs. By rule, from their names alone: nothing is fetched to
// find out.
#pragma once

#include <string>
#include <vector>

#include "hub/listing.h"

namespace visavis::hub {

/// What a catalogue says of a file. An unknown size or digest is left out, never guessed.
struct KnownFile {
  std::string path;
  int64_t bytes = -1;
  std::string sha256;
};

/// The files that `patterns` name ("*" and "?" as in a shell, "*" also over slashes), in the
/// listing's order. Throws Error for a pattern that names none.
std::vector<RemoteFile> select_named(const Listing& listing,
                                     const std::vector<std::string>& patterns,
                                     const std::string& repository);

/// Settings, tokenizer and licence from the top folder: what the engine reads beside the weights.
std::vector<RemoteFile> select_side_files(const Listing& listing);

/// By rule: settings, tokenizer and licence from the top folder; then the weights: safetensors if
/// there are any, else one GGUF of four bits (Q4_K_M, Q4_K_S, Q4_1, Q4_0: the first that there is)
/// and its mmproj (F16, BF16, Q8_0, F32), else PyTorch's pytorch_model*.bin
/// or, without such, *.bin and *.pth. Throws Error if no
/// weights are found.
std::vector<RemoteFile> select_by_rule(const Listing& listing, const std::string& repository);

/// Holds a listing against what the catalogue knows of its files and fills in what the hub did not
/// say. Throws Error if the two say different things.
void hold_against(std::vector<RemoteFile>& files, const std::vector<KnownFile>& known,
                  const std::string& repository);

}  // namespace visavis::hub
