"""Packs what make_goldens.py wrote: one archive a topic, which CMake unpacks into the build folder.

    python3 tools/oracle/pack.py FOLDER OUT [TOPIC...]     # FOLDER as unpacked; OUT/<topic>.tar.xz

Equal files give an equal archive.
"""

import lzma
import sys
import tarfile
from pathlib import Path

TOPICS = ("templates", "tokenizers", "pictures", "models")
FAMILIES = ("qwen2_5_vl", "llava_next")  # of tools/reference: an archive each of the topic "models"
# Two-byte alignment: most of what is packed are tensors of 16 and 32 bits.
FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 3, "lp": 1, "pb": 1}]


def _same_for_all(member):
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def pack(folder, topic, out, name=None):
    """Packs FOLDER/<topic>/ and FOLDER/<topic>.* as OUT/<name or topic>.tar.xz."""
    files = sorted([*folder.glob(f"{topic}.*"), *folder.glob(f"{topic}/**/*")])
    files = [path for path in files if path.is_file()]
    if not files:
        raise FileNotFoundError(f"{folder} holds nothing of topic '{topic}'")
    out.mkdir(parents=True, exist_ok=True)
    with lzma.open(out / f"{name or topic}.tar.xz", "wb", filters=FILTERS) as packed:
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            for path in files:
                archive.add(path, path.relative_to(folder).as_posix(), filter=_same_for_all)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    for each in sys.argv[3:] or TOPICS:
        pack(Path(sys.argv[1]), each, Path(sys.argv[2]))
