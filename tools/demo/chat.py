"""The token layout of each family: prompts as its processor writes them, and padded training rows.

Two layouts have a fixed length each (one picture, two pictures), so that the forward pass has static shapes.
"""

from dataclasses import dataclass

from tokenizers import Tokenizer

import scene

TEXT_ROOM = 128  # tokens for everything but image tokens
IGNORE = -100  # label of positions without loss
CACHE_LIMIT = 60000

QWEN_TEMPLATE = (
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}{%- if m.content is string %}{{- m.content }}"
    "{%- else %}{%- for c in m.content %}{%- if c.type == 'image' %}"
    "{{- '<|vision_start|><|image_pad|><|vision_end|>' }}{%- elif c.type == 'text' %}{{- c.text }}{%- endif %}"
    "{%- endfor %}{%- endif %}{{- '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
LLAVA_TEMPLATE = (
    "{% for m in messages %}{% if m.role != 'system' %}{{ m.role.upper() + ': ' }}{% endif %}"
    "{% if m.content is string %}{{ m.content + ' ' }}{% else %}"
    "{% for c in m.content if c.type == 'image' %}{{ '<image>\\n' }}{% endfor %}"
    "{% for c in m.content if c.type == 'text' %}{{ c.text + ' ' }}{% endfor %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """What differs between the two families before any weight is involved."""

    name: str
    template: str
    image_token: str
    stop_token: str
    pad_token: str
    grid: tuple  # image tokens: columns, rows
    cell: int  # canvas pixels that one image token covers, along each side
    view: tuple  # canvas columns that the model sees

    @property
    def image_tokens(self):
        return self.grid[0] * self.grid[1]

    def render(self, pictures, question):
        """The string that the family's chat template gives for one question about `pictures` pictures."""
        if self.name == "qwen3-vl":
            image = "<|vision_start|><|image_pad|><|vision_end|>"
            return (
                f"<|im_start|>user\n{image * pictures}{question}<|im_end|>\n<|im_start|>assistant\n"
            )
        images = "<image>\n" * pictures
        return f"USER: {images}{question} ASSISTANT:"

    def render_next(self, question):
        """The string between one answer's stop token and the next answer."""
        if self.name == "qwen3-vl":
            return f"\n<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"
        return f"USER: {question} ASSISTANT:"


FAMILIES = {
    "qwen3-vl": Family(
        "qwen3-vl",
        QWEN_TEMPLATE,
        "<|image_pad|>",
        "<|im_end|>",
        "<|endoftext|>",
        (scene.WIDTH // 32, scene.HEIGHT // 32),
        32,
        scene.WHOLE,
    ),
    "llava": Family("llava", LLAVA_TEMPLATE, "<image>", "</s>", "<pad>", (16, 16), 16, scene.CROP),
}


class Chat:
    """Token ids of one family with one tokenizer file."""

    def __init__(self, family, tokenizer_path):
        self.family = FAMILIES[family]
        self.tokenizer = Tokenizer.from_file(tokenizer_path)
        self.vocabulary = self.tokenizer.get_vocab_size()
        self.image_id = self.token(self.family.image_token)
        self.stop_id = self.token(self.family.stop_token)
        self.pad_id = self.token(self.family.pad_token)
        self._cache = {}
        # For each number of pictures: row length, and where the image tokens lie.
        self.length = {n: n * self.family.image_tokens + TEXT_ROOM for n in (1, 2)}
        self.slots = {n: self.prompt(n, "")[1] for n in (1, 2)}

    def token(self, content):
        """The id of a token by its text."""
        return self.tokenizer.token_to_id(content)

    def encode(self, text, special=False):
        """Token ids; special: add what the post-processor adds (LLaMA's <s>)."""
        ids = self._cache.get((text, special))
        if ids is None:
            ids = self.tokenizer.encode(text, add_special_tokens=special).ids
            if len(self._cache) < CACHE_LIMIT:
                self._cache[text, special] = ids
        return ids

    def prompt(self, pictures, question):
        """(ids, image slots [(begin, end)]) of a question, placeholders repeated as the processor does."""
        ids, slots = [], []
        for token in self.encode(self.family.render(pictures, question), special=True):
            if token == self.image_id:
                slots.append((len(ids), len(ids) + self.family.image_tokens))
                ids += [token] * self.family.image_tokens
            else:
                ids.append(token)
        return ids, slots

    def training_row(self, pictures, turns):
        """(ids, labels, weights) of a whole conversation, padded; turns that do not fit are dropped.

        A label sits at its own token's position (the loss shifts). Each answer weighs the square root of
        its length in all, so that long lists do not drown short answers.
        """
        room = self.length[pictures]
        ids, labels, weights = [], [], []
        for index, turn in enumerate(turns):
            before = (
                self.encode(self.family.render_next(turn.question))
                if index
                else self.prompt(pictures, turn.question)[0]
            )
            answer = self.encode(turn.answer) + [self.stop_id]
            if len(ids) + len(before) + len(answer) > room:
                assert index > 0, f"the first turn does not fit: {turn}"
                break
            ids += before + answer
            labels += [IGNORE] * len(before) + answer
            weights += [0.0] * len(before) + [len(answer) ** -0.5] * len(answer)
        empty = room - len(ids)
        return ids + [self.pad_id] * empty, labels + [IGNORE] * empty, weights + [0.0] * empty

    def decode(self, ids):
        """The text of answer tokens."""
        return self.tokenizer.decode(ids, skip_special_tokens=True)
