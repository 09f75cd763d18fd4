"""The words and colours of the demo world: everything that a scene can hold and how it is called.

Every thing has one Chinese and one English name; `aliases` are further wordings that the suite's
graders accept.  A name is never a part of another name of the same scenario, so that a grader that
looks for strings cannot mistake one thing for another (`build_suite.py` checks this).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thing:
    """A sprite with its names.

    emoji: the character whose glyph is the sprite.  zh: Chinese noun.  zh_unit: numeral and measure
    word ("一台").  en: English noun phrase with article.  zh_aliases, en_aliases: accepted wordings.
    """

    emoji: str
    zh: str
    zh_unit: str
    en: str
    zh_aliases: tuple = ()
    en_aliases: tuple = ()

    @property
    def en_noun(self):
        """The English name without its article."""
        for article in ("a ", "an "):
            if self.en.startswith(article):
                return self.en[len(article) :]
        return self.en


@dataclass(frozen=True)
class Motif:
    """A motif of a New Year picture and the wish that it stands for."""

    emoji: str
    zh: str
    zh_meaning: str
    en: str
    en_meaning: str
    zh_aliases: tuple = ()
    en_aliases: tuple = ()


@dataclass(frozen=True)
class Colour:
    """A named colour; `rgb` is its centre, scenes jitter it a little."""

    zh: str
    en: str
    rgb: tuple


DESK_THINGS = (
    Thing("☕", "咖啡杯", "一个", "a coffee cup", ("咖啡",), ("a cup of coffee", "a mug")),
    Thing("💻", "笔记本电脑", "一台", "a laptop", ("手提电脑",)),
    Thing("📓", "记事本", "一个", "a notebook", ("笔记簿",)),
    Thing("🖊️", "钢笔", "一支", "a pen", ("圆珠笔",)),
    Thing("📱", "手机", "一部", "a phone", (), ("smartphone", "mobile phone", "cell phone")),
    Thing("🪴", "绿植", "一盆", "a potted plant", ("盆栽", "植物"), ("a plant",)),
    Thing("💡", "灯泡", "一个", "a light bulb", (), ("lightbulb",)),
    Thing("📚", "书", "一摞", "a stack of books", ("书籍", "书本"), ("a pile of books", "books")),
    Thing("⌚", "手表", "一块", "a watch", ("腕表",), ("wristwatch",)),
    Thing("🎧", "耳机", "一副", "a pair of headphones", (), ("headphones",)),
    Thing("📷", "相机", "一台", "a camera", ("照相机",)),
    Thing("🖱️", "鼠标", "一个", "a mouse", (), ("computer mouse",)),
    Thing("🖥️", "显示器", "一台", "a monitor", ("显示屏",), ("a computer screen",)),
    Thing("✂️", "剪刀", "一把", "a pair of scissors", (), ("scissors",)),
    Thing("📏", "尺子", "一把", "a ruler", ("直尺",)),
    Thing("☎️", "电话", "一部", "a telephone", ("座机",), ("landline",)),
    Thing("🕯️", "蜡烛", "一支", "a candle"),
    Thing("👓", "眼镜", "一副", "a pair of glasses", (), ("eyeglasses", "glasses")),
    Thing("🔑", "钥匙", "一把", "a key"),
    Thing("💼", "公文包", "一个", "a briefcase"),
    Thing("🖨️", "打印机", "一台", "a printer"),
    Thing("🧮", "算盘", "一把", "an abacus"),
    Thing("🔬", "显微镜", "一台", "a microscope"),
    Thing("🎒", "背包", "一个", "a backpack", ("双肩包",)),
)

WALL_THINGS = (
    Thing("🖼️", "挂画", "一幅", "a painting", ("油画",), ("a picture frame", "a framed picture")),
    Thing("🕒", "挂钟", "一个", "a wall clock", ("时钟",), ("a clock",)),
    Thing("🪞", "镜子", "一面", "a mirror"),
    Thing("📅", "日历", "一本", "a calendar"),
    Thing("🗺️", "地图", "一张", "a map"),
    Thing("🎯", "飞镖盘", "一个", "a dartboard", ("靶子",), ("a target",)),
)

PRODUCTS = (
    Thing("🍎", "苹果", "一个", "an apple"),
    Thing("🍌", "香蕉", "一根", "a banana"),
    Thing("🍇", "葡萄", "一串", "a bunch of grapes"),
    Thing("🍊", "橘子", "一个", "a tangerine"),
    Thing("🍋", "柠檬", "一个", "a lemon"),
    Thing("🍉", "西瓜", "一个", "a watermelon"),
    Thing("🍓", "草莓", "一个", "a strawberry"),
    Thing("🍑", "桃子", "一个", "a peach"),
    Thing("🍒", "樱桃", "一串", "a cherry"),
    Thing("🍍", "菠萝", "一个", "a pineapple"),
    Thing("🥝", "猕猴桃", "一个", "a kiwi"),
    Thing("🍐", "梨", "一个", "a pear"),
    Thing("🥭", "芒果", "一个", "a mango"),
    Thing("🥕", "胡萝卜", "一根", "a carrot"),
    Thing("🌽", "玉米", "一根", "a corn cob"),
    Thing("🍆", "茄子", "一根", "an eggplant"),
    Thing("🥦", "西兰花", "一棵", "a broccoli"),
    Thing("🍅", "番茄", "一个", "a tomato"),
    Thing("🥔", "土豆", "一个", "a potato"),
    Thing("🥬", "白菜", "一棵", "a cabbage"),
    Thing("🥒", "黄瓜", "一根", "a cucumber"),
    Thing("🌶️", "辣椒", "一个", "a chili"),
    Thing("🧅", "洋葱", "一个", "an onion"),
    Thing("🍞", "面包", "一个", "a loaf of bread"),
    Thing("🥐", "牛角包", "一个", "a croissant"),
    Thing("🥯", "贝果", "一个", "a bagel"),
    Thing("🧀", "奶酪", "一块", "a cheese"),
    Thing("🥚", "鸡蛋", "一个", "an egg"),
    Thing("🍔", "汉堡", "一个", "a hamburger"),
    Thing("🍕", "披萨", "一块", "a pizza"),
    Thing("🍩", "甜甜圈", "一个", "a donut"),
    Thing("🍪", "饼干", "一块", "a cookie"),
    Thing("🍫", "巧克力", "一块", "a chocolate bar"),
    Thing("🍬", "糖果", "一颗", "a candy"),
    Thing("🎂", "蛋糕", "一个", "a cake"),
    Thing("🥛", "牛奶", "一杯", "a glass of milk"),
    Thing("🍺", "啤酒", "一杯", "a beer"),
    Thing("🧃", "果汁", "一盒", "a juice box"),
    Thing("🍷", "红酒", "一杯", "a glass of wine"),
    Thing("⚽", "足球", "一个", "a football"),
    Thing("🏀", "篮球", "一个", "a basketball"),
    Thing("🎾", "网球拍", "一个", "a tennis racket"),
    Thing("🎁", "礼盒", "一个", "a gift box"),
    Thing("🧴", "洗发水", "一瓶", "a shampoo bottle"),
    Thing("🧼", "肥皂", "一块", "a bar of soap"),
)

# Products that are easily taken for each other; hard shelves draw from one or two of these groups.
LOOKALIKES = (
    "🍎🍅🍑🍒🍓",
    "🍋🍌🥭🍐🌽",
    "🍊🥭🥔🥯🍩",
    "🥬🥦🥝🥒🍐",
    "🍞🥐🥯🍪🍫",
    "🥛🍺🧃🍷🧴",
    "🍔🍕🧀🎂🍩",
    "🏀🍊⚽🍑🥔",
    "🥕🌶️🌽🍆🥒",
)

FURNITURE = (
    Thing("🛋️", "沙发", "一张", "a sofa"),
    Thing("🛏️", "床", "一张", "a bed"),
    Thing("🪑", "椅子", "一把", "a chair"),
    Thing("📺", "电视", "一台", "a TV"),
    Thing("🪴", "绿植", "一盆", "a potted plant"),
    Thing("🕰️", "座钟", "一座", "a mantel clock"),
    Thing("🧸", "玩具熊", "一只", "a teddy bear"),
    Thing("🛁", "浴缸", "一个", "a bathtub"),
    Thing("🚲", "自行车", "一辆", "a bicycle"),
    Thing("🎹", "钢琴", "一架", "a piano"),
    Thing("🎸", "吉他", "一把", "a guitar"),
    Thing("🗄️", "柜子", "一个", "a cabinet"),
    Thing("🌵", "仙人掌", "一盆", "a cactus"),
    Thing("🪜", "梯子", "一架", "a ladder"),
    Thing("🌻", "向日葵", "一束", "a sunflower"),
    Thing("🖼️", "挂画", "一幅", "a painting"),
    Thing("🪞", "镜子", "一面", "a mirror"),
    Thing("🪟", "窗户", "一扇", "a window"),
)
HANGING = frozenset("🖼️ 🪞 🪟".split())  # furniture that hangs on the wall

MOTIFS = (
    Motif("🐟", "鲤鱼", "年年有余", "a fish", "abundance year after year", ("鱼",)),
    Motif("🏮", "灯笼", "团圆喜庆", "a lantern", "reunion and joy"),
    Motif("🧧", "红包", "恭喜发财", "a red envelope", "wealth and prosperity"),
    Motif("🍑", "桃子", "健康长寿", "a peach", "health and longevity", ("寿桃",)),
    Motif("🦇", "蝙蝠", "福气临门", "a bat", "good fortune arriving"),
    Motif("🐉", "祥龙", "吉祥如意", "a dragon", "luck and fulfilled wishes", ("龙",)),
    Motif("🍊", "橘子", "大吉大利", "a tangerine", "great luck", ("桔子",)),
    Motif("🎋", "竹子", "节节高升", "bamboo", "rising step by step"),
    Motif("🐓", "公鸡", "金鸡报喜", "a rooster", "good news"),
    Motif("🧨", "鞭炮", "辞旧迎新", "a firecracker", "welcoming the new year"),
    Motif("🥟", "饺子", "招财进宝", "a dumpling", "bringing in wealth"),
    Motif("🐅", "老虎", "虎虎生威", "a tiger", "strength and vigor"),
    Motif("🐎", "骏马", "马到成功", "a horse", "instant success", ("一匹马",)),
    Motif("🐘", "大象", "太平有象", "an elephant", "peace and good times"),
    Motif("🦌", "梅花鹿", "福禄双全", "a deer", "fortune and rank", ("鹿",)),
    Motif("🐏", "山羊", "三阳开泰", "a ram", "a fresh auspicious start", ("羊",)),
    Motif("🪷", "荷花", "和和美美", "a lotus", "harmony", ("莲花",)),
    Motif("🍎", "苹果", "平平安安", "an apple", "peace and safety"),
    Motif("🪙", "铜钱", "财源滚滚", "a coin", "money flowing in", ("钱币", "硬币")),
    Motif("🎆", "烟花", "红红火火", "fireworks", "a flourishing life"),
    Motif("🌺", "牡丹", "花开富贵", "a peony", "riches and honor"),
    Motif("🥜", "花生", "多子多福", "a peanut", "many children and much joy"),
)

# Small ornaments and litter: they are drawn, never asked for and never named.
ORNAMENTS = ("🌸", "✨", "🍀", "❄️")
LITTER = ("📎", "📌", "🧷")

WALL_COLOURS = (
    Colour("白色", "white", (244, 244, 242)),
    Colour("浅灰色", "light gray", (188, 190, 192)),
    Colour("米黄色", "beige", (240, 222, 172)),
    Colour("浅蓝色", "light blue", (156, 200, 236)),
    Colour("浅绿色", "light green", (166, 214, 160)),
    Colour("粉色", "pink", (242, 176, 192)),
    Colour("深蓝色", "dark blue", (44, 64, 122)),
    Colour("深灰色", "dark gray", (92, 94, 98)),
)

FLOOR_COLOURS = (
    Colour("浅木色", "light wood", (222, 184, 135)),
    Colour("深棕色", "dark brown", (96, 60, 36)),
    Colour("灰色", "gray", (142, 142, 146)),
    Colour("白色", "white", (236, 236, 233)),
    Colour("蓝色", "blue", (70, 112, 172)),
    Colour("绿色", "green", (80, 142, 92)),
    Colour("红色", "red", (166, 58, 52)),
)

TAG_COLOURS = (
    Colour("红色", "red", (214, 40, 40)),
    Colour("黄色", "yellow", (246, 208, 40)),
    Colour("绿色", "green", (48, 160, 72)),
    Colour("蓝色", "blue", (44, 96, 200)),
    Colour("黑色", "black", (30, 30, 32)),
)


def all_emoji():
    """Every emoji that a scene may use, in a fixed order; the index is the sprite's class."""
    ordered = {}
    for group in (DESK_THINGS, WALL_THINGS, PRODUCTS, FURNITURE, MOTIFS):
        for thing in group:
            ordered.setdefault(thing.emoji)
    for emoji in ORNAMENTS + LITTER:
        ordered.setdefault(emoji)
    return tuple(ordered)
