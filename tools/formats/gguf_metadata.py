"""The metadata that llama.cpp's converter writes into GGUF files, from a hub checkpoint's small files.

Written from the format's description (docs/gguf.md there) and the keys of published files.
"""
import json

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


def read(folder, name):
    path = folder / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def token_list(folder, rows):
    """Tokens by id and their types; ids up to `rows` that the tokenizer lacks are padding."""
    tokenizer = read(folder, "tokenizer.json")
    tokens = [f"[PAD{i}]" for i in range(rows)]
    types = [UNUSED] * rows
    unknown = tokenizer["model"].get("unk_token")
    for token, at in tokenizer["model"]["vocab"].items():
        tokens[at] = token
        types[at] = BYTE if token.startswith("<0x") and len(token) == 6 and unknown else NORMAL
    for added in tokenizer["added_tokens"]:
        if added["id"] < rows:
            tokens[added["id"]] = added["content"]
            types[added["id"]] = CONTROL if added["special"] else USER_DEFINED
    if unknown in tokens:
        types[tokens.index(unknown)] = UNKNOWN
    return tokenizer, tokens, types


def tokenizer_metadata(folder, rows):
    tokenizer, tokens, types = token_list(folder, rows)
    settings = read(folder, "tokenizer_config.json")
    out = {"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types}
    if tokenizer["model"].get("byte_fallback"):
        out["tokenizer.ggml.model"] = "llama"
        out["tokenizer.ggml.pre"] = "default"
        out["tokenizer.ggml.scores"] = [float(-i) for i in range(rows)]
        out["tokenizer.ggml.add_bos_token"] = True
    else:
        out["tokenizer.ggml.model"] = "gpt2"
        out["tokenizer.ggml.pre"] = "qwen2"
        merges = tokenizer["model"]["merges"]
        out["tokenizer.ggml.merges"] = [m if isinstance(m, str) else " ".join(m) for m in merges]
        out["tokenizer.ggml.add_bos_token"] = False
    for key, name in [("bos", "bos_token"), ("eos", "eos_token"), ("unknown", "unk_token"), ("padding", "pad_token")]:
        if settings.get(name) in tokens:
            out[f"tokenizer.ggml.{key}_token_id"] = tokens.index(settings[name])
    template = folder / "chat_template.jinja"
    if template.exists() and not tokenizer["model"].get("byte_fallback"):
        out["tokenizer.chat_template"] = template.read_text(encoding="utf-8")
    return out


def head_size(text):
    return text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"]


def text_metadata(folder, config, rows):
    """For the file of the text model, whose embedding table has so many rows."""
    text = config["text_config"]
    kind = "llama" if config["model_type"] == "llava" else "qwen3vl"
    older = {"rope_theta": text.get("rope_theta", 1e4)} | (text.get("rope_scaling") or {})
    rope = text.get("rope_parameters") or older
    head = head_size(text)
    out = {
        "general.architecture": kind,
        f"{kind}.context_length": text["max_position_embeddings"],
        f"{kind}.embedding_length": text["hidden_size"],
        f"{kind}.block_count": text["num_hidden_layers"],
        f"{kind}.feed_forward_length": text["intermediate_size"],
        f"{kind}.attention.head_count": text["num_attention_heads"],
        f"{kind}.attention.head_count_kv": text["num_key_value_heads"],
        f"{kind}.attention.key_length": head,
        f"{kind}.attention.value_length": head,
        f"{kind}.attention.layer_norm_rms_epsilon": float(text["rms_norm_eps"]),
        f"{kind}.rope.freq_base": float(rope["rope_theta"]),
        f"{kind}.rope.dimension_count": head,
    }
    if kind == "qwen3vl":
        out["qwen3vl.rope.dimension_sections"] = [*rope["mrope_section"], 0]
        out["qwen3vl.n_deepstack_layers"] = len(config["vision_config"]["deepstack_visual_indexes"])
    return out | tokenizer_metadata(folder, rows)


def tower_metadata(folder, config):
    """For the mmproj file."""
    vision = config["vision_config"]
    pictures = read(folder, "processor_config.json").get("image_processor") or read(folder, "preprocessor_config.json")
    qwen = config["model_type"] != "llava"
    out = {
        "general.architecture": "clip",
        "clip.has_vision_encoder": True,
        "clip.projector_type": "qwen3vl_merger" if qwen else "mlp",
        "clip.use_gelu": qwen,
        "clip.vision.embedding_length": vision["hidden_size"],
        "clip.vision.feed_forward_length": vision["intermediate_size"],
        "clip.vision.block_count": vision["depth" if qwen else "num_hidden_layers"],
        "clip.vision.attention.head_count": vision["num_heads" if qwen else "num_attention_heads"],
        "clip.vision.attention.layer_norm_epsilon": 1e-6 if qwen else float(vision.get("layer_norm_eps", 1e-5)),
        "clip.vision.patch_size": vision["patch_size"],
        "clip.vision.projection_dim": config["text_config"]["hidden_size"],
        "clip.vision.image_mean": [float(v) for v in pictures["image_mean"]],
        "clip.vision.image_std": [float(v) for v in pictures["image_std"]],
    }
    if qwen:
        out["clip.vision.image_size"] = round(vision["num_position_embeddings"] ** 0.5) * vision["patch_size"]
        out["clip.vision.spatial_merge_size"] = vision["spatial_merge_size"]
        taps = vision["deepstack_visual_indexes"]
        out["clip.vision.is_deepstack_layers"] = [i in taps for i in range(vision["depth"])]
    else:
        out["clip.vision.image_size"] = vision["image_size"]
    return out
