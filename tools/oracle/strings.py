"""The strings that tokenizers are compared on: written ones, and fuzzed ones from a fixed seed."""

import random
import unicodedata

WRITTEN = [
    "", " ", "  ", "   ", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\t", "\t\t", " \n", "\n ", " \n ", "  \n  \n", "\u3000", "\u00a0", "\u200b",
    "\ufeff", "\u2028", "\u2029", "\x85", "\x0b\x0c", "\x00", "a\x00b", "\x01\x02\x1f\x7f", "\x80\x9f", "a", "A", "1", "é", "中", "😀", "▁", "▁▁",
    "▁a", "a▁b", " ▁ ", "Hello", " Hello", "  Hello", "Hello ", "Hello  ", "\nHello", "Hello\n", "\tHello", "Hello world", "Hello  world",
    "Hello   world", "Hello\nworld", "Hello \n world", "Hello\n\n\nworld", "Hello, world!", "HELLO WORLD", "hElLo", "don't", "DON'T", "it's I'm you'll we've they'd he're",
    "'s", "'S", "'ſ", "'Re 'vE", "can’t", "I'mma", "x='y'", "1234567890", "3.14159", "1,000,000", "-5 + 7 = 2", "2026-11-22T12:41:03Z", "0x1F 0b101", "１２３", "٣٤٥", "½ ² ⅷ", "¥12.50 $3 €4",
    "你好，世界！", "图片里有什么？", "请描述这张图片。", "一二三四五六七八九十", "繁體中文測試", "春节快乐，恭喜发财！", "年年有余🐟", "中文English混合text", "中 文 空 格", "「引号」『书名』《红楼梦》", "こんにちは世界", "カタカナ ｶﾀｶﾅ",
    "안녕하세요 세계", "ᄒ\u1161ᆫ", "Привет, мир!", "Γειά σου Κόσμε", "שלום עולם", "مرحبا بالعالم", "שָׁלוֹם", "السَّلَامُ عَلَيْكُمْ", "abc\u202edef\u202c", "नमस्ते दुनिया", "สวัสดีชาวโลก", "வணக்கம்", "ជំរាបសួរ", "Xin chào thế giới", "Türkçe İıŞğ", "ẞß ﬁ ﬂ ﬃ",
    "e\u0301", "é", "\u0301", "\u0301e", " \u0301", "a\u0300\u0301\u0302\u0303", "Å Å Å", "ｆｕｌｌ ｗｉｄｔｈ", "①②③", "㍿㎏", "ﷺ", "𝐁𝐨𝐥𝐝 𝓈𝒸𝓇𝒾𝓅𝓉", "a\u0327\u0301", "q\u0307\u0323", "\u1100\u1161\u11a8",
    "😀😃😄", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇨🇳🇺🇸", "❤️", "☕️", "1️⃣", "🧑🏿‍🚀", "😀a😀", "🏮🧧🧨🐉", "\U0001f469\u200d", "\u200d\u200d", "\ufe0f", "\U000e0067\U000e007f",
    "def f(x):\n    return x ** 2\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}", "#include <vector>\n", "SELECT * FROM t WHERE a='b';", "<html><body>&amp;</body></html>", "{\"a\": [1, 2.5, null]}",
    "https://example.org/a?b=c&d=%20#e", "C:\\path\\file.txt", "user@example.org", "$x^2 + \\frac{1}{2}$", "a=b;c=d", "snake_case camelCase kebab-case", "...", "……", "!!!???", "----", "====", "*** **bold** ***", "`code`", "~~~", "(((())))", "[]{}<>", "\"quoted\"", "a.b.c", "e.g. i.e.", "%s %d",
    "<s>", "</s>", "<unk>", "<pad>", "<image>", "<s>Hello</s>", "Hello<s>", " <s> ", "<s><s>", "a</s>b", "a </s> b", "a</s> b", "<image>\nWhat?", "USER: <image>\nHi ASSISTANT:", "<0x41>", "<0x0A>", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "<|im_end|>", "<|endoftext|>", "<|vision_start|><|image_pad|><|vision_end|>", "<|im_start|><|im_start|>", "x<|im_end|>y", "x <|im_end|> y", "<|im_end|>\n\nHi", "\n<|im_start|>", "<|im_start", "im_end|>", "<|IM_END|>", "<think>\nok\n</think>", "<tool_call>{}</tool_call>",
    "\ud7ff", "\ue000", "\uf8ff", "\ufffd", "\uffff", "\ufffe", "\U0010ffff", "\U000f0000", "\u0378", "\u0e00", "\U0001fbff", "\U0003ffff", "\u00ad", "\u034f", "\u180e", "\u2060",
    "a" * 300, "ab" * 200, " " * 200, "\n" * 120, "\t" * 90, "é" * 150, "中" * 250, "😀" * 100, "1" * 200, "-" * 260, "! " * 120, "e\u0301" * 80, "\u0301" * 90, "<s>" * 20, "<|im_end|>" * 20, "▁" * 100, "\x00" * 60,
    "The quick brown fox jumps over the lazy dog. " * 6, "天地玄黄宇宙洪荒日月盈昃辰宿列张" * 8,
]

