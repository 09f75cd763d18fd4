"""Tiny checkpoints of Qwen3-VL for videos: settings of videos in both files, default and other sampling, other patch sizes."""

import pictures

# The part of the published template that shows pictures, videos and texts.
TEMPLATE = """{%- for m in messages %}{{- '<|im_start|>' + m.role + '
' }}{%- if m.content is string %}{{- m.content }}{%- else %}{%- for c in m.content %}{%- if c.type == 'image' %}{{- '<|vision_start|><|image_pad|><|vision_end|>' }}{%- elif c.type == 'video' %}{{- '<|vision_start|><|video_pad|><|vision_end|>' }}{%- elif c.type == 'text' %}{{- c.text }}{%- endif %}{%- endfor %}{%- endif %}{{- '<|im_end|>
' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant
' }}{%- endif %}"""


def config(tied, text, vision, **dtype):
    text = {"model_type": "qwen3_vl_text", "vocab_size": 384, "hidden_act": "silu", "max_position_embeddings": 4096,
            "rms_norm_eps": 1e-6, "attention_bias": False, "tie_word_embeddings": tied, "bos_token_id": 365, "eos_token_id": 367} | text
    vision = {"model_type": "qwen3_vl_vision", "hidden_act": "gelu_pytorch_tanh", "in_channels": 3, "spatial_merge_size": 2,
              "temporal_patch_size": 2, "out_hidden_size": text["hidden_size"]} | vision
    return {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl", "image_token_id": 370,
            "video_token_id": 371, "vision_start_token_id": 368, "vision_end_token_id": 369, "tie_word_embeddings": tied,
            "text_config": text, "vision_config": vision} | dtype


def processor(patch, least, most):
    return {"image_processor_type": "Qwen2VLImageProcessor", "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
            "do_resize": True, "image_mean": list(pictures.HALF), "image_std": list(pictures.HALF), "merge_size": 2, "patch_size": patch,
            "resample": 3, "rescale_factor": 0.00392156862745098, "temporal_patch_size": 2,
            "size": {"shortest_edge": least, "longest_edge": most}}


def videos(patch, least, most, **more):
    return {"video_processor_type": "Qwen3VLVideoProcessor", "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
            "do_resize": True, "do_sample_frames": True, "image_mean": list(pictures.HALF), "image_std": list(pictures.HALF),
            "merge_size": 2, "patch_size": patch, "resample": 3, "rescale_factor": 0.00392156862745098, "temporal_patch_size": 2,
            "size": {"shortest_edge": least, "longest_edge": most}, "return_metadata": False} | more


CHECKPOINTS = {
    # As transformers 5 saves: settings of videos inside processor_config.json, published sampling.
    "video_saved": dict(
        store="bfloat16", files="new", tokenizer={"tokenizer_class": "TokenizersBackend"},
        processor=processor(8, 1024, 4096), video=videos(8, 4096, 16384, fps=2, min_frames=4, max_frames=768),
        config=config(True, {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
                             "head_dim": 24, "intermediate_size": 72,
                             "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 4, 4],
                                                 "mrope_interleaved": True}},
                      {"depth": 2, "hidden_size": 24, "num_heads": 2, "intermediate_size": 40, "patch_size": 8,
                       "num_position_embeddings": 36, "deepstack_visual_indexes": [0, 1]}, dtype="bfloat16")),
    # As on the hub: video_preprocessor_config.json, other sampling, frames enlarged to the least volume.
    "video_published": dict(
        store="float16", files="old", tokenizer={"tokenizer_class": "Qwen2Tokenizer"},
        processor=processor(6, 576, 3600), video=videos(6, 24000, 40000, fps=1, min_frames=2, max_frames=6),
        config=config(False, {"hidden_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
                              "head_dim": 20, "intermediate_size": 64, "rope_theta": 500000,
                              "rope_scaling": {"rope_type": "default", "mrope_section": [4, 3, 3], "mrope_interleaved": True}},
                      {"depth": 2, "hidden_size": 24, "num_heads": 1, "intermediate_size": 36, "patch_size": 6,
                       "num_position_embeddings": 16, "deepstack_visual_indexes": [1]}, torch_dtype="float16")),
}
