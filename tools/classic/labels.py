"""Labels of invented goods, price tags, screens and wall pictures as SVG text: all of it drawn here."""

FONT = "Noto Sans CJK SC, sans-serif"

# Little drawings in a box of 100 by 100.
_DRAWINGS = {
    "milk": '<path d="M32 12h36l-5 78H37z" fill="#fff" stroke="#2a62b8" stroke-width="4"/><path d="M35 40h30l-3 47H38z" fill="#dcecff"/><ellipse cx="45" cy="58" rx="7" ry="9" fill="#334"/><ellipse cx="57" cy="72" rx="5" ry="7" fill="#334"/>',
    "orange": '<circle cx="50" cy="52" r="38" fill="#ff9a1f"/><circle cx="50" cy="52" r="32" fill="#ffe3b0"/>'
    + "".join(f'<path d="M50 50L42 24Q50 18 58 24z" fill="#ff8a0f" transform="rotate({k * 45} 50 52)"/>' for k in range(8))
    + '<path d="M60 12q20-14 30 0q-16 12-30 0z" fill="#3a9a3c"/>',
    "bubbles": '<circle cx="30" cy="60" r="16" fill="#fff" opacity=".85"/><circle cx="60" cy="38" r="22" fill="#fff" opacity=".7"/><circle cx="72" cy="76" r="12" fill="#fff" opacity=".9"/><circle cx="34" cy="24" r="9" fill="#fff" opacity=".8"/>',
    "drop": '<path d="M50 8Q82 52 82 66a32 30 0 0 1-64 0Q18 52 50 8z" fill="#3aa0e8"/><path d="M34 62a18 18 0 0 0 14 20" fill="none" stroke="#fff" stroke-width="6"/>',
    "cookie": '<circle cx="50" cy="50" r="42" fill="#d99a4e" stroke="#a86a28" stroke-width="4"/>'
    + "".join(f'<circle cx="{x}" cy="{y}" r="6" fill="#4b2a12"/>' for x, y in ((32, 34), (60, 28), (74, 52), (48, 54), (30, 66), (60, 76))),
    "flower": "".join(f'<ellipse cx="50" cy="24" rx="13" ry="20" fill="#fff" opacity=".9" transform="rotate({k * 60} 50 50)"/>' for k in range(6))
    + '<circle cx="50" cy="50" r="12" fill="#ffd84a"/>',
    "noodles": '<path d="M10 46h80q-4 42-40 42T10 46z" fill="#d8342a"/><path d="M14 46q8-14 16 0q8-16 16 0q8-16 16 0q8-14 16 0" fill="none" stroke="#f6d27a" stroke-width="7"/><path d="M62 44L88 6M72 44L96 12" stroke="#6b4220" stroke-width="4"/>',
    "bee": '<ellipse cx="50" cy="56" rx="30" ry="20" fill="#ffcf2e"/><path d="M40 38v36M54 37v38M66 42v28" stroke="#3a2a10" stroke-width="7"/><ellipse cx="40" cy="30" rx="15" ry="11" fill="#fff" opacity=".85"/><ellipse cx="62" cy="28" rx="15" ry="11" fill="#fff" opacity=".85"/>',
    "strawberry": '<path d="M50 94Q8 60 18 36Q50 18 82 36Q92 60 50 94z" fill="#e3263a"/><path d="M50 34L22 26l18-4L50 8l10 14 18 4z" fill="#3a9a3c"/>'
    + "".join(f'<ellipse cx="{x}" cy="{y}" rx="2.4" ry="3.6" fill="#ffe08a"/>' for x, y in ((36, 48), (52, 46), (68, 50), (44, 62), (60, 64), (50, 78))),
    "bean": '<ellipse cx="36" cy="54" rx="22" ry="34" fill="#6b3f1d" transform="rotate(-25 36 54)"/><path d="M30 24q18 26 12 60" stroke="#2e1808" stroke-width="5" fill="none"/><ellipse cx="72" cy="58" rx="17" ry="27" fill="#7c4c25" transform="rotate(20 72 58)"/><path d="M78 34q-16 20-12 48" stroke="#2e1808" stroke-width="4" fill="none"/>',
    "leaf": '<path d="M14 84Q10 22 88 14Q90 80 30 80z" fill="#3f9b3f"/><path d="M14 90Q40 50 78 24" stroke="#dff2c8" stroke-width="5" fill="none"/>',
    "brush": '<rect x="8" y="60" width="62" height="11" rx="5" fill="#2f7fe0"/><rect x="66" y="62" width="26" height="7" rx="3" fill="#2f7fe0"/><path d="M68 40h22v22H68z" fill="#fff" stroke="#9cc6ee" stroke-width="3"/><path d="M64 38q14-18 28 0z" fill="#3fd0b0"/>',
    "wave": '<path d="M6 60q16-26 32 0t32 0t32 0" fill="none" stroke="#fff" stroke-width="9"/><path d="M6 80q16-26 32 0t32 0t32 0" fill="none" stroke="#fff" stroke-width="9" opacity=".6"/><circle cx="70" cy="26" r="12" fill="#fff" opacity=".85"/>',
    "shirt": '<path d="M30 16l-24 16 10 18 12-6v44h44V44l12 6 10-18-24-16q-20 14-40 0z" fill="#fff" stroke="#2c7fd0" stroke-width="4"/><path d="M64 60l4 10 10 4-10 4-4 10-4-10-10-4 10-4z" fill="#ffd84a"/>',
    "rice": '<path d="M50 94Q46 50 60 10" stroke="#9a7a20" stroke-width="4" fill="none"/>'
    + "".join(f'<ellipse cx="{50 + s * 13 + (80 - y) * 0.12}" cy="{y}" rx="6" ry="12" fill="#e8c24a" transform="rotate({s * 35} {50 + s * 13} {y})"/>' for y in (24, 40, 56, 72) for s in (-1, 1)),
    "soy": '<path d="M12 62Q30 30 86 26Q84 66 30 78Q10 78 12 62z" fill="#5c8a2c"/><circle cx="34" cy="62" r="9" fill="#e8d488"/><circle cx="52" cy="52" r="9" fill="#e8d488"/><circle cx="70" cy="42" r="8" fill="#e8d488"/>',
    "chips": '<ellipse cx="36" cy="40" rx="28" ry="20" fill="#f4c84c" stroke="#c8902a" stroke-width="3" transform="rotate(-20 36 40)"/><ellipse cx="64" cy="62" rx="28" ry="19" fill="#f9d768" stroke="#c8902a" stroke-width="3" transform="rotate(15 64 62)"/>',
    "chocolate": '<rect x="20" y="12" width="60" height="78" rx="5" fill="#4a2814"/>'
    + "".join(f'<rect x="{25 + 27 * (k % 2)}" y="{17 + 24 * (k // 2)}" width="23" height="20" rx="3" fill="#6a3c20"/>' for k in range(6)),
    "corn": '<ellipse cx="50" cy="46" rx="20" ry="40" fill="#f6c928"/>'
    + "".join(f'<path d="M{32 + 6 * k} 14v66" stroke="#c99a10" stroke-width="1.6"/>' for k in range(7))
    + '<path d="M28 94Q10 56 26 34Q40 70 50 94Q62 68 76 34Q90 58 72 94z" fill="#4f9a3a"/>',
    "fish": '<path d="M8 50Q40 14 72 50Q40 86 8 50z" fill="#e9f2fa" stroke="#1d5c94" stroke-width="3"/><path d="M68 50L94 28v44z" fill="#e9f2fa" stroke="#1d5c94" stroke-width="3"/><circle cx="26" cy="46" r="4" fill="#123"/>',
}


