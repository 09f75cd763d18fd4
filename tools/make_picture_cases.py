#!/usr/bin/env python3
"""Writes the small pictures of tests/data/picture and what Pillow decodes them to.

Usage: make_picture_cases.py FOLDER

Every picture is named after what it exercises. cases.json holds, for each, the size and the SHA-256
of the RGB bytes that Pillow's exif_transpose + convert("RGB") gives.
"""
import hashlib
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

WIDTH, HEIGHT = 37, 23


def scene(channels, seed=1):
    """A smooth gradient with a few sharp blocks, so that codecs have something to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    planes = [(x * (5 + c) + y * (9 - 2 * c)) % 256 for c in range(channels)]
    picture = np.stack(planes, -1).astype(np.uint8)
    for _ in range(4):
        top, left = int(rng.integers(0, HEIGHT - 8)), int(rng.integers(0, WIDTH - 8))
        picture[top:top + 8, left:left + 8] = rng.integers(0, 256, channels)
    return picture


def exif_with_orientation(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return exif.tobytes()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(color_type, depth, rows, palette=None, transparency=None, interlaced=False, extra=()):
    """A PNG written by hand, for the kinds that Pillow does not write. rows: packed bytes a row."""
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, color_type, 0, 0,
                                      int(interlaced)))
    if palette is not None:
        out += chunk(b"PLTE", palette)
    if transparency is not None:
        out += chunk(b"tRNS", transparency)
    if not interlaced:
        body = b"".join(b"\0" + row for row in rows)
    else:
        # Adam7 on whole bytes a pixel only.
        pixel = len(rows[0]) // WIDTH
        body = b""
        for top, left, down, right in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4),
                                       (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
            for y in range(top, HEIGHT, down):
                line = b"".join(rows[y][x * pixel:(x + 1) * pixel]
                                for x in range(left, WIDTH, right))
                if line:
                    body += b"\0" + line
    out += chunk(b"IDAT", zlib.compress(body))
    for kind, data in extra:
        out += chunk(kind, data)
    return out + chunk(b"IEND", b"")


def packed(values, depth):
    """Rows of `depth`-bit values as PNG packs them."""
    rows = []
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return rows


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def make_cases():
    cases = {}
    rgb, grey = Image.fromarray(scene(3)), Image.fromarray(scene(1)[..., 0])
    rgba = Image.fromarray(scene(4), "RGBA")
    cmyk = Image.fromarray(scene(4), "CMYK")
    for sampling in (0, 1, 2):
        cases[f"jpeg_subsampling_{sampling}.jpg"] = saved(rgb, "JPEG", subsampling=sampling)
    cases["jpeg_progressive.jpg"] = saved(rgb, "JPEG", progressive=True, quality=60)
    cases["jpeg_grey.jpg"] = saved(grey, "JPEG")
    cases["jpeg_cmyk.jpg"] = saved(cmyk, "JPEG")
    # Adobe transform 2 says that the same four components are YCCK.
    ycck = cases["jpeg_cmyk.jpg"]
    at = ycck.index(b"Adobe")
    cases["jpeg_ycck.jpg"] = ycck[:at + 11] + b"\x02" + ycck[at + 12:]
    for orientation in range(1, 9):
        cases[f"exif_{orientation}.jpg"] = saved(rgb, "JPEG",
                                                 exif=exif_with_orientation(orientation))
    cases["exif_6.png"] = saved(rgb, "PNG", exif=exif_with_orientation(6))
    cases["exif_8.webp"] = saved(rgb, "WEBP", exif=exif_with_orientation(8))
    cases["exif_after_pixels.png"] = png(2, 8, [r.tobytes() for r in scene(3)],
                                         extra=[(b"eXIf", exif_with_orientation(5)[6:])])
    xmp = b'XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation="3"/>'
    cases["xmp_3.png"] = png(2, 8, [r.tobytes() for r in scene(3)], extra=[(b"iTXt", xmp)])

    for depth in (1, 2, 4, 8):
        values = scene(1)[..., 0] >> (8 - depth)
        cases[f"png_grey_{depth}.png"] = png(0, depth, packed(values, depth))
        entries = 2 ** depth
        palette = np.random.default_rng(depth).integers(0, 256, entries * 3, np.uint8).tobytes()
        cases[f"png_palette_{depth}.png"] = png(3, depth, packed(values, depth), palette,
                                                bytes(range(entries)))
    cases["png_palette_short.png"] = png(3, 8, packed(scene(1)[..., 0], 8),
                                         bytes(range(30)))
    wide = (scene(1)[..., 0].astype(np.uint16) * 3)
    cases["png_grey_16.png"] = png(0, 16, [r.astype(">u2").tobytes() for r in wide])
    for name, color, channels in (("grey_alpha", 4, 2), ("rgb", 2, 3), ("rgba", 6, 4)):
        rows = [r.tobytes() for r in scene(channels)]
        cases[f"png_{name}_8.png"] = png(color, 8, rows)
        cases[f"png_{name}_8_interlaced.png"] = png(color, 8, rows, interlaced=True)
        deep = scene(channels).astype(np.uint16) * 257 - 77
        rows = [r.astype(">u2").tobytes() for r in deep]
        cases[f"png_{name}_16.png"] = png(color, 16, rows)
    cases["png_grey_8_interlaced.png"] = png(0, 8, [r.tobytes() for r in scene(1)],
                                             interlaced=True)
    cases["png_palette_8_interlaced.png"] = png(
        3, 8, packed(scene(1)[..., 0], 8), bytes(range(255, -1, -1)) * 3, interlaced=True)
    cases["png_rgb_transparent.png"] = png(2, 8, [r.tobytes() for r in scene(3)],
                                           transparency=struct.pack(">HHH", 1, 2, 3))
    cases["webp_lossy.webp"] = saved(rgb, "WEBP", quality=70)
    cases["webp_lossless.webp"] = saved(rgb, "WEBP", lossless=True)
    cases["webp_alpha.webp"] = saved(rgba, "WEBP", quality=70)
    cases["webp_alpha_lossless.webp"] = saved(rgba, "WEBP", lossless=True, exact=True)
    cases["webp_animated.webp"] = saved(rgb, "WEBP", save_all=True,
                                        append_images=[Image.fromarray(scene(3, 9))])
    cases["one_pixel.png"] = saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")
    return cases


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, data in sorted(make_cases().items()):
        (folder / name).write_bytes(data)
        image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        expected[name] = {"width": image.width, "height": image.height,
                          "rgb_sha256": hashlib.sha256(image.tobytes()).hexdigest()}
    text = json.dumps({"pillow": Image.__version__, "cases": expected}, indent=1)
    (folder / "cases.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
