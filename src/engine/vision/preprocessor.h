// How a checkpoint wants its pictures prepared, read from preprocessor_config.json or
// processor_config.json in their old and new spellings. Plain data; prepare.h applies it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "engine/checkpoint/config_reader.h"
#include "picture/resize.h"

namespace visavis::vision {

/// What the vision encoder takes in.
enum class Scheme {
  merged_patches,  // any size that is a multiple of patch x merge; patches in merge order (Qwen-VL)
  centre_crop,     // one fixed size, channel-major (CLIP)
  tiles,           // the whole picture at that size, and tiles of it enlarged (LLaVA-NeXT)
};

/// A size in pixels.
struct Extent {
  int64_t height = 0;
  int64_t width = 0;
};

struct Preprocessor {
  std::string type;  // image_processor_type
  Scheme scheme = Scheme::merged_patches;
  bool do_resize = true;
  bool do_rescale = true;
  bool do_normalize = true;
  double rescale_factor = 1.0 / 255;
  std::array<double, 3> mean{};
  std::array<double, 3> std{};
  picture::Filter filter = picture::Filter::bicubic;

  // Scheme::merged_patches
  int64_t min_pixels = 0;
  int64_t max_pixels = 0;
  int64_t patch_size = 14;
  int64_t merge_size = 2;
  int64_t temporal_copies = 2;  // how often a patch repeats a still picture's values

  // Scheme::centre_crop; tiles: crop_width = crop_height = shortest_edge
  int64_t shortest_edge = 0;  // 0: resize to exactly resize_width x resize_height
  int64_t resize_width = 0;
  int64_t resize_height = 0;
  bool do_center_crop = true;
  int64_t crop_width = 0;
  int64_t crop_height = 0;
  bool pad_to_square = false;  // with the mean colour, before resizing

  // Scheme::tiles
  std::vector<Extent> pinpoints = {};  // sizes that a picture may be enlarged to, in whole tiles

  /// Names everything above, for caches: equal texts prepare every picture alike.
  std::string fingerprint() const;
};

/// What Qwen-VL's published code does and no file of its checkpoints states: every picture at side
/// x side by Pillow's bicubic filter, CLIP's mean and deviation.
Preprocessor stretched_preprocessor(int64_t side);

/// The image processor of a checkpoint folder: the `image_processor` of processor_config.json, else
/// preprocessor_config.json, else stretched to config.json's `visual.image_size`;
/// `image_aspect_ratio: pad` of config.json counts as padding. Throws Error naming file, key, found
/// and wanted.
Preprocessor read_preprocessor(const std::filesystem::path& folder);

/// The same from one parsed document.
Preprocessor parse_preprocessor(const checkpoint::ConfigReader& config);

/// The frames of a video, from its processor's document; size counts the pixels of all frames that
/// are taken. What it does not say is as in Qwen3VLVideoProcessor.
Preprocessor parse_video_frames(const checkpoint::ConfigReader& config);

/// The list of [height, width] under `key`, each a multiple of `tile`; the published one if it is
/// absent. Throws Error.
std::vector<Extent> read_pinpoints(const checkpoint::ConfigReader& config, const char* key,
                                   int64_t tile);

/// What a user may override on the command line.
struct Overrides {
  int64_t max_pixels = 0;        // 0: as the checkpoint says; pictures of a fixed size ignore it
  std::string image_mode;        // "" (as the checkpoint says), "crop" or "pad"; others ignore it
  int64_t max_video_pixels = 0;  // of all frames together; 0: as the checkpoint says
};

/// Throws Error for an unknown mode or for too few pixels for one merged patch.
void apply_overrides(Preprocessor& preprocessor, const Overrides& overrides);

}  // namespace visavis::vision