def _svg(width, height, body):
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="{FONT}">{body}</svg>'


def _text(x, y, size, fill, text, weight="bold", anchor="middle"):
    return f'<text x="{x}" y="{y}" font-size="{size}" fill="{fill}" font-weight="{weight}" text-anchor="{anchor}">{text}</text>'


def _artwork(x, width, height, ground, ink, accent, zh, en, drawing):
    """Name and drawing centred at x within `width`."""
    size = min(width / (len(zh) + 0.4), height * 0.27)
    small = min(width / (len(en) * 0.62 + 0.6), height * 0.13)
    side = min(width * 0.62, height * 0.42)
    return (
        f'<rect x="{x - width / 2}" y="{height * 0.045}" width="{width}" height="{height * 0.05}" fill="{accent}"/>'
        + _text(x, height * 0.13 + size * 0.86, size, ink, zh)
        + _text(x, height * 0.17 + size + small * 0.86, small, ink, en)
        + f'<g transform="translate({x - side / 2} {height * 0.96 - side}) scale({side / 100})">{_DRAWINGS[drawing]}</g>'
    )


def box_label(zh, en, drawing, ground, ink, accent, aspect):
    """The front of a packet; aspect is width over height."""
    width, height = 400 * aspect, 400
    if aspect > 2:  # long and low: the drawing beside the name
        size = min(230, width * 0.55 / (len(zh) + 0.2))
        body = f'<rect width="{width}" height="{height}" fill="{ground}"/><rect y="{height * 0.84}" width="{width}" height="{height * 0.16}" fill="{accent}"/>'
        body += f'<g transform="translate({width * 0.05} {height * 0.08}) scale({height * 0.0074})">{_DRAWINGS[drawing]}</g>'
        return _svg(width, height, body + _text(width * 0.64, 40 + size * 0.78, size, ink, zh) + _text(width * 0.64, 48 + size * 0.9 + 70, 76, ink, en))
    body = f'<rect width="{width}" height="{height}" fill="{ground}"/>'
    body += f'<path d="M0 {height * 0.72}Q{width / 2} {height * 0.58} {width} {height * 0.72}V{height}H0z" fill="{accent}" opacity=".55"/>'
    return _svg(width, height, body + _artwork(width / 2, width * 0.92, height, ground, ink, accent, zh, en, drawing))


