"""The two demo models as transformers modules: full layouts of Qwen3-VL and LLaVA-1.5, small numbers.

Every input width of a text layer is a multiple of 128, so that 4-bit weights in groups of 128 fit.
"""

import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

TEXT_WIDTH = 256
TEXT_LAYERS = 4
TEXT_FFN = 768
CONTEXT = 4096


def qwen3_vl_config(chat):
    """Text 256 x 4 (4 query heads, 2 key-value heads, tied); vision 160 x 6 with two deepstack taps."""
    token = chat.token
    text = {
        "hidden_size": TEXT_WIDTH,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 64,
        "intermediate_size": TEXT_FFN,
        "vocab_size": padded(chat.vocabulary),
        "max_position_embeddings": CONTEXT,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "pad_token_id": None,
        "bos_token_id": token("<|endoftext|>"),
        "eos_token_id": token("<|im_end|>"),
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [12, 10, 10],
            "mrope_interleaved": True,
        },
    }
    vision = {
        "depth": 6,
        "hidden_size": 160,
        "intermediate_size": 640,
        "num_heads": 5,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": TEXT_WIDTH,
        "deepstack_visual_indexes": [1, 3],
        "num_position_embeddings": 400,
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
    )


def llava_config(chat):
    """CLIP 192 x 6 at 224 / 14; LLaMA 256 x 4."""
    vision = CLIPVisionConfig(
        hidden_size=192,
        intermediate_size=640,
        num_hidden_layers=6,
        num_attention_heads=6,
        image_size=224,
        patch_size=14,
        projection_dim=TEXT_WIDTH,
    )
    text = LlamaConfig(
        hidden_size=TEXT_WIDTH,
        num_hidden_layers=TEXT_LAYERS,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=64,
        intermediate_size=TEXT_FFN,
        vocab_size=padded(chat.vocabulary),
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=chat.pad_id,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    return LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=chat.image_id,
        vision_feature_layer=-2,
        vision_feature_select_strategy="default",
        image_seq_length=256,
    )


def padded(entries):
    """The embedding's rows: entries rounded up to a multiple of 128."""
    return -(-entries // 128) * 128


def build(chat):
    """A freshly initialised model of the chat's family, float32."""
    if chat.family.name == "qwen3-vl":
        model_class, config = Qwen3VLForConditionalGeneration, qwen3_vl_config(chat)
    else:
        model_class, config = LlavaForConditionalGeneration, llava_config(chat)
    return model_class._from_config(config, attn_implementation="sdpa", dtype=torch.float32)
