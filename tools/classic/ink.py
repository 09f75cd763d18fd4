"""Strokes of a woodblock print as SVG text: flat colours inside dark lines, and the figures made of them."""

import math

LINE = "#2b1510"
SKIN, RED, GOLD, GREEN, PINK, BLUE, WHITE = "#fbe0c4", "#d3262b", "#f2b632", "#2f8a4f", "#f08ba0", "#2c6fae", "#fffaf0"


def path(d, fill="none", width=5, extra=""):
    return f'<path d="{d}" fill="{fill}" stroke="{LINE}" stroke-width="{width}" stroke-linejoin="round" stroke-linecap="round" {extra}/>'


def oval(x, y, rx, ry, fill, width=5, turn=0):
    return f'<ellipse cx="{x}" cy="{y}" rx="{rx}" ry="{ry}" fill="{fill}" stroke="{LINE}" stroke-width="{width}" transform="rotate({turn} {x} {y})"/>'


def at(body, x, y, scale=1.0, turn=0, flip=False):
    return f'<g transform="translate({x} {y}) rotate({turn}) scale({-scale if flip else scale} {scale})">{body}</g>'


def print_sheet(body, ground="#f8e6bd", rim=RED):
    """A sheet of 1080 by 1440 with a border of fretwork and corner clouds."""
    fret = "".join(
        f'<path d="M0 0h36v28h-24v-14h12" transform="{place}" fill="none" stroke="{GOLD}" stroke-width="5"/>'
        for k in range(22)
        for place in (f"translate({44 + 46 * k} 14)", f"translate({44 + 46 * k} 1397)")
    ) + "".join(
        f'<path d="M0 0h28v36h-14v-24" transform="{place}" fill="none" stroke="{GOLD}" stroke-width="5"/>'
        for k in range(28)
        for place in (f"translate(14 {72 + 46.5 * k})", f"translate(1038 {72 + 46.5 * k})")
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1080 1440" font-family="Noto Serif CJK SC, Noto Sans CJK SC, serif">'
        f'<rect width="1080" height="1440" fill="{rim}"/>{fret}<rect x="58" y="58" width="964" height="1324" fill="{ground}" stroke="{LINE}" stroke-width="6"/>'
        f'<rect x="74" y="74" width="932" height="1292" fill="none" stroke="{rim}" stroke-width="4"/>{body}</svg>'
    )


def blossom(r, fill, petals=5, middle=GOLD):
    out = "".join(oval(0, -r * 0.62, r * 0.42, r * 0.5, fill, 3, 0).replace('transform="rotate(0', f'transform="rotate({k * 360 / petals}').replace(f"rotate({k * 360 / petals} 0 {-r * 0.62})", f"rotate({k * 360 / petals} 0 0)") for k in range(petals))
    out += f'<circle r="{r * 0.26}" fill="{middle}" stroke="{LINE}" stroke-width="3"/>'
    return out + "".join(f'<circle cx="{r * 0.42 * math.cos(k * 1.05):.1f}" cy="{r * 0.42 * math.sin(k * 1.05):.1f}" r="{r * 0.05:.1f}" fill="{LINE}"/>' for k in range(6))


def lotus(fill=PINK):
    back = "".join(path("M0 10Q-52 -70 0 -170Q52 -70 0 10z", fill, 4, f'transform="rotate({turn})"') for turn in (-62, 62, -34, 34))
    front = "".join(path("M0 14Q-44 -50 0 -128Q44 -50 0 14z", "#fbc3cd", 4, f'transform="rotate({turn})"') for turn in (-48, 48, -16, 16))
    return path("M0 14V150", "none", 12) + back + front + path("M-66 8Q0 44 66 8Q30 34 0 34Q-30 34 -66 8z", GREEN, 4)


