"""Cut the sprites out of the colour-emoji font: `python3 atlas.py OUT.npz [--sheet SHEET.png]`.

The font is Debian's fonts-noto-color-emoji (Noto Color Emoji, SIL Open Font License 1.1).  The atlas
is an array [sprites, 128, 136, 4] of RGBA bytes in the order of `vocabulary.all_emoji()`.
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import vocabulary

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
FONT_SIZE = 109  # the only bitmap size in the font
WIDTH, HEIGHT = 136, 128


def draw_sprite(font, emoji):
    """One sprite [HEIGHT, WIDTH, 4], its visible part in the middle."""
    image = Image.new("RGBA", (200, 200), (0, 0, 0, 0))
    character = emoji.replace("\ufe0f", "")
    ImageDraw.Draw(image).text((20, 40), character, font=font, embedded_color=True)
    box = image.getbbox()
    if box is None:
        raise SystemExit(f"atlas: the font {FONT} has no glyph for {emoji!r}")
    centre_x, centre_y = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    left, top = centre_x - WIDTH // 2, centre_y - HEIGHT // 2
    return np.asarray(image.crop((left, top, left + WIDTH, top + HEIGHT)))


def contact_sheet(sprites, columns=14):
    """All sprites side by side, for the eye."""
    rows = -(-len(sprites) // columns)
    sheet = Image.new("RGB", (columns * 70, rows * 66), (200, 200, 200))
    for index, sprite in enumerate(sprites):
        small = Image.fromarray(sprite).resize((68, 64))
        sheet.paste(small, ((index % columns) * 70, (index // columns) * 66), small)
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--sheet", help="also write a contact sheet (PNG)")
    options = parser.parse_args()
    font = ImageFont.truetype(FONT, FONT_SIZE)
    sprites = np.stack([draw_sprite(font, emoji) for emoji in vocabulary.all_emoji()])
    np.savez_compressed(options.out, sprites=sprites)
    if options.sheet:
        contact_sheet(sprites).save(options.sheet)
    print(f"{len(sprites)} sprites -> {options.out}")


if __name__ == "__main__":
    main()
