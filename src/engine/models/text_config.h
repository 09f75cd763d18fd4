// The text half of a configuration, the same struct for every decoder that nn::DecoderLayer can
// run. A family fills in its own defaults first.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/checkpoint/config_reader.h"
#include "engine/ops/ops.h"

namespace visavis::models {

struct TextConfig {
  int64_t vocabulary = 32000;
  int64_t hidden = 4096;
  int64_t ffn = 11008;
  int64_t layers = 32;
  int64_t heads = 32;
  int64_t kv_heads = 0;  // 0: as many as heads
  int64_t head_dim = 0;  // 0: hidden / heads
  int64_t max_positions = 2048;
  float rms_eps = 1e-6f;
  double rope_theta = 10000;
  std::array<int64_t, 3> mrope_section = {24, 20, 20};  // read only by families that have it
  bool mrope_interleaved = true;                        // the form that the family has
  bool attention_bias = false;                          // on q, k, v and o
  bool qkv_bias = false;                                // on q, k and v alone
  bool mlp_bias = false;
  bool tied_embeddings = false;
};

/// Reads `text_config` over the family's defaults. Old (`rope_theta`, `rope_scaling`) and new
/// (`rope_parameters`) spellings. Refuses unknown rope types and activations by name.
TextConfig read_text_config(const checkpoint::ConfigReader& reader, TextConfig defaults);

/// The activation under `key`, by its name in transformers. Throws Error, naming the known ones.
ops::Activation read_activation(const checkpoint::ConfigReader& reader, const char* key,
                                const char* absent);

/// Throws Error unless the text under `key` is one of the `known` names.
std::string read_name(const checkpoint::ConfigReader& reader, const char* key, const char* absent,
                      const std::vector<std::string>& known);

/// The integer list under `key` (one integer counts as a list), or `absent`.
std::vector<int64_t> ints_or(const checkpoint::ConfigReader& reader, const char* key,
                             std::vector<int64_t> absent, int64_t least, int64_t most);

}  // namespace visavis::models
