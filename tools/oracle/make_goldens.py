"""Writes the goldens that the C++ tests compare with. Needs transformers 5.17, torch 2.11, torchvision, Pillow.

    python3 tools/oracle/make_goldens.py OUT [--only pictures|tokenizers|templates|models|families|video]

Each topic ends as OUT/<topic>.tar.xz, families as an archive each. One that fails prints its traceback, leaves its archive as it was, and the others
still run; the exit status is then 1.
README.md beside this file describes every file that is written.
"""

import argparse
import importlib
import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path

from common import write_json
from pack import FAMILIES, TOPICS, pack


def versions():
    """The versions that the goldens belong to."""
    found = {"python": platform.python_version()}
    for name in ("transformers", "tokenizers", "torch", "torchvision", "PIL", "numpy", "jinja2", "safetensors"):
        found[name] = getattr(importlib.import_module(name), "__version__", "unknown")
    from PIL import features

    found |= {f"PIL.{codec}": features.version(codec) for codec in ("jpg", "zlib", "webp")}
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", choices=(*TOPICS, "families", "video"), action="append")
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(8)
    torch.set_grad_enabled(False)
    torch.use_deterministic_algorithms(True, warn_only=True)
    write_json(arguments.out / "versions.json", versions())
    failed = []
    for topic in arguments.only or (*TOPICS, "families", "video"):
        start = time.time()
        try:
            with tempfile.TemporaryDirectory() as folder:
                module = importlib.import_module(f"topic_{topic}")
                module.write(Path(folder))
                if topic == "families":
                    for family in FAMILIES:
                        pack(Path(folder) / family, "models", arguments.out, family)
                elif topic == "video":
                    pack(Path(folder), "models", arguments.out, topic)
                else:
                    pack(Path(folder), topic, arguments.out)
        except Exception:
            traceback.print_exc()
            failed.append(topic)
        print(f"{topic}: {time.time() - start:.1f} s", flush=True)
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
