// What is asked of a model: turns of texts, pictures and videos, and how to sample the answer.
// Plain data; the same Request goes to a native model and to a remote endpoint.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace visavis::chat {

enum class Role { system, user, assistant };

struct Text {
  std::string text;  // UTF-8; special-token strings inside it are never matched
};

/// A picture as its encoded file bytes (JPEG, PNG or WebP), shared because items reuse pictures.
struct Image {
  std::shared_ptr<const std::string> bytes;
  std::string name;  // how errors call it, e.g. the file's path
};

/// A video: a file's bytes (MP4, WebM, ...), or frames that were taken at a steady rate.
struct Video {
  std::shared_ptr<const std::string> bytes = {};  // of a video file; null: there are frames
  std::vector<Image> frames = {};
  double frame_rate = 24;  // frames a second of `frames`; a file tells its own
  std::string name;        // how errors call it, e.g. the path of the file or folder
};

using Part = std::variant<Text, Image, Video>;

struct Turn {
  Role role = Role::user;
  std::vector<Part> parts = {};
};

/// Applied in this order: repetition penalty (prompt and output ids), temperature, top-k, top-p.
struct Sampling {
  float temperature = 0;  // 0 = greedy
  int top_k = 0;          // 0 = off
  float top_p = 1;
  float repetition_penalty = 1;
  uint64_t seed = 0;
  std::string seed_label = {};  // with the seed names the random stream, e.g. "item 17 sample 0"
};

struct Request {
  std::vector<Turn> turns = {};
  Sampling sampling = {};
  int max_tokens = 256;
  std::vector<std::string> stop = {};  // the answer ends before the first of these strings
  bool logprobs = false;               // report the log-probability of each chosen token
  int top_logprobs = 0;                // with logprobs: also of so many likeliest tokens each
  bool plain = false;  // the texts of the turns follow each other as they are: no chat template, no
                       // pictures; the answer goes on with them
  bool exact_length = false;  // max_tokens tokens, whatever would end the answer before
  bool reuse = true;  // may use what was kept of earlier requests and leave its own: pictures'
                      // features and the beginnings of prompts; off for honest times
};

}  // namespace visavis::chat
