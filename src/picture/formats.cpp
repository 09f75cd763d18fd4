// The table of picture formats: how each is recognised, and its decoder or none (refused by name).
#include <algorithm>

#include "base/error.h"
#include "picture/codecs.h"
#include "picture/decode.h"
#include "picture/orient.h"

namespace visavis::picture {
namespace {

using namespace std::string_view_literals;

bool is_riff_webp(std::string_view bytes) {
  return bytes.size() >= 12 && bytes.starts_with("RIFF"sv) && bytes.substr(8, 4) == "WEBP"sv;
}

/// ISO media files name their brand in a first box called "ftyp".
bool has_brand(std::string_view bytes, std::initializer_list<std::string_view> brands) {
  if (bytes.size() < 12 || bytes.substr(4, 4) != "ftyp"sv) return false;
  const std::string_view brand = bytes.substr(8, 4);
  return std::find(brands.begin(), brands.end(), brand) != brands.end();
}

bool is_svg(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, 1024);
  const size_t first = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF"sv);
  return first != std::string_view::npos && head[first] == '<' &&
         head.find("<svg"sv) != std::string_view::npos;
}

struct FormatRow {
  const char* name;
  bool (*matches)(std::string_view bytes);
  Stored (*decode)(std::string_view bytes, std::string_view name);  // null: refused
};

using View = std::string_view;
constexpr FormatRow kFormats[] = {
    {"JPEG", [](View b) { return b.starts_with("\xFF\xD8\xFF"sv); }, &decode_jpeg},
    {"PNG", [](View b) { return b.starts_with("\x89PNG\r\n\x1A\n"sv); }, &decode_png},
    {"WebP", &is_riff_webp, &decode_webp},
    {"GIF", [](View b) { return b.starts_with("GIF8"sv); }, nullptr},
    {"AVIF",
     [](View b) {
       return has_brand(b, {"avif"sv, "avis"sv});
     },
     nullptr},
    {"HEIC",
     [](View b) {
       return has_brand(
           b, {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv});
     },
     nullptr},
    {"TIFF", [](View b) { return b.starts_with("II*\0"sv) || b.starts_with("MM\0*"sv); }, nullptr},
    {"SVG", &is_svg, nullptr},
    {"PDF", [](View b) { return b.starts_with("%PDF-"sv); }, nullptr},
    {"JPEG 2000",
     [](View b) {
       return b.starts_with("\0\0\0\x0CjP  "sv) || b.starts_with("\xFF\x4F\xFF\x51"sv);
     },
     nullptr},
    {"JPEG XL",
     [](View b) { return b.starts_with("\xFF\x0A"sv) || b.starts_with("\0\0\0\x0CJXL "sv); },
     nullptr},
    {"ICO", [](View b) { return b.starts_with("\0\0\1\0"sv); }, nullptr},
    {"PSD", [](View b) { return b.starts_with("8BPS"sv); }, nullptr},
    {"BMP", [](View b) { return b.starts_with("BM"sv); }, nullptr},
};

}  // namespace

void check_size(int64_t width, int64_t height, std::string_view name) {
  require(width >= 1 && height >= 1, "picture '", name, "': found ", width, " x ", height,
          " pixels, wanted at least 1 x 1");
  require(width <= kMaxSide && height <= kMaxSide, "picture '", name, "': found ", width, " x ",
          height, " pixels, wanted sides of at most ", kMaxSide);
  require(height <= kMaxPixels / width, "picture '", name, "': found ", width, " x ", height,
          " pixels, wanted at most ", kMaxPixels, " in all");
}

Decoded decode(std::string_view bytes, std::string_view name) {
  require(!bytes.empty(), "picture '", name, "': found an empty file, wanted JPEG, PNG or WebP");
  const auto* row = std::find_if(std::begin(kFormats), std::end(kFormats),
                                 [&](const FormatRow& format) { return format.matches(bytes); });
  require(row != std::end(kFormats), "picture '", name,
          "': found no known picture format, wanted JPEG, PNG or WebP");
  require(row->decode != nullptr, "picture '", name, "': found ", row->name,
          ", wanted JPEG, PNG or WebP");
  Stored stored = row->decode(bytes, name);
  Decoded decoded{.image = {},
                  .format = row->name,
                  .file_width = stored.image.width,
                  .file_height = stored.image.height,
                  .orientation = stored.orientation,
                  .note = std::move(stored.note)};
  if (decoded.orientation != 1) {
    if (!decoded.note.empty()) decoded.note += ", ";
    decoded.note += "EXIF orientation " + std::to_string(decoded.orientation) + " applied";
  }
  decoded.image = apply_orientation(std::move(stored.image), decoded.orientation);
  return decoded;
}

}  // namespace visavis::picture
