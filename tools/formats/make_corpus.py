"""Writes the seeds of the formats' fuzz targets: python3 tools/formats/make_corpus.py tests/fuzz"""
import json
import pathlib
import sys
import tempfile

import numpy as np

import gguf
import make_checkpoints
import packers
import pytorch_file
import store

ROWS, COLUMNS = 8, 128
SMALL = {
    "awq": lambda w: packers.awq(w, group=64),
    "fp8-block": lambda w: packers.fp8(w, blocks=[96, 128], name="weight_scale_inv"),
}


def main(out):
    weight = np.random.default_rng(1).standard_normal((ROWS, COLUMNS)).astype(np.float32) / 8
    for name in ("quant_fuzz", "gguf_fuzz", "pytorch_fuzz"):
        (out / name).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "file"
        for name, (settings, pack, _) in make_checkpoints.FORMATS.items():
            parts = SMALL.get(name, pack)(weight)
            store.write(file, {f"a.{ending}": part for ending, part in parts.items()})
            line = json.dumps(settings, separators=(",", ":")).encode() + b"\n"
            (out / "quant_fuzz" / name).write_bytes(line + file.read_bytes())
        metadata = {"general.architecture": "llama", "general.alignment": 32, "a.flag": True, "a.number": -1,
                    "a.real": 0.5, "a.texts": ["x", "yy"], "a.numbers": [1, 2], "a.reals": [0.5]}  # fmt: skip
        row = np.ones((1, 256), np.float32)
        tensors = {kind: (kind, (1, 256), gguf.encode(row, kind)) for kind in gguf.TYPES}
        gguf.write(out / "gguf_fuzz" / "every_type", metadata, tensors)
        gguf.write(out / "gguf_fuzz" / "nothing", {}, {})
        whole = (out / "gguf_fuzz" / "every_type").read_bytes()
        (out / "gguf_fuzz" / "cut").write_bytes(whole[: len(whole) // 2])
        small = {"a": ("F32", weight[:2, :4]), "b": ("BF16", np.ones((2, 3), np.uint16)),
                 "c": ("F32", weight[0, :3])}  # fmt: skip
        pytorch_file.write(out / "pytorch_fuzz" / "storages", small)
        pytorch_file.write(out / "pytorch_fuzz" / "one_storage", small, shared_storage=True)
        whole = (out / "pytorch_fuzz" / "storages").read_bytes()
        (out / "pytorch_fuzz" / "cut").write_bytes(whole[:-30])
        begin = whole.index(b"\x80\x02")
        (out / "pytorch_fuzz" / "pickle").write_bytes(whole[begin : whole.index(b"PK", begin)])
        (out / "pytorch_fuzz" / "not_allowed").write_bytes(b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.")
        (out / "pytorch_fuzz" / "cycle").write_bytes(b"\x80\x02]q\0h\0a}h\0h\0s0.")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    main(pathlib.Path(sys.argv[1]))
