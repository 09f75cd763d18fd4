"""The tiny random checkpoints: configurations, weights with spread, and the file layouts that are published.

Every checkpoint is a folder as a repository on a hub holds it. Weights are drawn from a fixed seed, rounded to the
stored type, and saved under the published key prefixes; the oracle then loads the folder like any user would.
"""

import math

import torch

import tiny_tokenizers
from common import write_json, write_rows

QWEN_TEMPLATE = """{%- for m in messages %}{{- '<|im_start|>' + m.role + '
' }}{%- if m.content is string %}{{- m.content }}{%- else %}{%- for c in m.content %}{%- if c.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}{%- elif c.type == 'text' %}{{- c.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>
' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant
' }}{%- endif %}"""
LLAVA_TEMPLATE = """{% for m in messages %}{% if m.role != 'system' %}{{ m.role.upper() + ': ' }}{% endif %}{% for c in m.content if c.type == 'image' %}{{ '<image>
' }}{% endfor %}{% for c in m.content if c.type == 'text' %}{{ c.text + ' ' }}{% endfor %}{% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"""

HALF = [0.5, 0.5, 0.5]
CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
CLIP_STD = [0.26862954, 0.26130258, 0.27577711]
RESCALE = 0.00392156862745098
QWEN_VOCABULARY, LLAVA_VOCABULARY = 384, 448


def qwen_config(text, vision, tied, dtype, **more):
    """config.json of a Qwen3-VL checkpoint; text and vision override small defaults (None removes a key)."""
    text = {"model_type": "qwen3_vl_text", "vocab_size": QWEN_VOCABULARY, "hidden_size": 64, "num_hidden_layers": 3,
            "num_attention_heads": 4, "intermediate_size": 160, "hidden_act": "silu", "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6, "attention_bias": False, "tie_word_embeddings": tied, "attention_dropout": 0.0,
            "bos_token_id": 365, "eos_token_id": 367} | text
    vision = {"model_type": "qwen3_vl", "hidden_act": "gelu_pytorch_tanh", "in_channels": 3, "spatial_merge_size": 2,
              "temporal_patch_size": 2, "out_hidden_size": text["hidden_size"], "initializer_range": 0.02} | vision
    return {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "image_token_id": 370,
            "video_token_id": 371, "vision_start_token_id": 368, "vision_end_token_id": 369, "tie_word_embeddings": tied,
            "text_config": text, "vision_config": vision} | dtype | more


def qwen_processor(patch, size):
    return {"image_processor_type": "Qwen2VLImageProcessor", "do_convert_rgb": True, "do_normalize": True,
            "do_rescale": True, "do_resize": True, "image_mean": HALF, "image_std": HALF, "merge_size": 2,
            "patch_size": patch, "resample": 3, "rescale_factor": RESCALE, "temporal_patch_size": 2} | size


def clip_processor(edge, kind="CLIPImageProcessor", **more):
    return {"image_processor_type": kind, "crop_size": {"height": edge, "width": edge}, "do_center_crop": True,
            "do_convert_rgb": True, "do_normalize": True, "do_rescale": True, "do_resize": True, "image_mean": CLIP_MEAN,
            "image_std": CLIP_STD, "resample": 3, "rescale_factor": RESCALE, "size": {"shortest_edge": edge}} | more


def llava_config(text, vision, dtype, **more):
    """config.json of a LLaVA checkpoint."""
    text = {"model_type": "llama", "vocab_size": LLAVA_VOCABULARY, "hidden_size": 64, "intermediate_size": 160,
            "num_hidden_layers": 2, "num_attention_heads": 4} | text
    vision = {"model_type": "clip_vision_model", "num_hidden_layers": 3, "num_attention_heads": 2, "hidden_size": 32,
              "intermediate_size": 72, "projection_dim": 32} | vision
    return {"architectures": ["LlavaForConditionalGeneration"], "model_type": "llava", "projector_hidden_act": "gelu",
            "text_config": text, "vision_config": vision} | dtype | more