def lotus_leaf():
    veins = "".join(f'<path d="M0 0L{150 * math.cos(k * 0.7):.0f} {62 * math.sin(k * 0.7):.0f}" stroke="#1f6238" stroke-width="4"/>' for k in range(9))
    return path("M-165 0Q-150 -70 -60 -62Q0 -84 70 -62Q160 -66 165 0Q140 66 40 62Q-30 80 -90 58Q-150 50 -165 0z", GREEN) + veins


def cloud(fill="#bcd8e8"):
    return path("M-120 30Q-160 20 -140 -14Q-120 -40 -90 -24Q-80 -70 -30 -62Q10 -80 34 -44Q80 -60 90 -18Q140 -20 130 20Q120 40 90 34Q0 44 -120 30z", fill) + path("M-84 8q20 -30 44 -6q-14 20 -26 4M14 -6q22 -28 46 -2q-14 20 -28 4", "none", 4)


def carp(body=RED, belly="#ffd9a0", clip="carp"):
    """A carp of about 560 by 260, its head to the right."""
    outline = "M250 10Q190 -100 20 -104Q-120 -100 -190 -30Q-120 100 30 104Q190 96 250 10z"
    scales = "".join(
        f'<path d="M{x} {y}q-34 26 0 52" fill="none" stroke="{LINE}" stroke-width="4"/><path d="M{x} {y}q-30 26 0 52" fill="{GOLD}" opacity=".28"/>'
        for column in range(8)
        for row in range(6)
        for x, y in ((-150 + 38 * column, -130 + 52 * row - (26 if column % 2 else 0)),)
    )
    tail = path("M-180 -24Q-260 -130 -330 -128Q-300 -60 -262 -10Q-310 50 -322 124Q-240 100 -180 -24z", body) + path("M-200 -28Q-250 -90 -300 -112M-204 -10Q-260 -4 -272 -10M-200 8Q-250 60 -304 106", "none", 4)
    fins = path("M-40 -100Q-10 -176 90 -150Q60 -128 84 -96z", body) + path("M-20 100Q-40 166 40 176Q40 136 70 98z", body) + path("M-120 70Q-150 120 -96 140Q-90 110 -76 88z", body)
    head = path("M250 10Q215 -66 130 -92Q98 -10 132 92Q215 74 250 10z", body) + path("M132 -88Q98 -10 134 88", "none", 7)
    eye = f'<circle cx="186" cy="-26" r="24" fill="{WHITE}" stroke="{LINE}" stroke-width="5"/><circle cx="190" cy="-26" r="12" fill="{LINE}"/>'
    mouth = path("M250 10q22 -12 20 8q-4 20 -26 8", "#ffb3a8", 5) + path("M240 34q40 14 50 54M226 44q20 26 16 60", "none", 5)
    fin = path("M70 26Q20 60 40 120Q86 104 110 52z", "#f7a23a") + path("M82 40Q52 70 52 104", "none", 4)
    return (
        f'<clipPath id="{clip}"><path d="{outline}"/></clipPath>' + tail + fins + path(outline, body)
        + f'<g clip-path="url(#{clip})"><path d="M-200 40Q40 60 260 30V140H-200z" fill="{belly}"/>{scales}</g>' + path(outline, "none", 6) + head + eye + mouth + fin
    )


def face(skin=SKIN, cheeks=True):
    """A child's face of radius 105."""
    hair = path("M-70 -92Q-60 -150 -110 -150Q-130 -110 -86 -74z", LINE) + path("M70 -92Q60 -150 110 -150Q130 -110 86 -74z", LINE) + path("M-34 -98Q0 -168 34 -98Q0 -80 -34 -98z", LINE)
    ties = f'<circle cx="-88" cy="-92" r="13" fill="{RED}" stroke="{LINE}" stroke-width="4"/><circle cx="88" cy="-92" r="13" fill="{RED}" stroke="{LINE}" stroke-width="4"/>'
    ears = oval(-106, 8, 20, 28, skin) + oval(106, 8, 20, 28, skin)
    eyes = "".join(path(f"M{x - 24} -4q24 -30 48 0q-24 16 -48 0z", WHITE, 5) + f'<circle cx="{x}" cy="-6" r="11" fill="{LINE}"/>' + path(f"M{x - 26} -36q26 -20 52 0", "none", 7) for x in (-42, 42))
    blush = '<circle cx="-66" cy="38" r="24" fill="#f58a86" opacity=".6"/><circle cx="66" cy="38" r="24" fill="#f58a86" opacity=".6"/>' if cheeks else ""
    mark = f'<circle cx="0" cy="-58" r="10" fill="{RED}"/>'
    return ears + oval(0, 0, 108, 104, skin, 6) + hair + ties + blush + eyes + mark + path("M-8 22q8 12 16 0", "none", 5) + path("M-34 50q34 40 68 0q-34 14 -68 0z", RED, 5)


