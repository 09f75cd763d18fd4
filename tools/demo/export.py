"""Write a trained model as a folder that transformers loads: bf16 shards, tokenizer, processor, template."""

import json
import os

import torch

import models

SHARD = "15MB"
PIXELS = {"shortest_edge": 65536, "longest_edge": 16777216}  # Qwen's limits, in pixels


def save_weights(model, chat, folder):
    """The weights as bf16 safetensors with config.json and generation_config.json."""
    stored = models.build(chat).to(torch.bfloat16)
    stored.load_state_dict(
        {name: tensor.to(torch.bfloat16).cpu() for name, tensor in model.state_dict().items()}
    )
    for config in (stored.config, stored.config.text_config, stored.config.vision_config):
        config.dtype = torch.bfloat16
    generation = stored.generation_config
    generation.do_sample = False
    generation._from_model_config = False  # what stands here is meant, not derived
    generation.pad_token_id = chat.pad_id
    generation.eos_token_id = (
        [chat.stop_id, chat.pad_id] if chat.family.name == "qwen3-vl" else chat.stop_id
    )
    stored.save_pretrained(folder, max_shard_size=SHARD)


def make_processor(chat, tokenizer_path):
    """The family's processor with our tokenizer and template."""
    from transformers import PreTrainedTokenizerFast

    family = chat.family
    if family.name == "qwen3-vl":
        from transformers import Qwen3VLProcessor
        from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
        from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor

        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=tokenizer_path, eos_token=family.stop_token, pad_token=family.pad_token
        )
        images = Qwen2VLImageProcessor(
            patch_size=16,
            temporal_patch_size=2,
            merge_size=2,
            size=PIXELS,
            image_mean=[0.5] * 3,
            image_std=[0.5] * 3,
        )
        return Qwen3VLProcessor(
            image_processor=images,
            tokenizer=tokenizer,
            chat_template=family.template,
            video_processor=Qwen3VLVideoProcessor(),
        )
    from transformers import CLIPImageProcessor, LlavaProcessor

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=tokenizer_path,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
    )
    images = CLIPImageProcessor(
        size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224}
    )
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=14,
        num_additional_image_tokens=1,
        vision_feature_select_strategy="default",
        chat_template=family.template,
        image_token=family.image_token,
    )


def export(model, chat, tokenizer_path, folder):
    """Write the whole folder."""
    os.makedirs(folder, exist_ok=True)
    save_weights(model, chat, folder)
    make_processor(chat, tokenizer_path).save_pretrained(folder)
    # Compact: half of the trainer's file is white space.
    with open(tokenizer_path, encoding="utf-8") as trained:
        tokenizer = json.load(trained)
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
        json.dump(tokenizer, file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")


def check_reload(folder, forward, pictures, per_row, questions, replies):
    """Load the folder as a user would and answer again: how many ids, prompts and answers are the same.

    pictures: whole-valued floats [n * per_row, H, W, 3]; replies: what `forward.answer` gave (token ids).
    """
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(folder)
    model = (
        AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
        .to(forward.device)
        .eval()
    )
    same = {"prompts": 0, "ids": 0, "answers": 0, "stopped": 0, "of": len(questions)}
    for index, (question, reply) in enumerate(zip(questions, replies)):
        images = [
            Image.fromarray(p.byte().cpu().numpy())
            for p in pictures[index * per_row : (index + 1) * per_row]
        ]
        content = [{"type": "image"} for _ in images] + [{"type": "text", "text": question}]
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )
        same["prompts"] += text == forward.chat.family.render(per_row, question)
        inputs = processor(text=[text], images=images, return_tensors="pt").to(forward.device)
        length = inputs["input_ids"].shape[1]
        same["ids"] += inputs["input_ids"][0].tolist() == forward.chat.prompt(per_row, question)[0]
        with torch.no_grad():
            output = model.generate(**inputs, max_new_tokens=96, do_sample=False)[
                0, length:
            ].tolist()
        same["stopped"] += forward.chat.stop_id in output
        same["answers"] += output[: len(reply)] == reply
    return same