BF16_OLD, F16_OLD, BF16, F16 = ({"torch_dtype": "bfloat16"}, {"torch_dtype": "float16"}, {"dtype": "bfloat16"}, {"dtype": "float16"})

# name -> family, config, stored type, key layout, shards, tokenizer class, image processor, new or old processor files
CHECKPOINTS = {
    "qwen_wide_heads": dict(
        family="qwen", store="bfloat16", shards=1, files="new", tokenizer={"tokenizer_class": "TokenizersBackend"},
        processor=qwen_processor(16, {"size": {"shortest_edge": 4096, "longest_edge": 36864}}),
        config=qwen_config(
            {"num_key_value_heads": 2, "head_dim": 32, "rope_parameters": {"rope_type": "default",
             "rope_theta": 10000.0, "mrope_section": [6, 5, 5], "mrope_interleaved": True}},
            {"model_type": "qwen3_vl_vision", "depth": 4, "hidden_size": 32, "num_heads": 2, "intermediate_size": 72, "patch_size": 16,
             "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1, 3],
             "rope_parameters": {"rope_type": "axial", "rope_theta": 10000.0}}, True, BF16)),
    "qwen_old_spelling": dict(
        family="qwen", store="float16", shards=1, files="old", tokenizer={"tokenizer_class": "Qwen2Tokenizer"},
        processor=qwen_processor(8, {"min_pixels": 1024, "max_pixels": 9216}),
        config=qwen_config(
            {"hidden_size": 48, "num_hidden_layers": 2, "num_key_value_heads": 4, "head_dim": 16, "intermediate_size": 100,
             "attention_bias": True, "rope_theta": 5000000, "rope_scaling": {"rope_type": "default", "mrope_section": [4, 2, 2],
             "mrope_interleaved": True}},
            {"depth": 2, "hidden_size": 40, "num_heads": 2, "intermediate_size": 100, "patch_size": 8,
             "num_position_embeddings": 16, "deepstack_visual_indexes": [1]}, False, F16_OLD)),
    "qwen_sharded": dict(
        family="qwen", store="bfloat16", shards=3, files="old_size", tokenizer={"tokenizer_class": "Qwen2Tokenizer"},
        processor=qwen_processor(14, {"size": {"shortest_edge": 3136, "longest_edge": 28224},
                                     "image_processor_type": "Qwen2VLImageProcessorFast"}),
        config=qwen_config(
            {"hidden_size": 48, "num_hidden_layers": 2, "num_key_value_heads": 1, "head_dim": 40, "rope_theta": 1000000.0, "rope_scaling": {"mrope_section": [10, 6, 4],
             "mrope_interleaved": True, "type": "default"}},
            {"depth": 2, "hidden_size": 72, "num_heads": 1, "intermediate_size": 132, "patch_size": 14,
             "num_position_embeddings": 36, "deepstack_visual_indexes": [0]}, False, BF16_OLD)),
    "qwen_grouped": dict(
        family="qwen", store="bfloat16", shards=2, files="new", tokenizer={},
        processor=qwen_processor(16, {"size": {"shortest_edge": 4096, "longest_edge": 40960}}),
        config=qwen_config(
            {"num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 24, "rms_norm_eps": 1e-5, "intermediate_size": 128,
             "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0, "mrope_section": [4, 4, 4], "mrope_interleaved": True}},
            {"model_type": "qwen3_vl_vision", "depth": 3, "hidden_size": 36, "num_heads": 3, "intermediate_size": 90, "patch_size": 16,
             "num_position_embeddings": 100, "deepstack_visual_indexes": [1, 2]}, True, BF16)),
    "llava_hub": dict(
        family="llava", store="float16", shards=1, files="old", form="old", layout="hub",
        tokenizer={"tokenizer_class": "LlamaTokenizer"},
        processor=clip_processor(56),
        config=llava_config(
            {"max_position_embeddings": 4096, "rms_norm_eps": 1e-5}, {"image_size": 56, "patch_size": 14},
            F16_OLD, ignore_index=-100, image_token_index=440, pad_token_id=441, vision_feature_layer=-2,
            vision_feature_select_strategy="default", image_seq_length=16)),
    "llava_saved": dict(
        family="llava", store="bfloat16", shards=1, files="new", form="metaspace_first", layout="saved",
        tokenizer={"tokenizer_class": "TokenizersBackend"},
        processor=clip_processor(42),
        config=llava_config(
            {"num_hidden_layers": 3, "num_key_value_heads": 2, "head_dim": 32, "rms_norm_eps": 1e-5, "hidden_act": "silu",
             "max_position_embeddings": 4096, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
             "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 441},
            {"image_size": 42, "patch_size": 14, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5},
            BF16, image_token_index=440, multimodal_projector_bias=True, vision_feature_layer=-1,
            vision_feature_select_strategy="full", image_seq_length=10)),
    "llava_pad": dict(
        family="llava", store="bfloat16", shards=3, files="new", form="old", layout="model", tokenizer={"tokenizer_class": "PreTrainedTokenizerFast"},
        processor=clip_processor(48, "LlavaImageProcessor", do_pad=True),
        config=llava_config(
            {"hidden_size": 72, "num_key_value_heads": 1, "num_attention_heads": 3, "attention_bias": True, "rope_theta": 500000.0,
             "rms_norm_eps": 1e-6, "max_position_embeddings": 2048, "hidden_act": "silu", "tie_word_embeddings": False},
            {"image_size": 48, "patch_size": 12, "hidden_size": 40, "intermediate_size": 100, "hidden_act": "quick_gelu"},
            BF16, image_token_index=440, vision_feature_layer=[-2, -3], vision_feature_select_strategy="default",
            image_seq_length=16)),
    "llava_tied": dict(
        family="llava", store="float16", shards=1, files="old_int", form="metaspace_always", layout="model_vision_model",
        tokenizer={"tokenizer_class": "LlamaTokenizerFast", "legacy": False},
        processor=clip_processor(28) | {"crop_size": 28, "size": 28},
        config=llava_config(
            {"num_hidden_layers": 2, "tie_word_embeddings": True}, {"image_size": 28, "patch_size": 7, "num_attention_heads": 4},
            F16, image_token_index=440, tie_word_embeddings=True, multimodal_projector_bias=False, vision_feature_layer=-2,
            vision_feature_select_strategy="default", image_seq_length=16)),
}


def fill(model, seed, tied):
    """Draws every parameter: linears keep unit scale, norms are not trivial, logits get a spread of about 2."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name or "layrnorm" in name:
            noise = 1 + 0.2 * noise if name.endswith("weight") else 0.1 * noise
        elif name.endswith("bias"):
            noise = 0.1 * noise
        elif "lm_head" in name or (tied and "embed_tokens" in name):
            noise = noise * (2.0 / math.sqrt(parameter.shape[-1]))
        elif "embed" in name and "patch" not in name:
            noise = 0.5 * noise
        else:
            fan_in = parameter[0].numel()
            noise = noise * ((1.6 if any(k in name for k in ("q_proj", "k_proj", "qkv")) else 1.0) / math.sqrt(fan_in))
        parameter.copy_(noise)


def published_name(name, layout):
    """The key under which a layout stores a parameter of the transformers 5 module tree."""
    if layout == "model":
        return name
    name = name.replace("vision_tower.vision_model.", "vision_tower.")
    if layout == "model_vision_model":
        return name.replace("vision_tower.", "vision_tower.vision_model.")
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        name = "language_model.model." + name.removeprefix("language_model.")
    elif name.startswith("lm_head."):
        name = "language_model." + name
    elif layout == "hub":
        name = name.replace("vision_tower.", "vision_tower.vision_model.")
    return name


def stored_state(spec, seed):
    """Builds the model of a configuration with drawn weights: {module name: tensor in the stored type}."""
    from transformers import AutoConfig, AutoModelForImageTextToText

    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        write_json(Path(folder) / "config.json", spec["config"])
        config = AutoConfig.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    tied = bool(spec["config"].get("tie_word_embeddings", False))
    fill(model, seed, tied)
    kind = getattr(torch, spec["store"])
    return {name: p.detach().to(kind).contiguous() for name, p in model.named_parameters()}


def save_weights(folder, state, layout, shards):
    """Writes model.safetensors, or shards with their index."""
    from safetensors.torch import save_file

    named = {published_name(name, layout): tensor for name, tensor in sorted(state.items())}
    if shards == 1:
        save_file(named, str(folder / "model.safetensors"), metadata={"format": "pt"})
        return
    total = sum(t.numel() * t.element_size() for t in named.values())
    parts, used = [{} for _ in range(shards)], 0
    for name, tensor in named.items():
        parts[min(used * shards // total, shards - 1)][name] = tensor
        used += tensor.numel() * tensor.element_size()
    where = {}
    for i, part in enumerate(parts):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        save_file(part, str(folder / file), metadata={"format": "pt"})
        where |= dict.fromkeys(part, file)
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where})


def save_texts(folder, spec):
    """Writes the tokenizer, processor, template and generation files in the old or the new form."""
    qwen = spec["family"] == "qwen"
    template = QWEN_TEMPLATE if qwen else LLAVA_TEMPLATE
    processor_class = "Qwen3VLProcessor" if qwen else "LlavaProcessor"
    write_rows(folder / "tokenizer.json", tiny_tokenizers.qwen() if qwen else tiny_tokenizers.llama(spec["form"]))
    tokenizer = tiny_tokenizers.QWEN_CONFIG if qwen else tiny_tokenizers.LLAMA_CONFIG
    write_json(folder / "tokenizer_config.json", tokenizer | {"processor_class": processor_class} | spec["tokenizer"])
    llava_settings = {} if qwen else {
        "image_token": "<image>", "num_additional_image_tokens": 1, "patch_size": spec["config"]["vision_config"]["patch_size"],
        "vision_feature_select_strategy": spec["config"]["vision_feature_select_strategy"]}
    video = {"video_processor_type": "Qwen3VLVideoProcessor", "patch_size": spec["processor"].get("patch_size"),
             "temporal_patch_size": 2, "merge_size": 2, "image_mean": HALF, "image_std": HALF,
             "size": {"shortest_edge": 4096, "longest_edge": 65536}}
    if spec["files"] == "new":
        whole = {"image_processor": spec["processor"], "processor_class": processor_class} | llava_settings
        if qwen:
            whole["video_processor"] = video
        write_json(folder / "processor_config.json", whole)
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    else:
        write_json(folder / "preprocessor_config.json", spec["processor"] | {"processor_class": processor_class})
        write_json(folder / "chat_template.json", {"chat_template": template})
        if qwen:
            write_json(folder / "video_preprocessor_config.json", video)
        else:
            write_json(folder / "processor_config.json", llava_settings | {"processor_class": processor_class})
    generation = ({"bos_token_id": 365, "pad_token_id": 365, "do_sample": True, "eos_token_id": [367, 365],
                   "repetition_penalty": 1.0, "temperature": 0.7, "top_p": 0.8, "top_k": 20} if qwen else
                  {"_from_model_config": True, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 441})
    write_json(folder / "generation_config.json", generation)


def write_checkpoint(folder, name, seed):
    """Writes the whole folder of CHECKPOINTS[name]; returns the parameters as the oracle must find them again."""
    spec = CHECKPOINTS[name]
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "config.json", spec["config"])
    save_texts(folder, spec)
    state = stored_state(spec, seed)
    save_weights(folder, state, spec.get("layout", "model"), spec["shards"])
    return state
