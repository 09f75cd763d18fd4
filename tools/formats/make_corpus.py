"""Writes the seeds of the formats' fuzz targets: python3 tools/formats/make_corpus.py tests/fuzz"""
import json
import pathlib
import struct
import sys
import tempfile

import numpy as np

import authors_llava
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
    make_adopted(out / "adopt_fuzz")


def make_adopted(out):
    """Pairs of GGUF headers (the text model's length in front), and a SentencePiece model."""
    out.mkdir(parents=True, exist_ok=True)
    text = {"attention.head_count": 4, "embedding_length": 64, "block_count": 2, "feed_forward_length": 96,
            "context_length": 512, "attention.layer_norm_rms_epsilon": 1e-6}  # fmt: skip
    tower = {"block_count": 2, "embedding_length": 32, "feed_forward_length": 64, "attention.head_count": 2,
             "patch_size": 16, "projection_dim": 64, "image_size": 32, "attention.layer_norm_epsilon": 1e-5,
             "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}  # fmt: skip
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(4)), "a", "b", "ab", "\u2581ab"]
    types = [2, 3, 3, 6, 6, 6, 6, 1, 1, 1, 1]
    special = ["<|endoftext|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"]
    llama = {"model": "llama", "tokens": pieces, "token_type": types, "scores": [float(-i) for i in range(11)],
             "bos_token_id": 1, "eos_token_id": 2, "unknown_token_id": 0}  # fmt: skip
    qwen = {"model": "gpt2", "pre": "qwen2", "tokens": ["a", "b", "ab", *special], "merges": ["a b"],
            "token_type": [1] * 3 + [3] * 5, "eos_token_id": 4}  # fmt: skip
    one = np.ones((1, 4), np.float32)
    tensor = ("F32", (1, 4), gguf.encode(one, "F32"))
    for kind, projector, tokenizer, more in [
        ("llama", "mlp", llama, {}),
        ("qwen3vl", "qwen3vl_merger", qwen, {"rope.dimension_sections": [12, 10, 10, 0]}),
    ]:
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / name for name in ("text", "tower")]
            metadata = {"general.architecture": kind}
            metadata |= {f"{kind}.{key}": value for key, value in (text | more).items()}
            metadata |= {f"tokenizer.ggml.{key}": value for key, value in tokenizer.items()}
            gguf.write(files[0], metadata, {"token_embd.weight": tensor})
            metadata = {"general.architecture": "clip", "clip.projector_type": projector}
            metadata |= {f"clip.vision.{key}": value for key, value in tower.items()}
            gguf.write(files[1], metadata, {"v.position_embd.weight": tensor})
            parts = [file.read_bytes() for file in files]
            (out / kind).write_bytes(struct.pack("<I", len(parts[0])) + b"".join(parts))
    (out / "sentencepiece").write_bytes(authors_llava.sentencepiece_model(pieces, types))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print(__doc__)
        sys.exit(2)
    main(pathlib.Path(sys.argv[1]))