def child():
    """A seated chubby child with a red apron; its arms are apart: child_arms()."""
    legs = path("M-60 250Q-230 220 -240 320Q-220 390 -60 360z", SKIN, 6) + path("M60 250Q230 220 240 320Q220 390 60 360z", SKIN, 6)
    feet = oval(-250, 340, 46, 58, SKIN, 6, 20) + oval(250, 340, 46, 58, SKIN, 6, -20)
    toes = "".join(f'<circle cx="{s * (236 + 12 * k)}" cy="{292 + 8 * k}" r="9" fill="{SKIN}" stroke="{LINE}" stroke-width="4"/>' for s in (-1, 1) for k in range(4))
    bands = "".join(path(f"M{s * 196} 262Q{s * 178} 316 {s * 200} 372", "none", 13).replace(f'stroke="{LINE}"', f'stroke="{GOLD}"') for s in (-1, 1))
    trunk = path("M-120 90Q-170 230 -110 350H110Q170 230 120 90Q0 60 -120 90z", SKIN, 6)
    apron = path("M0 90L-118 190Q-130 300 0 372Q130 300 118 190z", RED, 6) + at(blossom(62, PINK, 6), 0, 240) + path("M-110 200Q0 150 110 200M-96 300Q0 356 96 300", "none", 4)
    strap = path("M0 92L-60 60M0 92L60 60", "none", 8)
    return legs + feet + toes + bands + trunk + apron + strap + at(face(), 0, -30)


def child_arms(s):
    """The child's left (-1) or right (1) arm as seen, to be drawn before or after what it holds."""
    return path(f"M{s * 112} 100Q{s * 232} 130 {s * 196} 228Q{s * 150} 262 {s * 104} 232Q{s * 140} 200 {s * 104} 160z", SKIN, 6) + path(f"M{s * 210} 178Q{s * 186} 204 {s * 150} 190", "none", 13).replace(f'stroke="{LINE}"', f'stroke="{GOLD}"')


def bat(fill=RED):
    wing = "M20 -20Q90 -120 210 -70Q170 -40 176 10Q140 -14 116 26Q90 0 60 40Q40 10 20 20z"
    return (
        path(wing, fill) + f'<g transform="scale(-1 1)">{path(wing, fill)}</g>' + path("M40 -10Q100 -70 180 -62M-40 -10Q-100 -70 -180 -62", "none", 4) + oval(0, 16, 34, 56, fill)
        + path("M-30 -36L-36 -84L-8 -58zM30 -36L36 -84L8 -58z", fill) + oval(0, -34, 36, 32, fill)
        + f'<circle cx="-13" cy="-38" r="7" fill="{WHITE}"/><circle cx="13" cy="-38" r="7" fill="{WHITE}"/><circle cx="-13" cy="-38" r="3.4" fill="{LINE}"/><circle cx="13" cy="-38" r="3.4" fill="{LINE}"/>' + path("M-10 -20q10 9 20 0", "none", 4) + path("M-10 66l-8 22M10 66l8 22", "none", 5)
    )


