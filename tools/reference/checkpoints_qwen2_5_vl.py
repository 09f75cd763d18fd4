"""Tiny checkpoints of Qwen2.5-VL: windows that divide the grid and windows that do not, down to one token; both key
layouts; old and new configuration files."""

import pictures


def vision(**more):
    return {"model_type": "qwen2_5_vl", "hidden_act": "silu", "spatial_merge_size": 2, "temporal_patch_size": 2,
            "tokens_per_second": 2} | more


def words(**more):
    return {"vocab_size": 384, "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-6, "bos_token_id": 365,
            "eos_token_id": 367, "attention_dropout": 0.0, "use_sliding_window": False} | more


def config(tied, **more):
    return {"architectures": ["Qwen2_5_VLForConditionalGeneration"], "model_type": "qwen2_5_vl", "image_token_id": 370,
            "video_token_id": 371, "vision_start_token_id": 368, "vision_end_token_id": 369, "tie_word_embeddings": tied} | more


def processor(patch, size):
    return {"image_processor_type": "Qwen2VLImageProcessor", "do_convert_rgb": True, "do_normalize": True, "do_rescale": True,
            "do_resize": True, "image_mean": list(pictures.CLIP_MEAN), "image_std": list(pictures.CLIP_STD), "merge_size": 2,
            "patch_size": patch, "resample": 3, "rescale_factor": 0.00392156862745098, "temporal_patch_size": 2} | size


CHECKPOINTS = {
    # As published: text settings beside vision_config, keys visual.* and model.*, windows of 4 x 4 tokens.
    "qwen25_published": dict(
        store="bfloat16", shards=1, layout="old", files="old", tokenizer={"tokenizer_class": "Qwen2Tokenizer"},
        processor=processor(14, {"min_pixels": 3136, "max_pixels": 28224}),
        config=words(hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
                     rope_theta=1000000.0, rope_scaling={"type": "mrope", "mrope_section": [2, 4, 4]}, sliding_window=32768)
        | config(False, torch_dtype="bfloat16", vision_config=vision(
            depth=4, hidden_size=24, intermediate_size=36, num_heads=2, in_chans=3, out_hidden_size=40, patch_size=14,
            spatial_patch_size=14, window_size=112, fullatt_block_indexes=[1, 3]))),
    # As transformers 5 saves: nested settings, keys below model., tied embeddings, windows of 3 x 3 tokens.
    "qwen25_saved": dict(
        store="float16", shards=2, layout="new", files="new", tokenizer={"tokenizer_class": "TokenizersBackend"},
        processor=processor(8, {"size": {"shortest_edge": 1024, "longest_edge": 12288}}),
        processor_settings={"video_processor": processor(8, {
            "video_processor_type": "Qwen2VLVideoProcessor", "size": {"shortest_edge": 1024, "longest_edge": 12288}})},
        config=config(True, dtype="float16", text_config=words(
            model_type="qwen2_5_vl_text", hidden_size=40, intermediate_size=72, num_hidden_layers=3, num_attention_heads=5,
            num_key_value_heads=1, tie_word_embeddings=True,
            rope_parameters={"rope_type": "default", "rope_theta": 500000.0, "mrope_section": [1, 1, 2]}),
            vision_config=vision(depth=3, hidden_size=24, intermediate_size=52, num_heads=1, in_channels=3, out_hidden_size=40,
                                 patch_size=8, window_size=50, fullatt_block_indexes=[2]))),
    # Windows of a single token, no block that sees all, the widest heads.
    "qwen25_single": dict(
        store="bfloat16", shards=1, layout="old", files="old_size", tokenizer={},
        processor=processor(6, {"size": {"shortest_edge": 576, "longest_edge": 7200}}),
        config=words(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                     rope_theta=10000.0, rope_scaling={"rope_type": "default", "mrope_section": [2, 3, 3]})
        | config(False, torch_dtype="bfloat16", vision_config=vision(
            depth=2, hidden_size=40, intermediate_size=36, num_heads=2, in_chans=3, out_hidden_size=32, patch_size=6,
            window_size=12, fullatt_block_indexes=[]))),
}
