"""Writes the small test videos into tests/data/videos: folders of frames, and files of several codecs and containers. Run it by
hand (numpy, Pillow and the ffmpeg program); the files are committed, because encoders differ between versions.

    /usr/bin/python3 tools/reference/make_videos.py tests/data/videos
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = np.array([[200, 40, 40], [40, 170, 60], [50, 70, 210], [230, 200, 50]])


def frame(width, height, i, of):
    """A disc that wanders from left to right over four plain quarters; a bar below tells the number."""
    y, x = np.mgrid[0:height, 0:width]
    out = COLOURS[(y >= height / 2) * 2 + (x >= width / 2)].copy()
    centre = 8 + (width - 16) * i / max(of - 1, 1)
    out[(x - centre) ** 2 + (y - height / 2) ** 2 < (height / 5) ** 2] = (245, 245, 245)
    out[(y >= height - 4) & (x < width * (i + 1) / of)] = (10, 10, 10)
    return out.astype(np.uint8)


def folder(out, width, height, count):
    out.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(frame(width, height, i, count)).save(out / f"{i:03d}.png", optimize=True)


# name -> frames' size and number, rate, ffmpeg's arguments
FILES = {
    "lossless.mp4": (64, 48, 20, 4, ["-c:v", "libx264rgb", "-qp", "0", "-preset", "veryslow", "-bf", "2"]),
    "h264.mp4": (64, 48, 75, 25, ["-c:v", "libx264", "-crf", "20", "-bf", "3", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]),
    "hevc.mkv": (64, 48, 40, 20, ["-c:v", "libx265", "-crf", "20", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none"]),
    "vp9.webm": (66, 50, 45, 15, ["-c:v", "libvpx-vp9", "-crf", "20", "-b:v", "0", "-pix_fmt", "yuv420p"]),
    "vp8.webm": (53, 37, 30, 10, ["-c:v", "libvpx", "-crf", "10", "-b:v", "200k", "-pix_fmt", "yuv420p"]),
    "av1.mp4": (64, 48, 24, 12, ["-c:v", "libaom-av1", "-crf", "25", "-b:v", "0", "-cpu-used", "4", "-pix_fmt", "yuv420p"]),
    "mpeg4.avi": (64, 48, 30, 10, ["-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-pix_fmt", "yuv420p"]),
    "mpeg2.ts": (64, 48, 25, 25, ["-c:v", "mpeg2video", "-q:v", "4", "-pix_fmt", "yuv420p"]),
    "mjpeg.mov": (64, 48, 8, 8, ["-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", "yuvj420p"]),
    "turns.gif": (64, 48, 12, 5, []),
    # Frames 0 to 9 of 10 a second, then the rest of 2 a second.
    "varying.mkv": (64, 48, 20, 10, ["-vf", "setpts='if(lt(N,10),N,10+(N-10)*5)/10/TB'", "-fps_mode", "vfr",
                                     "-c:v", "libx264", "-crf", "20", "-pix_fmt", "yuv420p"]),
}


def encode(frames, rate, arguments, out):
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-framerate", str(rate), "-i", str(frames / "%03d.png"), *arguments,
                    "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-threads", "1", str(out)], check=True)


def main():
    out = Path(sys.argv[1])
    folder(out / "walk", 64, 48, 20)
    folder(out / "odd", 53, 37, 7)
    for name, (width, height, count, rate, arguments) in FILES.items():
        with tempfile.TemporaryDirectory() as frames:
            folder(Path(frames), width, height, count)
            encode(Path(frames), rate, arguments, out / name)
    # The same pictures, to be shown turned by a quarter.
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(out / "h264.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90",
                    "-fflags", "+bitexact", str(out / "turned.mov")], check=True)
    # With sound beside the pictures.
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", str(out / "mpeg4.avi"), "-f", "lavfi", "-i", "sine=440:duration=3", "-c:v", "copy",
                    "-c:a", "aac", "-b:a", "8k", "-fflags", "+bitexact", str(out / "sound.mp4")], check=True)


if __name__ == "__main__":
    main()