def magpie():
    """A magpie that looks to the right, about 380 long; black and blue with a white belly."""
    tail = path("M-70 30L-290 96L-270 128L-60 70z", "#1d3f78") + path("M-80 42L-276 110", "none", 4)
    body = path("M110 -70Q60 -120 0 -80Q-90 -40 -90 50Q-30 110 60 80Q130 40 110 -70z", "#20242c") + path("M96 -10Q60 100 -50 76Q10 60 30 -6Q60 -40 96 -10z", WHITE)
    wing = path("M20 -40Q-60 -30 -130 60Q-50 90 20 50Q50 0 20 -40z", "#2458a0") + path("M6 -20Q-50 0 -100 56M20 4Q-20 30 -60 70", "none", 4) + path("M10 -30q-40 10 -60 34", "none", 9).replace(LINE, WHITE)
    head = oval(98, -84, 50, 46, "#20242c") + path("M142 -96L200 -84L142 -70z", GOLD) + f'<circle cx="112" cy="-94" r="11" fill="{WHITE}"/><circle cx="114" cy="-94" r="5.5" fill="{LINE}"/>'
    return tail + path("M10 84l-10 46m0 0l-20 10m20 -10l18 12M46 80l-2 48m0 0l-20 8m20 -8l20 10", "none", 6) + body + wing + head


def ingot():
    return path("M-90 -14Q-104 -50 -70 -40Q0 20 70 -40Q104 -50 90 -14Q66 52 0 54Q-66 52 -90 -14z", GOLD) + path("M-46 -16Q-40 -70 0 -72Q40 -70 46 -16Q0 18 -46 -16z", "#ffd45e") + path("M-60 22Q0 48 60 22", "none", 4) + path("M-22 -40q10 -14 24 -14", "none", 5).replace(LINE, WHITE)


def coin():
    return f'<circle r="56" fill="{GOLD}" stroke="{LINE}" stroke-width="5"/><circle r="44" fill="none" stroke="{LINE}" stroke-width="4"/><rect x="-17" y="-17" width="34" height="34" fill="#f8e6bd" stroke="{LINE}" stroke-width="5"/>' + "".join(f'<path d="M{x - 6} {y}h12M{x} {y - 6}v12" stroke="{LINE}" stroke-width="4"/>' for x, y in ((0, -30), (0, 30), (-30, 0), (30, 0)))


def sheep(fleece=WHITE):
    """A sheep that looks to the right, about 330 wide."""
    legs = "".join(path(f"M{x} 60v84h26v-84z", "#5a4334", 5) for x in (-92, -52, 44, 82))
    tufts = "".join(oval(round(-10 + 122 * math.cos(k * 0.483), 1), round(4 + 74 * math.sin(k * 0.483), 1), 36, 34, fleece) for k in range(13))
    curls = "".join(path(f"M{x} {y}q16 -22 32 0q-10 16 -20 2", "none", 4) for x, y in ((-90, -6), (-40, -30), (10, -6), (-66, 36), (-16, 40), (40, 30)))
    wool = tufts + f'<ellipse cx="-10" cy="4" rx="124" ry="76" fill="{fleece}"/>' + curls
    head = path("M118 -96Q190 -104 206 -40Q206 0 170 0Q120 -4 112 -50z", "#f3d9bd") + oval(116, -58, 34, 15, "#f3d9bd", 5, 24) + "".join(oval(x, -104, 22, 18, fleece, 5) for x in (122, 148))
    horn = path("M134 -92Q100 -150 62 -110Q50 -66 92 -62Q112 -72 96 -90Q84 -94 84 -82", "#d8a24a", 8)
    eye = f'<circle cx="168" cy="-58" r="8" fill="{LINE}"/>' + path("M176 -18q14 2 22 -8", "none", 5) + path("M160 2q0 26 14 36q8 -16 6 -36", fleece, 4)
    return legs + wool + head + horn + eye


