// The orientation of a picture from its metadata, read as Pillow reads it. Nothing else of EXIF or
// XMP is looked at; broken metadata means "upright", never an error.
#pragma once

#include <string>
#include <string_view>

namespace visavis::picture {

/// Orientation 1..8 from an EXIF block (a TIFF header and its first directory, with or without the
/// leading "Exif\0\0"); 0 if there is none.
int exif_orientation(std::string_view exif);

/// Orientation 1..8 from an XMP packet's tiff:Orientation; 0 if there is none.
int xmp_orientation(std::string_view xmp);

/// EXIF first, XMP where EXIF has none, else 1 (upright).
int orientation_of(std::string_view exif, std::string_view xmp);

}  // namespace visavis::picture
