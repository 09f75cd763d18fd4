"""A checkpoint of LLaVA in the layout of its authors (liuhaotian/llava-v1.5-7b), made from one in the hub's.

A LLaMA checkpoint with a projector in PyTorch's files, tokenizer.model instead of tokenizer.json, no picture
settings and no token for pictures; the vision tower is a CLIP model in a folder of its own. Written from the
published repositories' file lists and configurations.
"""
import json
import shutil
import struct

import gguf_metadata
import numpy as np
import pytorch_file
import store

TOWER = "clip-vit-large-patch14-336"


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, value):
    """One field of a protocol buffer: a whole number, a real one (32 bits), or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def sentencepiece_model(tokens, types):
    """SentencePiece's file, as of a LLaMA vocabulary: byte pairs, scores by id, no normalising."""
    out = b""
    for at, (token, kind) in enumerate(zip(tokens, types)):
        out += field(1, field(1, token.encode()) + field(2, float(-at)) + field(3, kind))
    trainer = field(3, 2) + field(4, len(tokens)) + field(35, 1) + field(40, 0) + field(41, 1) + field(42, 2)
    normalizer = field(1, b"identity") + field(2, b"") + field(3, 1) + field(4, 0) + field(5, 1)
    return out + field(2, trainer) + field(3, normalizer)


def authors_name(name):
    """Of a tensor that the hub calls `name`; None for the tower's."""
    name = name.removeprefix("model.")
    for layer, part in (("linear_1", "0"), ("linear_2", "2")):
        name = name.replace(f"multi_modal_projector.{layer}", f"model.mm_projector.{part}")
    if name.startswith("vision_tower."):
        return None
    name = name.replace("language_model.lm_head", "lm_head").replace("language_model.model.", "model.")
    return name.replace("language_model.", "model.")


def write_config(model, out, tower, rows):
    config = json.loads((model / "config.json").read_text())
    text = config["text_config"]
    keys = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
            "max_position_embeddings", "rms_norm_eps", "hidden_act")  # fmt: skip
    settings = {key: text[key] for key in keys} | {
        "architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava", "vocab_size": rows,
        "rope_scaling": None, "bos_token_id": 1, "eos_token_id": 2, "tie_word_embeddings": False,
        "image_aspect_ratio": "pad", "mm_hidden_size": config["vision_config"]["hidden_size"],
        "mm_projector_type": "mlp2x_gelu", "mm_resampler_type": None, "mm_use_im_patch_token": False,
        "mm_use_im_start_end": False, "mm_vision_select_feature": "patch",
        "mm_vision_select_layer": config["vision_feature_layer"], "mm_vision_tower": f"openai/{TOWER}",
    }  # fmt: skip
    (out / "config.json").write_text(json.dumps(settings, indent=1))
    (tower / "config.json").write_text(
        json.dumps({"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": 768,
                    "vision_config": config["vision_config"]})  # fmt: skip
    )
    pictures = json.loads((model / "processor_config.json").read_text())["image_processor"]
    pictures = {key: value for key, value in pictures.items() if key != "image_processor_type"}
    pictures["feature_extractor_type"] = "CLIPFeatureExtractor"
    (tower / "preprocessor_config.json").write_text(json.dumps(pictures))


def make(model, out, tower):
    """Writes the two folders from `model`, a folder of ours whose pieces' merges follow their ids."""
    out.mkdir(parents=True)
    tower.mkdir(parents=True)
    tokenizer = json.loads((model / "tokenizer.json").read_text(encoding="utf-8"))
    rows = min(added["id"] for added in tokenizer["added_tokens"] if added["content"] == "<image>")
    _, tokens, types = gguf_metadata.token_list(model, rows)
    (out / "tokenizer.model").write_bytes(sentencepiece_model(tokens, types))
    (out / "tokenizer_config.json").write_text(
        json.dumps({"add_bos_token": True, "add_eos_token": False, "legacy": False, "bos_token": "<s>",
                    "eos_token": "</s>", "unk_token": "<unk>", "tokenizer_class": "LlamaTokenizer"})  # fmt: skip
    )
    shutil.copy(model / "generation_config.json", out)
    write_config(model, out, tower, rows)

    clip = {"logit_scale": ("F32", np.float32(2.6).reshape(())),
            "text_model.final_layer_norm.weight": ("F32", np.ones(8, np.float32)),
            "vision_model.embeddings.position_ids": ("I64", np.arange(5, dtype=np.int64).reshape(1, 5))}  # fmt: skip
    decoder = {}
    for name, (dtype, array) in store.read_folder(model).items():
        own = authors_name(name)
        if own is None:
            clip["vision_model." + name.split("vision_tower.", 1)[1].removeprefix("vision_model.")] = (dtype, array)
            continue
        if own in ("model.embed_tokens.weight", "lm_head.weight"):
            array = array[:rows]
        decoder[own] = (dtype, array)
    weight_map = {}
    for shard in range(2):
        file = f"pytorch_model-{shard + 1:05}-of-00002.bin"
        part = {name: decoder[name] for name in list(decoder)[shard::2]}
        pytorch_file.write(out / file, part, folder=file.removesuffix(".bin"))
        weight_map |= dict.fromkeys(part, file)
    (out / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    # Beside the weights, which hold it, too.
    projector = {name: tensor for name, tensor in decoder.items() if "mm_projector" in name}
    pytorch_file.write(out / "mm_projector.bin", projector)
    pytorch_file.write(tower / "pytorch_model.bin", clip)