def pomegranate():
    seeds = "".join(f'<ellipse cx="{x + (14 if (y // 30) % 2 else 0)}" cy="{y}" rx="13" ry="16" fill="#e0193c" stroke="#8a0a20" stroke-width="3"/><circle cx="{x - 3 + (14 if (y // 30) % 2 else 0)}" cy="{y - 5}" r="3" fill="#fff"/>' for y in range(-90, 121, 30) for x in range(-84, 85, 29) if (x / 96) ** 2 + ((y - 14) / 130) ** 2 < 0.95)
    crown = path("M-60 -186L-76 -270L-34 -228L0 -284L34 -228L76 -270L60 -186z", "#e4812e")
    return crown + path("M0 -200Q200 -200 214 10Q200 210 0 214Q-200 210 -214 10Q-200 -200 0 -200z", "#e2542f", 6) + path("M0 -150Q104 -80 112 30Q90 140 0 178Q-90 140 -112 30Q-104 -80 0 -150z", "#ffe2b0", 6) + seeds + path("M-176 -40Q-170 -120 -110 -160", "none", 9).replace(LINE, "#ffb58a")


def leaf(fill=GREEN):
    return path("M0 0Q50 -70 150 -40Q110 50 0 0z", fill) + path("M0 0Q70 -30 136 -36", "none", 4)