def round_label(zh, en, drawing, ground, ink, accent, aspect):
    """A label around something round; aspect is the whole circumference over the height."""
    width, height = 400 * aspect, 400
    body = f'<rect width="{width}" height="{height}" fill="{ground}"/><rect y="{height * 0.9}" width="{width}" height="{height * 0.1}" fill="{accent}"/>'
    body += _artwork(width / 2, width * 0.3, height, ground, ink, accent, zh, en, drawing)
    return _svg(width, height, body)


def price_tag(text):
    body = '<rect width="240" height="90" fill="#fffbe8" stroke="#d22" stroke-width="8"/><rect width="240" height="20" fill="#d22"/>'
    return _svg(240, 90, body + _text(120, 78, 62, "#c01818", text))


def wall_clock(hour, minute):
    marks = "".join(
        f'<rect x="196" y="26" width="8" height="{30 if k % 3 == 0 else 18}" fill="#222" transform="rotate({k * 30} 200 200)"/>' for k in range(12)
    )
    import math

    digits = "".join(
        _text(round(200 + 128 * math.sin(math.radians(30 * n)), 1), round(214 - 128 * math.cos(math.radians(30 * n)), 1), 40, "#222", str(n))
        for n in range(1, 13)
    )
    hands = f'<rect x="192" y="110" width="16" height="106" rx="6" fill="#111" transform="rotate({(hour % 12) * 30 + minute / 2} 200 200)"/>'
    hands += f'<rect x="195" y="52" width="10" height="164" rx="5" fill="#111" transform="rotate({minute * 6} 200 200)"/><circle cx="200" cy="200" r="13" fill="#c22"/>'
    return _svg(400, 400, f'<circle cx="200" cy="200" r="200" fill="#fdfdf8"/>{marks}{digits}{hands}')


