// RGB pictures to JPEG, PNG or WebP bytes, for reports and uploads.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "picture/rgb_image.h"

namespace visavis::picture {

/// `quality` is 1..100. Throws Error if the encoder refuses the picture (WebP: sides above 16383;
/// JPEG: above 65500).
std::string encode_jpeg(const RgbImage& image, int quality = 85);
std::string encode_webp(const RgbImage& image, int quality = 80);
/// Lossless.
std::string encode_png(const RgbImage& image);

/// The picture shrunk so that its longer side is at most `max_side`, as WebP; a smaller one keeps
/// its size.
std::string thumbnail_webp(const RgbImage& image, int64_t max_side, int quality = 80);

/// "data:image/webp;base64,..." for a page that carries its pictures. `mime` as "image/webp".
std::string data_url(std::string_view bytes, std::string_view mime);

}  // namespace visavis::picture