ENGLISH = ("the picture shows a red lantern above two wooden tables how many apples are on the shelf before and after answer with one word "
           "Describe What Which is left right top row count beautiful internationalization naïve façade coöperate").split()
CHINESE = "图片里有什么货架上几个苹果左边右边颜色红绿蓝春节年年有余桌子椅子之前之后变化请用一句话回答龙飞凤舞麒麟饕餮"
EMOJI = ["😀", "🍎", "🏮", "🧧", "👍🏽", "👨‍👩‍👧", "🇨🇳", "❤️", "🧑‍💻", "🐉", "☕", "✂️"]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", " \n", "\u3000", "\u00a0", "\u2009", "\u200b"]
MARKS = [chr(c) for c in (0x300, 0x301, 0x308, 0x323, 0x327, 0x5B0, 0x64B, 0x93E, 0x94D, 0xE31, 0x20DD, 0x3099, 0xFE0F, 0x200D)]
SPECIALS = ["<s>", "</s>", "<unk>", "<image>", "<pad>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|image_pad|>", "<|vision_start|>"]
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x6FF), (0x900, 0xDFF), (0xE00, 0xEFF), (0x1100, 0x11FF),
          (0x1E00, 0x1FFF), (0x2000, 0x2BFF), (0x2E80, 0x30FF), (0x3400, 0x9FFF), (0xA000, 0xABFF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF),
          (0xFB00, 0xFDFF), (0xFE00, 0xFFEF), (0x10000, 0x1FFFF), (0x20000, 0x2FFFF), (0xD700, 0xD7FF), (0xE000, 0xF8FF), (0x0, 0x1F)]


def _any_code_point(rng):
    while True:
        code = rng.randrange(0x110000)
        if not 0xD800 <= code <= 0xDFFF:
            return chr(code)


def _block_text(rng):
    low, high = rng.choice(BLOCKS)
    return "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(1, 16)))


def _prose(rng):
    words = [rng.choice(ENGLISH) for _ in range(rng.randint(1, 12))]
    return "".join(w + rng.choice([" ", " ", " ", ", ", ". ", "  ", "\n", "'s "]) for w in words)


def _chinese(rng):
    return "".join(rng.choice(CHINESE + "，。！？、 ") for _ in range(rng.randint(1, 24)))


def _numbers(rng):
    return rng.choice(["{}", " {}", "{}%", "-{}", "{}.", "{}px", "¥{}"]).format(rng.choice([rng.randrange(10 ** rng.randint(1, 12)), rng.random() * 1000]))


def _marks(rng):
    return "".join(rng.choice("aeoun가중אع ") + rng.choice(MARKS) * rng.randint(0, 3) for _ in range(rng.randint(1, 8)))


def _mixed(rng):
    parts = (_prose, _chinese, _numbers, _marks, _block_text, lambda r: r.choice(EMOJI), lambda r: r.choice(SPACES))
    return "".join(rng.choice(parts)(rng) for _ in range(rng.randint(2, 5)))


def _with_specials(rng):
    parts = (_prose, _chinese, lambda r: r.choice(SPACES), lambda r: r.choice(SPECIALS), lambda r: r.choice(SPECIALS))
    return "".join(rng.choice(parts)(rng) for _ in range(rng.randint(2, 6)))


def _fuzzed(rng):
    return "".join(_any_code_point(rng) for _ in range(rng.randint(1, 10)))


def _unnormalised(rng):
    return unicodedata.normalize(rng.choice(["NFD", "NFKD"]), _block_text(rng) + rng.choice(ENGLISH) + "é각ế")


def _spaces(rng):
    return "".join(rng.choice(SPACES + ["a", ".", "中", "1"]) * rng.randint(1, 3) for _ in range(rng.randint(1, 10)))


def _repeats(rng):
    return rng.choice([_chinese, _numbers, _marks, _block_text])(rng)[:6] * rng.randint(5, 25)


GENERATORS = ((_prose, 300), (_chinese, 220), (_numbers, 120), (_marks, 180), (_block_text, 330), (_mixed, 350),
              (_with_specials, 220), (_fuzzed, 320), (_unnormalised, 120), (_spaces, 200), (_repeats, 70))


def all_strings():
    """About 2,600 different strings for the real tokenizers, in a fixed order."""
    rng = random.Random(2026)
    out = list(WRITTEN)
    for generator, count in GENERATORS:
        out += [generator(rng) for _ in range(count)]
    return list(dict.fromkeys(out))


def short_strings():
    """About 400 of them, none longer than 60 characters, for the small tokenizers."""
    rng = random.Random(7)
    out = [s for s in WRITTEN if len(s) <= 60]
    for generator, count in GENERATORS:
        out += [generator(rng)[:40] for _ in range(count // 12)]
    return list(dict.fromkeys(out))