def calendar_page(month, day):
    body = '<rect width="300" height="360" fill="#fff"/><rect width="300" height="90" fill="#c8262c"/>'
    body += _text(150, 64, 52, "#fff", f"{month}月") + _text(150, 300, 190, "#222", str(day))
    return _svg(300, 360, body)


def screen(kind):
    """What a computer shows: 'chart', 'text', 'code' or 'photo'."""
    if kind == "chart":
        bars = "".join(
            f'<rect x="{90 + 82 * k}" y="{330 - h}" width="52" height="{h}" fill="{c}"/>'
            for k, (h, c) in enumerate(zip((90, 150, 120, 210, 180, 250), ("#4d7edb", "#e07b39", "#4aa36c", "#d14b5a", "#8a6fd1", "#e3b341")))
        )
        return _svg(640, 400, f'<rect width="640" height="400" fill="#f6f8fb"/><rect width="640" height="34" fill="#2d3e55"/>{bars}<path d="M70 60v272h520" stroke="#333" stroke-width="4" fill="none"/>')
    if kind == "code":
        lines = "".join(
            f'<rect x="{40 + 26 * (k % 4)}" y="{40 + 24 * k}" width="{70 + (k * 67) % 190}" height="10" fill="{("#7fd1b9", "#e6c07b", "#82aaff", "#c792ea")[k % 4]}"/>'
            f'<rect x="{140 + (k * 67) % 190 + 26 * (k % 4)}" y="{40 + 24 * k}" width="{40 + (k * 41) % 120}" height="10" fill="#9aa5b1"/>'
            for k in range(14)
        )
        return _svg(640, 400, f'<rect width="640" height="400" fill="#1e222a"/>{lines}')
    if kind == "text":
        lines = "".join(f'<rect x="120" y="{90 + 26 * k}" width="{400 - (k * 53) % 150}" height="9" fill="#9aa"/>' for k in range(11))
        return _svg(640, 400, f'<rect width="640" height="400" fill="#cfd6df"/><rect x="80" y="24" width="480" height="376" fill="#fff"/><rect x="120" y="52" width="240" height="18" fill="#446"/>{lines}')
    return _svg(640, 400, '<rect width="640" height="400" fill="#8ec5f0"/><circle cx="520" cy="80" r="42" fill="#fff3c0"/><path d="M0 300L180 120L300 250L420 150L640 320V400H0z" fill="#5d7f9a"/><path d="M0 330Q200 270 640 340V400H0z" fill="#4c8f4f"/>')


def landscape(kind):
    """A picture for the wall."""
    if kind == "mountains":
        body = '<rect width="400" height="280" fill="#cfe3f2"/><circle cx="310" cy="60" r="30" fill="#ee6a3a"/><path d="M0 220L110 70L190 180L270 90L400 230V280H0z" fill="#3f5f7f"/><path d="M0 240Q160 190 400 245V280H0z" fill="#2f6f4a"/>'
    elif kind == "sea":
        body = '<rect width="400" height="150" fill="#f7d9a8"/><rect y="150" width="400" height="130" fill="#2f7fa8"/><path d="M150 150L215 40V150z" fill="#fff"/><path d="M222 150V60L270 150z" fill="#f2efe6"/><path d="M130 152h160l-26 30H160z" fill="#8a3b22"/><path d="M0 205q50-16 100 0t100 0t100 0t100 0" fill="none" stroke="#bfe0ee" stroke-width="5"/>'
    else:
        body = '<rect width="400" height="280" fill="#f3ead8"/><path d="M200 270Q190 190 200 130" stroke="#3c7a3c" stroke-width="9" fill="none"/>' + "".join(
            f'<ellipse cx="200" cy="62" rx="24" ry="46" fill="#d8424f" transform="rotate({k * 45} 200 110)"/>' for k in range(8)
        ) + '<circle cx="200" cy="110" r="24" fill="#f2c230"/><path d="M198 210Q140 190 120 230Q170 240 198 210z" fill="#4f9a4f"/>'
    return _svg(400, 280, body)
