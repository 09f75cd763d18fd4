"""Tiny checkpoints of LLaVA-NeXT: LLaMA and Mistral text, both key layouts, the published sizes in small and others."""

import pictures


def processor(edge, sizes, **more):
    return {"image_processor_type": "LlavaNextImageProcessor", "aspect_ratio_setting": "anyres",
            "crop_size": {"height": edge, "width": edge}, "do_center_crop": True, "do_convert_rgb": True, "do_normalize": True,
            "do_pad": True, "do_rescale": True, "do_resize": True, "image_grid_pinpoints": sizes,
            "image_mean": list(pictures.CLIP_MEAN), "image_std": list(pictures.CLIP_STD), "resample": 3,
            "rescale_factor": 0.00392156862745098, "size": {"shortest_edge": edge}} | more


def config(sizes, text, vision, **more):
    return {"architectures": ["LlavaNextForConditionalGeneration"], "model_type": "llava_next", "image_grid_pinpoints": sizes,
            "image_token_index": 440, "projector_hidden_act": "gelu", "use_image_newline_parameter": True,
            "vision_feature_layer": -2, "vision_feature_select_strategy": "default",
            "text_config": {"vocab_size": 448} | text,
            "vision_config": {"model_type": "clip_vision_model", "projection_dim": 32} | vision} | more


def settings(patch):
    """processor_config.json beside the image processor."""
    return {"image_token": "<image>", "num_additional_image_tokens": 1, "patch_size": patch, "vision_feature_select_strategy": "default"}


def sizes(edge, *counts):
    return [[rows * edge, columns * edge] for rows, columns in counts]


PUBLISHED = ((1, 2), (2, 1), (2, 2), (3, 1), (1, 3))

CHECKPOINTS = {
    # As published with Vicuna: LLaMA text, hub keys, views of 4 x 4 features.
    "next_vicuna": dict(
        store="float16", shards=1, layout="old", files="old", tokenizer={"tokenizer_class": "LlamaTokenizer"},
        processor=processor(28, sizes(28, *PUBLISHED)), tower_patch=7, processor_settings=settings(7),
        config=config(sizes(28, *PUBLISHED),
                      {"model_type": "llama", "hidden_size": 40, "intermediate_size": 64, "num_hidden_layers": 2,
                       "num_attention_heads": 2, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5},
                      {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 3, "num_attention_heads": 2,
                       "image_size": 28, "patch_size": 7}, torch_dtype="float16", ignore_index=-100, tie_word_embeddings=False)),
    # As transformers 5 saves a Mistral one: grouped heads, no sliding window, odd views of 3 x 3 features, more sizes.
    "next_mistral": dict(
        store="bfloat16", shards=2, layout="new", files="new", tokenizer={"tokenizer_class": "TokenizersBackend"},
        processor=processor(24, sizes(24, (1, 1), (2, 2), (1, 4), (4, 1), (3, 2))), tower_patch=8, processor_settings=settings(8),
        config=config(sizes(24, (1, 1), (2, 2), (1, 4), (4, 1), (3, 2)),
                      {"model_type": "mistral", "hidden_size": 48, "intermediate_size": 56, "num_hidden_layers": 2,
                       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "max_position_embeddings": 32768,
                       "rms_norm_eps": 1e-5, "sliding_window": None,
                       "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}},
                      {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
                       "image_size": 24, "patch_size": 8}, dtype="bfloat16", tie_word_embeddings=False)),
}
