"""Makes small checkpoints in published quantised formats, and beside each what it stands for.

    python3 tools/formats/make_checkpoints.py MODEL FORMAT OUT

MODEL is one of the demo checkpoints, or a folder with the same names. OUT/packed gets its first text layers in FORMAT, everything else as
it was; OUT/plain the same model with the values of those layers, by readers.py, in float32 safetensors.
Without FORMAT the known ones are listed.
"""
import json
import pathlib
import shutil
import sys

import numpy as np

import compressed_config
import make_gguf
import packers
import pytorch_file
import readers
import store

LAYERS = 2
LINEARS = [f"self_attn.{name}_proj" for name in "qkvo"] + [f"mlp.{name}_proj" for name in ("gate", "up", "down")]


def shuffled(inputs):
    return np.random.default_rng(inputs).permutation(inputs)


def compressed(weights, format_name="pack-quantized", **more):
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None, "output_activations": None}
    return {"quant_method": "compressed-tensors", "format": format_name, "config_groups": {"group_0": group},
            "ignore": ["lm_head"], "quantization_status": "compressed"} | more  # fmt: skip


def int_settings(**settings):
    return {"num_bits": 4, "type": "int", "symmetric": True, "strategy": "group", "group_size": 128} | settings


def fp8_settings(strategy):
    return {"num_bits": 8, "type": "float", "symmetric": True, "strategy": strategy}


# Name: (quantization_config, weight -> parts, parts -> values).
FORMATS = {
    "ct-symmetric": (
        compressed(int_settings()),
        lambda w: packers.pack_quantized(w),
        lambda p: readers.pack_quantized(p, 4),
    ),
    "ct-zero-points": (
        compressed(int_settings(symmetric=False, group_size=32)),
        lambda w: packers.pack_quantized(w, group=32, zero_points=True, scale_type="F16"),
        lambda p: readers.pack_quantized(p, 4),
    ),
    "ct-act-order": (
        compressed(int_settings(actorder="group")),
        lambda w: packers.pack_quantized(w, act_order=shuffled(w.shape[1])),
        lambda p: readers.pack_quantized(p, 4),
    ),
    "ct-w8a16": (
        compressed(int_settings(num_bits=8, strategy="channel", group_size=None)),
        lambda w: packers.pack_quantized(w, bits=8, group=0),
        lambda p: readers.pack_quantized(p, 8),
    ),
    "ct-int8": (
        compressed(int_settings(num_bits=8, strategy="channel", group_size=None), "int-quantized"),
        packers.int_quantized,
        readers.int_quantized,
    ),
    "ct-fp8": (
        compressed(fp8_settings("channel"), "float-quantized"),
        lambda w: packers.fp8(w, per_row=True),
        readers.fp8,
    ),
    "fp8-tensor": (
        {"quant_method": "fp8", "activation_scheme": "dynamic"},
        packers.fp8,
        readers.fp8,
    ),
    "fp8-block": (
        {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [96, 128]},
        lambda w: packers.fp8(w, blocks=[96, 128], name="weight_scale_inv"),
        lambda p: readers.fp8(p, blocks=[96, 128]),
    ),
    "awq": (
        {"quant_method": "awq", "bits": 4, "group_size": 64, "version": "gemm", "zero_point": True},
        lambda w: packers.awq(w, group=64),
        readers.awq,
    ),
    "gptq": (
        {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": False, "sym": True},
        lambda w: packers.gptq(w, symmetric_zero=True),
        lambda p: readers.gptq(p, 4, 1),
    ),
    "gptq-zero-points": (
        {"quant_method": "gptq", "bits": 4, "group_size": 32, "desc_act": False, "sym": False},
        lambda w: packers.gptq(w, group=32),
        lambda p: readers.gptq(p, 4, 1),
    ),
    "gptq-act-order": (
        {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": True, "sym": False},
        lambda w: packers.gptq(w, act_order=shuffled(w.shape[1])),
        lambda p: readers.gptq(p, 4, 1),
    ),
    "gptq-v2": (
        {"quant_method": "gptq", "bits": 4, "group_size": 64, "desc_act": False, "sym": False,
         "checkpoint_format": "gptq_v2"},
        lambda w: packers.gptq(w, group=64, version=2),
        lambda p: readers.gptq(p, 4, 2),
    ),
    "gptq-int8": (
        {"quant_method": "gptq", "bits": 8, "group_size": 128, "desc_act": False, "sym": True},
        lambda w: packers.gptq(w, bits=8, symmetric_zero=True),
        lambda p: readers.gptq(p, 8, 1),
    ),
    "nf4": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
        packers.nf4,
        readers.bitsandbytes,
    ),
    "nf4-double": (
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4",
         "bnb_4bit_use_double_quant": True},
        lambda w: packers.nf4(w, double=True),
        readers.bitsandbytes,
    ),
}  # fmt: skip


