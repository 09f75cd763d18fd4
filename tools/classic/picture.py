"""Runs the programs that draw: povray, rsvg-convert and cwebp (Debian packages povray, povray-includes, librsvg2-bin,
webp, fonts-noto-cjk)."""

import hashlib
import subprocess
import tempfile
from pathlib import Path

POV = Path(__file__).resolve().parent / "pov"
WEBP_QUALITY = 78

_SETTINGS = """#version 3.7;
global_settings {{
  assumed_gamma 1.0
  max_trace_level 8
  radiosity {{ pretrace_start 0.08 pretrace_end {pretrace} count {count} nearest_count 6 error_bound {error}
              recursion_limit 1 low_error_factor 0.6 gray_threshold 0.2 minimum_reuse 0.015 brightness 1 }}
}}
"""
_QUALITY = {  # name: (radiosity, antialiasing)
    "draft": ({"pretrace": 0.08, "count": 20, "error": 1.2}, ["-A"]),
    "final": ({"pretrace": 0.02, "count": 60, "error": 0.6}, ["+A0.15", "+AM2", "+R3"]),
}


def run(command, **options):
    """Runs a program; what it said is the error if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-3000:]}")


def rasterise(svg, path, width):
    """Draws SVG text as a PNG of that width."""
    run(["rsvg-convert", "-w", str(width), "-o", str(path), "/dev/stdin"], input=svg)


def label_file(svg, folder, width=384):
    """The PNG of a label in `folder`, drawn once."""
    path = Path(folder) / (hashlib.sha256(svg.encode()).hexdigest()[:16] + ".png")
    if not path.exists():
        rasterise(svg, path, width)
    return path


def to_webp(png, path, quality=WEBP_QUALITY):
    run(["cwebp", "-quiet", "-m", "6", "-sharp_yuv", "-q", str(quality), str(png), "-o", str(path)])


def render(scene, path, size, quality="final", scale=1.0):
    """Renders POV-Ray text (without settings) as a WebP of `size` (width, height)."""
    settings, flags = _QUALITY[quality]
    width, height = (round(side * scale) for side in size)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "scene.pov"
        source.write_text(_SETTINGS.format(**settings) + scene, encoding="utf-8")
        png = Path(folder) / "scene.png"
        run(["povray", f"+I{source}", f"+O{png}", f"+W{width}", f"+H{height}", "-D", "-GD", "-GR", "-GS", "+FN8", f"+L{POV}",
             "+WT2", *flags])
        to_webp(png, path)


def vector(*numbers):
    return "<" + ", ".join(f"{number:.3f}" for number in numbers) + ">"


def colour(code):
    """#rrggbb as the vector that the materials of common.inc take."""
    return "S({:.3f}, {:.3f}, {:.3f})".format(*(int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)))
