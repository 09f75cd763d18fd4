"""Qwen-VL (QWenLMHeadModel of 2023) in plain PyTorch, float32, one sequence at a time.

Written from the published architecture, under the checkpoint's own tensor names: a state dictionary goes in, no module tree.
Shapes are [tokens, ...] without a batch. Nothing here is shared with the engine.
"""

import math

import torch
import torch.nn.functional as F

MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073])
STD = torch.tensor([0.26862954, 0.26130258, 0.27577711])


def sin_cos_positions(width, side):
    """[side * side, width]: the first half follows the column, the second the row; each half sines, then cosines."""
    def one(places, size):
        omega = 1.0 / 10000 ** (torch.arange(size // 2, dtype=torch.float32) / (size / 2.0))
        angles = torch.outer(places, omega)
        return torch.cat([angles.sin(), angles.cos()], dim=1)

    row, column = torch.meshgrid(torch.arange(side).float(), torch.arange(side).float(), indexing="ij")
    return torch.cat([one(column.reshape(-1), width // 2), one(row.reshape(-1), width // 2)], dim=1)


def resampled(table, count):
    """A square grid of positions [n * n, width] at `count` places, bicubically."""
    old, new = math.isqrt(len(table)), math.isqrt(count)
    if old == new:
        return table
    grid = table.reshape(1, old, old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(new, new), mode="bicubic", align_corners=False)
    return grid.permute(0, 2, 3, 1).reshape(new * new, -1)


class Qwen:
    """config: config.json as a dictionary; state: name -> tensor, widened to float32 here."""

    def __init__(self, config, state):
        self.config, self.visual = config, config["visual"]
        self.state = {name: tensor.float() for name, tensor in state.items()}
        self.heads, self.dim = config["num_attention_heads"], config["kv_channels"]
        self.trained = config["seq_length"]

    def __getitem__(self, name):
        return self.state["transformer." + name]

    def linear(self, x, name):
        return F.linear(x, self[name + ".weight"], self.state.get(f"transformer.{name}.bias"))

    # --- pictures ---------------------------------------------------------------------------------

    def layer_norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self[name + ".weight"], self[name + ".bias"], 1e-6)

    def tower_attention(self, x, name):
        heads = self.visual["heads"]
        # One head's query, key and value lie beside each other.
        fused = self.linear(x, name + ".in_proj").reshape(len(x), heads, 3, -1)
        q, k, v = (fused[:, :, i].transpose(0, 1) for i in range(3))
        weights = (q / math.sqrt(q.shape[-1]) @ k.transpose(1, 2)).softmax(-1)
        return self.linear((weights @ v).transpose(0, 1).reshape(len(x), -1), name + ".out_proj")

    def resampler(self, x):
        name, width = "visual.attn_pool.", self.visual["output_dim"]
        attention = torch.nn.MultiheadAttention(width, width // 128)
        attention.load_state_dict({key: self[name + "attn." + key] for key in
                                   ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")})
        positions = self[name + "pos_embed"]
        x = self.layer_norm(F.linear(x, self[name + "kv_proj.weight"]), name + "ln_kv")
        query = self.layer_norm(self[name + "query"], name + "ln_q") + positions
        return attention(query[:, None], (x + resampled(positions, len(x)))[:, None], x[:, None])[0][:, 0]

    def features(self, pixels):
        """pixels: [3, side, side] bytes as numbers 0 to 255 -> [queries, hidden]."""
        pixels = (pixels / 255 - MEAN[:, None, None]) / STD[:, None, None]
        x = F.conv2d(pixels[None], self["visual.conv1.weight"], stride=self.visual["patch_size"])[0].flatten(1).T
        x = x + resampled(self["visual.positional_embedding"], len(x))
        x = self.layer_norm(x, "visual.ln_pre")
        for i in range(self.visual["layers"]):
            block = f"visual.transformer.resblocks.{i}."
            x = x + self.tower_attention(self.layer_norm(x, block + "ln_1"), block + "attn")
            x = x + self.linear(F.gelu(self.linear(self.layer_norm(x, block + "ln_2"), block + "mlp.c_fc")), block + "mlp.c_proj")
        return self.layer_norm(self.resampler(x), "visual.ln_post") @ self["visual.proj"]

    # --- text -------------------------------------------------------------------------------------

    def alpha(self, tokens):
        """The NTK factor of a prompt of so many tokens; it stays while an answer is generated."""
        if not self.config["use_dynamic_ntk"]:
            return 1
        return max(2 ** math.ceil(math.log(tokens / self.trained, 2) + 1) - 1, 1)

    def rotate(self, x, positions, alpha):
        base = self.config["rotary_emb_base"] * alpha ** (self.dim / (self.dim - 2))
        inverse = 1.0 / base ** (torch.arange(0, self.dim, 2).float() / self.dim)
        angles = torch.outer(positions.float(), inverse).repeat(1, 2)[:, None]
        first, second = x.chunk(2, dim=-1)
        return x * angles.cos() + torch.cat([-second, first], dim=-1) * angles.sin()

    def rms_norm(self, x, name):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["layer_norm_epsilon"]) * self[name + ".weight"]

    def attention(self, x, name, begin, alpha, cache):
        count = len(x)
        q, k, v = (part.reshape(count, self.heads, self.dim) for part in self.linear(x, name + ".c_attn").chunk(3, dim=-1))
        positions = torch.arange(begin, begin + count)
        q, k = self.rotate(q, positions, alpha), self.rotate(k, positions, alpha)
        if cache is not None:
            k, v = torch.cat([cache[0], k]), torch.cat([cache[1], v])
        if self.config["use_logn_attn"]:
            factors = [math.log(p + 1, self.trained) if p + 1 > self.trained else 1 for p in positions.tolist()]
            q = q * torch.tensor(factors)[:, None, None]
        scores = torch.einsum("qhd,khd->hqk", q, k) / math.sqrt(self.dim)
        later = torch.arange(len(k))[None] > positions[:, None]
        mixed = torch.einsum("hqk,khd->qhd", scores.masked_fill(later, float("-inf")).softmax(-1), v)
        return self.linear(mixed.reshape(count, -1), name + ".c_proj"), (k, v)

    def forward(self, x, begin, alpha, caches):
        """Embeddings [tokens, hidden] behind `begin` cached ones -> logits of the last, and the caches."""
        kept = []
        for i in range(self.config["num_hidden_layers"]):
            layer = f"h.{i}."
            mixed, cache = self.attention(self.rms_norm(x, layer + "ln_1"), layer + "attn", begin, alpha, caches and caches[i])
            x = x + mixed
            kept.append(cache)
            y = self.rms_norm(x, layer + "ln_2")
            x = x + self.linear(self.linear(y, layer + "mlp.w1") * F.silu(self.linear(y, layer + "mlp.w2")), layer + "mlp.c_proj")
        head = self["wte.weight"] if self.config["tie_word_embeddings"] else self.state["lm_head.weight"]
        return F.linear(self.rms_norm(x[-1], "ln_f"), head), kept

    def generate(self, ids, features, steps, stops):
        """Greedy ids and their logits. ids hold <img>, a path of bytes and padding, </img>: what lies between takes the
        pictures' features in order."""
        x = self["wte.weight"][torch.tensor(ids)]
        start = self.visual["image_start_id"]
        pictures = iter(features)
        for at, token in enumerate(ids):
            if token == start:
                end = ids.index(start + 1, at)
                x[at + 1:end] = next(pictures)
        alpha, caches, begin, new, logits = self.alpha(len(ids)), None, 0, [], []
        for _ in range(steps):
            last, caches = self.forward(x, begin, alpha, caches)
            begin += len(x)
            logits.append(last)
            new.append(int(last.argmax()))
            if new[-1] in stops:
                break
            x = self["wte.weight"][new[-1:]]
        return new, torch.stack(logits)
