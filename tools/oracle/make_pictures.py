"""Writes the small test pictures into tests/data/pictures: every pixel format, orientation and odd size
that the decoders must read. Run it by hand (Pillow and numpy); the files are committed, because encoders
differ between versions while the goldens must belong to exactly these bytes.

    python3 tools/oracle/make_pictures.py tests/data/pictures
"""

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def scene(width, height, seed):
    """A smooth gradient with discs, stripes and a little noise: [height, width, 3] uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    u, v = x / max(width - 1, 1), y / max(height - 1, 1)
    out = np.stack([40 + 180 * u, 30 + 190 * v, 210 - 150 * u * v], axis=-1)
    for _ in range(5):
        cx, cy, r = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.1, 0.3) * min(width, height) + 1
        out[(x - cx) ** 2 + (y - cy) ** 2 < r * r] = rng.uniform(0, 255, 3)
    out[((x + 2 * y).astype(int) // 5) % 4 == 0] *= 0.75
    out += rng.normal(0, 3, out.shape)
    return np.clip(np.round(out), 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(path, samples, depth, colour, extra=(), interlaced=False):
    """Writes a PNG byte by byte, for the forms that Pillow does not write. samples: [h, w] or [h, w, c]."""
    samples = samples[:, :, None] if samples.ndim == 2 else samples
    height, width, _ = samples.shape

    def rows(part):
        out = bytearray()
        for row in part:
            flat = row.reshape(-1)
            if depth == 16:
                packed = flat.astype(">u2").tobytes()
            elif depth == 8:
                packed = flat.astype(np.uint8).tobytes()
            else:
                bits = (flat[:, None].astype(np.uint8) >> np.arange(depth - 1, -1, -1)) & 1
                packed = np.packbits(bits.reshape(-1)).tobytes()
            out += b"\0" + packed
        return bytes(out)

    if interlaced:
        parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        body = b"".join(rows(p) for p in parts if p.size)
    else:
        body = rows(samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(k, d) for k, d in extra)
                     + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def write_png(out):
    rgb = scene(37, 53, 1)
    Image.fromarray(rgb).save(out / "rgb_37x53.png")
    raw_png(out / "rgb_interlaced_37x53.png", rgb, 8, 2, interlaced=True)
    raw_png(out / "rgb_colour_key_19x23.png", scene(19, 23, 2), 8, 2, [(b"tRNS", struct.pack(">HHH", 40, 30, 210))])
    grey = np.asarray(Image.fromarray(scene(53, 37, 3)).convert("L"))
    Image.fromarray(grey).save(out / "grey_53x37.png")
    raw_png(out / "grey_key_21x20.png", grey[:20, :21], 8, 0, [(b"tRNS", struct.pack(">H", int(grey[3, 3])))])
    alpha = (np.add.outer(np.arange(31), np.arange(40)) * 255 // 69).astype(np.uint8)
    raw_png(out / "grey_alpha_40x31.png", np.dstack([grey[:31, :40], alpha]), 8, 4)
    raw_png(out / "grey1_33x9.png", (grey[:9, :33] > 120).astype(np.uint8), 1, 0)
    raw_png(out / "grey2_33x9.png", grey[:9, :33] >> 6, 2, 0)
    raw_png(out / "grey4_33x9.png", grey[:9, :33] >> 4, 4, 0)
    wide = grey[:29, :33].astype(np.uint16)
    wide = wide * 257 + np.arange(33, dtype=np.uint16)[None, :] * 3
    raw_png(out / "grey16_33x29.png", wide, 16, 0)
    raw_png(out / "grey16_dark_33x29.png", wide // 300, 16, 0)
    alpha16 = alpha[:29, :33].astype(np.uint16) * 257
    raw_png(out / "grey_alpha16_33x29.png", np.dstack([wide, alpha16]), 16, 4)
    rgb16 = scene(28, 26, 4).astype(np.uint16) * 257 - 77
    raw_png(out / "rgb16_28x26.png", rgb16, 16, 2)
    raw_png(out / "rgba16_28x26.png", np.dstack([rgb16, alpha[:26, :28].astype(np.uint16) * 257]), 16, 6)
    rgba = np.dstack([scene(61, 47, 5), np.resize(alpha, (47, 61))])
    Image.fromarray(rgba).save(out / "rgba_61x47.png")
    palette = Image.fromarray(scene(48, 40, 6)).quantize(17)
    palette.save(out / "palette_48x40.png")
    palette.save(out / "palette_transparent_48x40.png", transparency=bytes([0, 60, 120, 255]))
    palette.save(out / "palette_index_48x40.png", transparency=3)
    Image.fromarray(scene(30, 22, 7)).quantize(2).save(out / "palette1_30x22.png", bits=1)
    Image.fromarray(scene(24, 17, 8)).save(out / "exif6_24x17.png", exif=exif(6))
    for width, height in ((1, 1), (1, 9), (9, 2), (300, 7), (7, 300), (640, 101), (420, 2), (64, 64), (97, 160)):
        Image.fromarray(scene(width, height, width * 1000 + height)).save(out / f"size_{width}x{height}.png", optimize=True)


def write_jpeg(out):
    picture = Image.fromarray(scene(83, 59, 11))
    for name, subsampling in (("444", 0), ("422", 1), ("420", 2)):
        picture.save(out / f"baseline{name}_83x59.jpg", quality=85, subsampling=subsampling)
    picture.save(out / "progressive_83x59.jpg", quality=80, progressive=True)
    picture.save(out / "optimised_q30_83x59.jpg", quality=30, optimize=True)
    picture.convert("L").save(out / "grey_83x59.jpg", quality=85)
    picture.convert("CMYK").save(out / "cmyk_83x59.jpg", quality=85)
    turned = Image.fromarray(scene(24, 17, 12))
    for orientation in range(1, 9):
        turned.save(out / f"exif{orientation}_24x17.jpg", quality=90, exif=exif(orientation))
    Image.fromarray(scene(17, 1, 13)).save(out / "row_17x1.jpg", quality=90)
    Image.fromarray(scene(320, 240, 14)).save(out / "photo_320x240.jpg", quality=75)


def write_webp(out):
    picture = Image.fromarray(scene(57, 45, 21))
    picture.save(out / "lossy_57x45.webp", quality=70)
    picture.save(out / "lossless_57x45.webp", lossless=True)
    alpha = np.resize((np.add.outer(np.arange(45), np.arange(57)) * 255 // 100).astype(np.uint8), (45, 57))
    with_alpha = Image.fromarray(np.dstack([np.asarray(picture), alpha]))
    with_alpha.save(out / "alpha_lossy_57x45.webp", quality=70)
    with_alpha.save(out / "alpha_lossless_57x45.webp", lossless=True, exact=True)
    frames = [Image.fromarray(scene(40, 30, seed)) for seed in (22, 23, 24)]
    frames[0].save(out / "animated_40x30.webp", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    Image.fromarray(scene(24, 17, 25)).save(out / "exif8_24x17.webp", lossless=True, exif=exif(8))


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    write_png(out)
    write_jpeg(out)
    write_webp(out)


if __name__ == "__main__":
    main()