def shortened(model):
    """config.json and tensors of the model with its first text layers only."""
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = LAYERS
    kept = {}
    for name, tensor in store.read_folder(model).items():
        number = name.split("language_model.")[-1].split("layers.")[-1].split(".")[0]
        if "language_model" in name and ".layers." in name and int(number) >= LAYERS:
            continue
        kept[name] = tensor
    return config, kept


def dequantised(folder, out):
    """What a compressed-tensors checkpoint of packed integers stands for, in float32."""
    packed = store.read_folder(folder)
    config = json.loads((folder / "config.json").read_text())
    endings = ("weight_packed", "weight_scale", "weight_shape", "weight_zero_point")
    plain = {}
    for name, tensor in packed.items():
        module, _, ending = name.rpartition(".")
        if ending == "weight_packed":
            arguments = compressed_config.scheme_of(config["quantization_config"], module)
            parts = {end: packed[f"{module}.{end}"] for end in endings if f"{module}.{end}" in packed}
            assert ("weight_zero_point" in parts) == (not arguments["symmetric"]), name
            values = readers.pack_quantized(parts, arguments["num_bits"])
            plain[f"{module}.weight"] = ("F32", values.astype(np.float32))
        elif ending not in endings:
            plain[name] = tensor
    copy_side_files(folder, out, {key: value for key, value in config.items() if key != "quantization_config"})
    store.write(out / "model.safetensors", plain)


def copy_side_files(model, folder, config):
    folder.mkdir(parents=True)
    for path in model.iterdir():
        if path.suffix in (".json", ".jinja") and path.name not in ("config.json", "model.safetensors.index.json"):
            shutil.copy(path, folder)
    (folder / "config.json").write_text(json.dumps(config, indent=1))


def make_pytorch(model, out):
    """The model as it is, in two shards of PyTorch's files."""
    config, tensors = shortened(model)
    copy_side_files(model, out / "plain", config)
    store.write(out / "plain" / "model.safetensors", tensors)
    copy_side_files(model, out / "packed", config)
    names = list(tensors)
    weight_map = {}
    for shard in range(2):
        file = f"pytorch_model-{shard + 1:05}-of-00002.bin"
        part = {name: tensors[name] for name in names[shard::2]}
        pytorch_file.write(out / "packed" / file, part, folder=file.removesuffix(".bin"), shared_storage=shard == 1)
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": weight_map}
    (out / "packed" / "pytorch_model.bin.index.json").write_text(json.dumps(index))


def make(model, format_name, out):
    if format_name == "pytorch":
        make_pytorch(model, out)
        return
    if format_name in make_gguf.RECIPES:
        make_gguf.make(model, format_name, out, shortened, copy_side_files)
        return
    settings, pack, unpack = FORMATS[format_name]
    config, tensors = shortened(model)
    packed, plain = {}, {}
    for name, tensor in tensors.items():
        prefix = name.removesuffix("weight")
        if "language_model" in name and any(prefix.endswith(f"{linear}.") for linear in LINEARS):
            parts = pack(store.floats(tensor))
            packed |= {prefix + ending: part for ending, part in parts.items()}
            plain[name] = ("F32", unpack(parts).astype(np.float32))
        else:
            packed[name] = plain[name] = tensor
    copy_side_files(model, out / "plain", config)
    store.write(out / "plain" / "model.safetensors", plain)
    copy_side_files(model, out / "packed", config | {"quantization_config": settings})
    store.write(out / "packed" / "model.safetensors", packed)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print(__doc__ + "\nformats: " + " ".join([*FORMATS, *make_gguf.RECIPES, "pytorch"]))
        sys.exit(2)
    make(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