def warrior(skin, robe, trim, beard, weapon):
    """A guardian general in armour, about 420 wide and 1150 high, the ground at y = 560."""
    flags = "".join(at(path("M0 0L30 -210L170 -120L20 -70z", colour) + path("M0 40L34 -230", "none", 7), 40 * s, -330, 1, turn * s, s < 0) for s in (-1, 1) for colour, turn in ((trim, 52), (GREEN if trim != GREEN else BLUE, 18)))
    boots = "".join(path(f"M{s * 40} 470v70q0 30 {s * 40} 30h{s * 86}q{s * 6} -40 {s * -40} -50l{s * -10} -60z", LINE) + path(f"M{s * 42} 556h{s * 122}", "none", 9).replace(LINE, WHITE) for s in (-1, 1))
    skirt = path("M-110 120Q-240 330 -220 490Q-110 530 0 500Q110 530 220 490Q240 330 110 120z", robe, 6)
    hem = path("M-220 490Q-110 530 0 500Q110 530 220 490L228 440Q110 480 0 450Q-110 480 -228 440z", trim)
    panel = path("M-70 130Q-84 330 -60 470H60Q84 330 70 130z", trim) + "".join(path(f"M-66 {y}q22 30 44 0q22 30 44 0q22 30 44 0", "none", 4) for y in range(180, 440, 44))
    scales = "".join(path(f"M{x} {y}q20 34 40 0", "#f6cf66", 4) for y in range(-170, 90, 30) for x in range(-140 + (20 if (y // 30) % 2 else 0), 110, 40))
    trunk = path("M-150 -190Q-170 0 -120 130H120Q170 0 150 -190Q0 -240 -150 -190z", "#e3a92c", 6)
    chest = '<clipPath id="chest"><path d="M-150 -190Q-170 0 -120 130H120Q170 0 150 -190Q0 -240 -150 -190z"/></clipPath>' + trunk + f'<g clip-path="url(#chest)">{scales}</g>'
    mirrors = "".join(f'<circle cx="{x}" cy="-110" r="48" fill="{WHITE}" stroke="{LINE}" stroke-width="6"/><circle cx="{x}" cy="-110" r="32" fill="{BLUE}" stroke="{LINE}" stroke-width="4"/>' for x in (-66, 66))
    belt = path("M-132 90Q0 130 132 90V140Q0 182 -132 140z", RED, 6) + f'<circle cy="124" r="50" fill="{GOLD}" stroke="{LINE}" stroke-width="6"/>' + path("M-24 112h14M10 112h14M-22 140q22 18 44 0", "none", 7)
    sash = path("M-40 160Q-120 300 -80 420L-40 400Q-70 300 -10 170zM40 160Q120 300 80 420L40 400Q70 300 10 170z", GREEN)
    shoulders = "".join(path(f"M{s * 120} -210Q{s * 250} -220 {s * 250} -90Q{s * 190} -60 {s * 140} -100z", robe, 6) + path(f"M{s * 150} -190Q{s * 220} -180 {s * 226} -104", "none", 5) for s in (-1, 1))
    arms = path("M-240 -100Q-300 20 -200 60Q-150 40 -140 0Q-160 -60 -150 -90z", robe, 6) + path("M240 -100Q300 20 210 70Q150 40 140 0Q160 -60 150 -90z", robe, 6)
    hands = oval(-176, 44, 34, 30, skin) + oval(180, 50, 34, 30, skin)
    head = oval(0, -310, 104, 112, skin, 6)
    brows = path("M-78 -356Q-50 -396 -16 -350Q-46 -366 -78 -356zM78 -356Q50 -396 16 -350Q46 -366 78 -356z", LINE, 4)
    eyes = "".join(oval(x, -326, 24, 17, WHITE) + f'<circle cx="{x}" cy="-326" r="10" fill="{LINE}"/>' for x in (-44, 44))
    nose = path("M-14 -304Q-34 -274 0 -268Q34 -274 14 -304", skin)
    hair = path("M-104 -300Q-120 -160 -60 -120Q-30 -60 0 -40Q30 -60 60 -120Q120 -160 104 -300Q80 -220 40 -244Q0 -262 -40 -244Q-80 -220 -104 -300z", beard, 6) + path("M-60 -200Q-40 -130 -20 -90M60 -200Q40 -130 20 -90M0 -190V-80", "none", 4).replace(LINE, "#7d6a60") + path("M-30 -232q30 22 60 0q-30 -12 -60 0z", RED, 4)
    helmet = path("M-120 -370Q-120 -500 0 -510Q120 -500 120 -370Q60 -404 0 -404Q-60 -404 -120 -370z", GOLD, 6) + path("M-120 -372Q-170 -360 -166 -300Q-130 -320 -110 -330zM120 -372Q170 -360 166 -300Q130 -320 110 -330z", GOLD) + path("M-90 -430Q0 -470 90 -430", "none", 5)
    plume = path("M0 -506Q-20 -560 0 -600Q20 -560 0 -506z", RED) + f'<circle cy="-606" r="26" fill="{RED}" stroke="{LINE}" stroke-width="5"/>' + "".join(f'<circle cx="{x}" cy="{y}" r="20" fill="{c}" stroke="{LINE}" stroke-width="4"/>' for x, y, c in ((-70, -496, PINK), (70, -496, PINK), (-116, -440, GREEN), (116, -440, GREEN))) + f'<circle cy="-440" r="22" fill="{RED}" stroke="{LINE}" stroke-width="5"/>'
    if weapon == "maces":  # two ridged maces, crossed before the body
        rod = path("M-13 -250h26v230h-26z", "#c7ccd4") + "".join(path(f"M-13 {y}h26", "none", 4) for y in range(-230, -20, 30)) + path("M0 -290l-13 40h26z", "#c7ccd4") + path("M-44 -20h88v22h-88z", GOLD) + path("M-12 2h24v90h-24z", RED)
        arms_in = at(rod, -182, 26, 1.1, -16) + at(rod, 186, 30, 1.1, 16)
    else:  # a halberd with a crescent blade
        arms_in = path("M176 -520L184 540", "none", 20) + path("M176 -520L184 540", "none", 11).replace(LINE, "#8a4a22") + at(path("M0 0L-16 -110Q0 -170 16 -110z", "#d5dae2") + path("M14 -20Q90 -60 70 -150Q120 -60 60 20Q30 40 14 20z", "#d5dae2") + path("M-26 0h52v24h-52z", GOLD) + path("M-10 24q-30 40 -14 80M10 24q30 40 14 80", "none", 8).replace(LINE, RED), 176, -500)
    return flags + boots + skirt + hem + panel + sash + chest + mirrors + shoulders + belt + arms + arms_in + hands + head + hair + brows + eyes + nose + helmet + plume
