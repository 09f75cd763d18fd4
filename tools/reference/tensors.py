"""safetensors files and archives of goldens, by hand: plain torch has no reader."""

import json
import struct
import sys
import tarfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools/oracle"))  # common, conversations, pack: plain Python and numpy

KINDS = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int32: "I32", torch.uint8: "U8"}


def save(path, tensors):
    """Writes a dict of tensors as one safetensors file."""
    header, parts, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in sorted(tensors.items()):
        tensor = tensor.contiguous()
        flat = tensor.view(torch.int16) if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
        data = flat.numpy().tobytes()
        header[name] = {"dtype": KINDS[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(data)]}
        parts.append(data)
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))


def oracle_file(archive, name):
    """The text of a file in tests/data/goldens/<archive>.tar.xz."""
    with tarfile.open(ROOT / f"tests/data/goldens/{archive}.tar.xz") as packed:
        return packed.extractfile(name).read().decode()


def load(data):
    """A dict of float tensors (and int32 ones) from the bytes of a safetensors file."""
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I32": torch.int32, "U8": torch.uint8}
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = (8 + size + at for at in entry["data_offsets"])
        out[name] = torch.frombuffer(bytearray(data[begin:end]), dtype=types[entry["dtype"]]).view(entry["shape"])
    return out


def oracle_bytes(archive, name):
    """The bytes of a file in tests/data/goldens/<archive>.tar.xz."""
    with tarfile.open(ROOT / f"tests/data/goldens/{archive}.tar.xz") as packed:
        return packed.extractfile(name).read()
