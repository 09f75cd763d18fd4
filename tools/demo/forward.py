"""A forward pass over the parameters of the transformers modules, with static shapes.

transformers' own forward loops over pictures and depends on their sizes, which keeps a GPU idle with models
as small as ours.  Here all pictures have one size, and rows have one length for one picture and one for two.
`parity` measures that both forwards agree.
"""

import torch
import torch.nn.functional as functional

import blocks
import scene

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
COMPILED = ("qwen_vision_block", "clip_block", "merge_patches", "decoder_layer", "answer_loss")
PATCH, MERGE = 16, 2


class Forward:
    """The forward pass of one model. Pictures: float [B, HEIGHT, WIDTH, 3], 0..255."""

    def __init__(self, model, chat, compiled=False):
        self.model, self.chat = model, chat
        self.is_qwen = chat.family.name == "qwen3-vl"
        self.text = model.model.language_model
        self.device = next(model.parameters()).device
        self._weights = {}
        for name in COMPILED:
            function = getattr(blocks, name)
            setattr(self, name, torch.compile(function, dynamic=False) if compiled else function)
        self.text_rotary = {pictures: self._text_rotary(pictures) for pictures in (1, 2)}
        if self.is_qwen:
            self._prepare_qwen_vision()

    def weights(self, module):
        """A module's own parameters by name (collected once; their values may change in place)."""
        if module not in self._weights:
            self._weights[module] = dict(module.named_parameters())
        return self._weights[module]

    def _text_rotary(self, pictures):
        """Cosine and sine [1, 1, S, head_dim] of the fixed layout of a row with this many pictures."""
        length = self.chat.length[pictures]
        positions = torch.arange(length)[None]
        if self.is_qwen:
            positions = self._mrope_positions(pictures, length)[:, None]
        cosine, sine = self.text.rotary_emb(
            torch.zeros(1, 1, 1, device=self.device), positions.to(self.device)
        )
        return cosine.float().clone()[:, None], sine.float().clone()[:, None]

    def _mrope_positions(self, pictures, length):
        """Time, row and column positions [3, S]: text advances all three, a picture spans rows and columns."""
        columns, rows = self.chat.family.grid
        positions = torch.zeros(3, length, dtype=torch.long)
        position = done = 0
        for begin, end in self.chat.slots[pictures] + [(length, length)]:
            positions[:, done:begin] = torch.arange(position, position + begin - done)
            position += begin - done
            if begin < length:
                positions[0, begin:end] = position
                positions[1, begin:end] = position + torch.arange(rows).repeat_interleave(columns)
                positions[2, begin:end] = position + torch.arange(columns).repeat(rows)
                position += max(rows, columns)
            done = end
        return positions

    def _prepare_qwen_vision(self):
        """Interpolation of the position grid and rotary tables of the one picture size."""
        from transformers.vision_utils import (
            get_vision_interpolation_indices_and_weights,
            get_vision_position_ids,
        )

        tower = self.model.model.visual
        grid = torch.tensor([[1, scene.HEIGHT // PATCH, scene.WIDTH // PATCH]], device=self.device)
        self.position_index, self.position_weight = get_vision_interpolation_indices_and_weights(
            grid,
            num_grid_per_side=tower.num_grid_per_side,
            mode=tower.interpolation_mode,
            align_corners=tower.interpolation_align_corners,
            spatial_merge_size=MERGE,
            kwargs={},
        )
        cosine, sine = tower.rotary_pos_emb(
            torch.zeros(1, device=self.device), get_vision_position_ids(grid, MERGE, kwargs={})
        )
        self.vision_rotary = cosine.float().clone(), sine.float().clone()

    def patches(self, pictures):
        """What the family's processor makes of the pictures, as its tower's input."""
        planes = pictures.permute(0, 3, 1, 2)
        if self.is_qwen:
            rows, columns = scene.HEIGHT // (PATCH * MERGE), scene.WIDTH // (PATCH * MERGE)
            grid_of_blocks = (planes / 127.5 - 1).view(
                -1, 3, rows, MERGE, PATCH, columns, MERGE, PATCH
            )
            return grid_of_blocks.permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(
                planes.shape[0], -1, 3 * PATCH * PATCH
            )
        size = (224, 224 * scene.WIDTH // scene.HEIGHT)
        small = functional.interpolate(
            planes, size=size, mode="bicubic", antialias=True, align_corners=False
        )
        margin = (size[1] - 224) // 2
        small = small.clamp(0, 255).round()[..., margin : margin + 224] / 255
        mean, std = (
            torch.tensor(v, device=small.device)[:, None, None] for v in (CLIP_MEAN, CLIP_STD)
        )
        return ((small - mean) / std).contiguous()

    def vision(self, patches):
        """(features [B, T, text width], deepstack features of the same shape)."""
        return self._qwen_vision(patches) if self.is_qwen else (self._llava_vision(patches), [])

    def _qwen_vision(self, patches):
        tower = self.model.model.visual
        # A still picture fills both frames of a temporal patch: the two halves of the weight add up.
        weight = tower.patch_embed.proj.weight.sum(2).flatten(1)
        x = functional.linear(patches.to(weight.dtype), weight, tower.patch_embed.proj.bias)
        positions = (tower.pos_embed(self.position_index) * self.position_weight[:, :, None]).sum(1)
        x = x.float() + positions.float()
        taps = list(tower.deepstack_visual_indexes)
        deepstack = []
        for index, block in enumerate(tower.blocks):
            x = self.qwen_vision_block(
                x, *self.vision_rotary, self.weights(block), tower.config.num_heads
            )
            if index in taps:
                merger = tower.deepstack_merger_list[taps.index(index)]
                deepstack.append(self.merge_patches(x, self.weights(merger), True))
        return self.merge_patches(x, self.weights(tower.merger), False), deepstack

    def _llava_vision(self, patches):
        tower = self.model.model.vision_tower
        embeddings = tower.embeddings
        x = functional.conv2d(
            patches, embeddings.patch_embedding.weight, stride=embeddings.patch_size
        )
        x = x.flatten(2).transpose(1, 2)
        class_token = embeddings.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)
        x = torch.cat([class_token, x], 1).float() + embeddings.position_embedding.weight
        x = blocks.layer_norm(x, self.weights(tower), "pre_layrnorm", 1e-5)
        for layer in tower.encoder.layers[
            :-1
        ]:  # vision_feature_layer -2: the last block is never used
            x = self.clip_block(x, self.weights(layer), tower.config.num_attention_heads)
        projector = self.weights(self.model.model.multi_modal_projector)
        return blocks.linear(
            functional.gelu(blocks.linear(x[:, 1:], projector, "linear_1")), projector, "linear_2"
        )

    def _place(self, x, pictures, features, add):
        """Put (or add) image features [n * pictures, T, D] at the image slots of x [n, S, D]."""
        features = features.view(x.shape[0], pictures, features.shape[1], -1).to(x.dtype)
        parts, done = [], 0
        for index, (begin, end) in enumerate(self.chat.slots[pictures]):
            parts += [
                x[:, done:begin],
                x[:, begin:end] + features[:, index] if add else features[:, index],
            ]
            done = end
        return torch.cat(parts + [x[:, done:]], 1)

    def hidden(self, pictures, ids, features, deepstack):
        """The last hidden states [n, S, D] of rows with this many pictures each."""
        config = self.text.config
        x = self._place(self.text.embed_tokens(ids), pictures, features, add=False)
        cosine, sine = self.text_rotary[pictures]
        for index, layer in enumerate(self.text.layers):
            x = self.decoder_layer(
                x,
                cosine,
                sine,
                self.weights(layer),
                config.num_attention_heads,
                config.num_key_value_heads,
                config.rms_norm_eps,
            )
            if index < len(deepstack):
                x = self._place(x, pictures, deepstack[index], add=True)
        return x

    def logits(self, hidden):
        """Vocabulary logits of hidden states."""
        normed = blocks.rms_norm(hidden, self.text.norm.weight, self.text.config.rms_norm_eps)
        return functional.linear(normed, self.model.lm_head.weight)

    def loss(self, pictures, batch):
        """(mean answer loss, image features): the loss of a batch as `batches.collate` makes it."""
        features, deepstack = self.vision(self.patches(pictures))
        singles = batch["ids1"].shape[0]
        total, weight_sum = 0.0, 0.0
        for count, part in ((1, slice(0, singles)), (2, slice(singles, None))):
            x = self.hidden(
                count, batch[f"ids{count}"], features[part], [level[part] for level in deepstack]
            )
            start = self.chat.slots[count][-1][1]  # no answer begins before the pictures end
            labels, weights = (
                batch[f"{name}{count}"][:, start + 1 :].contiguous()
                for name in ("labels", "weights")
            )
            total = total + self.answer_loss(
                x[:, start:-1].contiguous(),
                self.text.norm.weight,
                self.model.lm_head.weight,
                labels,
                weights,
                self.text.config.rms_norm_eps,
            )
            weight_sum = weight_sum + weights.sum()
        return total / weight_sum, features

    @torch.no_grad()
    def answer(self, pictures_per_row, pictures, questions, limit=96):
        """Greedy answers (token ids without the stop token) to one question a row, without a KV cache.

        With so small a model, running the whole row for each token is cheaper than keeping caches.
        """
        chat = self.chat
        features, deepstack = self.vision(self.patches(pictures))
        prompts = [chat.prompt(pictures_per_row, question)[0] for question in questions]
        ids = torch.full(
            (len(prompts), chat.length[pictures_per_row]), chat.pad_id, device=self.device
        )
        for row, prompt in enumerate(prompts):
            ids[row, : len(prompt)] = torch.tensor(prompt, device=self.device)
        rows = torch.arange(len(prompts), device=self.device)
        cursor = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        running = torch.ones(len(prompts), dtype=torch.bool, device=self.device)
        for _ in range(min(limit, chat.length[pictures_per_row] - int(cursor.max()))):
            last = self.hidden(pictures_per_row, ids, features, deepstack)[rows, cursor - 1]
            token = self.logits(last).argmax(-1)
            ids[rows, cursor] = torch.where(running, token, ids[rows, cursor])
            running &= token != chat.stop_id
            cursor += running.long()
            if not running.any():
                break
        ends = cursor.tolist()
        return [ids[row, len(prompt) : ends[row]].tolist() for row, prompt in enumerate(prompts)]


def processor_inputs(forward, pictures, ids):
    """The arguments that transformers' own forward wants for the same pictures and ids."""
    mask = torch.ones_like(ids)
    if not forward.is_qwen:
        return {"input_ids": ids, "pixel_values": forward.patches(pictures), "attention_mask": mask}
    count = pictures.shape[0]
    patches = forward.patches(pictures).reshape(-1, 3, 1, PATCH * PATCH)
    grid = torch.tensor(
        [[1, scene.HEIGHT // PATCH, scene.WIDTH // PATCH]] * count, device=ids.device
    )
    return {
        "input_ids": ids,
        "pixel_values": patches.expand(-1, -1, 2, -1).reshape(-1, 3 * 2 * PATCH * PATCH),
        "image_grid_thw": grid,
        "mm_token_type_ids": (ids == forward.chat.image_id).int(),
        "attention_mask": mask,
    }


@torch.no_grad()
def parity(forward, pictures, batch):
    """Relative distance between the logits of this forward and of transformers', for one and two pictures."""
    singles = batch["ids1"].shape[0]
    features, deepstack = forward.vision(forward.patches(pictures))
    distances = []
    for count, part in ((1, slice(0, singles)), (2, slice(singles, None))):
        ids = batch[f"ids{count}"]
        ours = forward.logits(
            forward.hidden(count, ids, features[part], [level[part] for level in deepstack])
        )
        theirs = forward.model(**processor_inputs(forward, pictures[part], ids)).logits
        distances.append(((ours - theirs).norm() / theirs.norm()).item())
    return distances
