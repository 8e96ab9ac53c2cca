"""Renders synthetic pages with the box of every word and figure: the model's training pages.

Two kinds of pages:

  * "runs": columns of short text runs, each with its own face and size. They are no
    sight, but hold more different words per second of training than anything else.
  * "slides": a title and bullets, paragraphs, tables and charts, as real pages look.

    python pages.py WORK OUT.png   renders a contact sheet to look at

Everything random comes from the random.Random that the caller passes.
"""

import dataclasses
import functools
import math
import pathlib
import random
import re
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SIDE = 448  # pixels of the model's square input

FONT_FOLDERS = ("/usr/share/fonts", "/usr/share/texmf/fonts/opentype/public")

# Faces that no training page uses; the frozen test pages are set in them.
HELD_OUT_FACES = ("truetype/lato/Lato-Regular.ttf", "truetype/lato/Lato-Bold.ttf", "truetype/crosextra/Caladea-Regular.ttf",
                  "truetype/crosextra/Caladea-Bold.ttf", "opentype/cantarell/Cantarell-Regular.otf",
                  "opentype/cantarell/Cantarell-Bold.otf")
TRAINING_FACES = (
    "truetype/dejavu/DejaVuSans.ttf", "truetype/dejavu/DejaVuSans-Bold.ttf", "truetype/dejavu/DejaVuSansCondensed*.ttf",
    "truetype/dejavu/DejaVuSerif*.ttf", "truetype/dejavu/DejaVuSansMono*.ttf", "truetype/liberation/*.ttf",
    "truetype/freefont/*.ttf", "truetype/open-sans/OpenSans-*.ttf", "truetype/roboto/unhinted/RobotoTTF/Roboto-[BMRIC]*.ttf",
    "truetype/roboto/unhinted/Roboto*.ttf", "truetype/crosextra/Carlito*.ttf", "opentype/linux-libertine/LinLibertine_R*.otf",
    "opentype/linux-libertine/LinBiolinum_R*.otf", "opentype/ebgaramond/EBGaramond12*.otf", "opentype/comic-neue/ComicNeue-[BR]*.otf",
    "truetype/quicksand/Quicksand-[BRM]*.ttf", "truetype/inconsolata/*.otf", "truetype/noto/NotoSans-[BCILMRS]*.ttf",
    "truetype/noto/NotoSerif-[BCILMRS]*.ttf", "truetype/noto/NotoSansMono-[BMR]*.ttf", "truetype/noto/NotoMono*.ttf",
    # Latin Modern, the face of most TeX documents.
    "lm/lmroman10-*.otf", "lm/lmroman12-*.otf", "lm/lmroman[89]-*.otf", "lm/lmromanslant10-*.otf",
    "lm/lmsans10-*.otf", "lm/lmmono10-*.otf", "lm/lmmono[89]-*.otf", "lm/lmmonolt10-bold*.otf",
)
COMMON = re.compile(r"(Liberation(Sans|Serif|Mono)-|DejaVuSans\.|DejaVuSans-Bold\.|DejaVuSansMono\.|OpenSans-(Reg|Bold)|Roboto-(Reg|Bold)"
                    r"|Carlito-|NotoSans-(Reg|Bold)|NotoSerif-(Reg|Bold)|FreeS[a-z]+\.|lmroman10-(reg|bold)|lmmono10-reg)")

COLOURS = {"red": (200, 30, 30), "green": (30, 140, 50), "blue": (30, 70, 190), "orange": (230, 130, 20), "purple": (120, 40, 150),
           "yellow": (240, 210, 40), "gray": (120, 120, 120), "pink": (235, 110, 170), "brown": (120, 75, 35), "black": (15, 15, 15)}
CHARTS = ("bar chart", "line chart", "pie chart")


def faces(patterns):
    found = {f for folder in FONT_FOLDERS for p in patterns for f in pathlib.Path(folder).glob(p)}
    return sorted(str(f) for f in found)


@functools.lru_cache(4096)
def font(path, size):
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


@functools.lru_cache(200_000)
def advance(path, size, character):
    return font(path, size).getlength(character)


@dataclasses.dataclass
class Word:
    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    centres: list  # x of the middle of every character


@dataclasses.dataclass
class Page:
    image: np.ndarray  # uint8 [SIDE, SIDE, 3]
    words: list        # of Word, in SIDE coordinates
    blocks: list       # lists of word indices: text that is read in one go
    figures: list      # (kind, x0, y0, x1, y1)


@dataclasses.dataclass
class Text:
    """Where pages take their words from."""
    lines: list
    words: list

    @classmethod
    def load(cls, work, split):
        folder = pathlib.Path(work) / "text"
        words = "words-train.txt" if split == "train" else "words-held-out.txt"
        return cls((folder / f"{split}.txt").read_text().splitlines(), (folder / words).read_text().splitlines())

    def sentence(self, r):
        return r.choice(self.lines).split()

    def phrase(self, r, low, high, from_lines=0.55):
        """Between low and high words: a part of a line, or single words that never met before."""
        n = r.randint(low, high)
        if r.random() < from_lines:
            words = self.sentence(r)
            start = r.randrange(max(1, len(words) - n + 1))
            return words[start:start + n]
        return [r.choice(self.words) for _ in range(n)]


@dataclasses.dataclass
class Faces:
    """Which faces to draw with: now and then a rare one, else a common one."""
    every: list
    common: list
    common_share: float = 0.5

    @classmethod
    def training(cls, common_share=0.5):
        every = faces(TRAINING_FACES)
        return cls(every, [f for f in every if COMMON.search(f)], common_share)

    @classmethod
    def held_out(cls):
        every = faces(HELD_OUT_FACES)
        return cls(every, every)

    def pick(self, r):
        return r.choice(self.common) if r.random() < self.common_share else r.choice(self.every)


def random_case(r, words):
    c = r.random()
    if c < 0.2:
        return [w.upper() for w in words]
    if c < 0.55:
        return [w[:1].upper() + w[1:] for w in words]
    return words


def random_contrast(r):
    """Returns (background, ink): mostly dark on light."""
    if r.random() < 0.8:
        background = tuple(r.randint(225, 255) for _ in range(3)) if r.random() < 0.6 else (255, 255, 255)
        ink = tuple(r.randint(0, 90) for _ in range(3)) if r.random() < 0.6 else (0, 0, 0)
    else:
        background = tuple(r.randint(0, 80) for _ in range(3))
        ink = tuple(r.randint(200, 255) for _ in range(3))
    return background, ink


def readable_on(colour):
    return (0, 0, 0) if sum(colour) > 380 else (255, 255, 255)


class Canvas:
    """A page while it is drawn, at its own size; finish() squashes it to the model's square."""

    def __init__(self, r, augment):
        self.r, self.augment = r, augment
        self.scale, stretch = 1.0, 1.0
        if augment and r.random() < 0.5:  # pages are squashed to a square before the model sees them
            self.scale, stretch = r.uniform(1.0, 1.9), r.uniform(0.72, 1.35)
        self.width, self.height = int(SIDE * self.scale * math.sqrt(stretch)), int(SIDE * self.scale / math.sqrt(stretch))
        self.background, self.ink = random_contrast(r)
        self.image = Image.new("RGB", (self.width, self.height), self.background)
        self.draw = ImageDraw.Draw(self.image)
        self.words, self.blocks, self.figures = [], [], []

    def line(self, words, x, y, face, size, ink, right, space=1.0):
        """Draws as many words as fit; returns their indices."""
        f = font(face, size)
        gap = (advance(face, size, " ") or size * 0.3) * space
        ascent, descent = f.getmetrics()
        drawn = []
        for word in words:
            length = f.getlength(word)
            if x + length > right:
                break
            self.draw.text((x, y), word, font=f, fill=ink)
            drawn.append(len(self.words))
            at, centres = x, []
            for character in word:
                step = advance(face, size, character)
                centres.append(at + step / 2)
                at += step
            self.words.append(Word(word, x, y + ascent * 0.18, x + length, y + ascent + descent * 0.6, centres))
            x += length + gap
        return drawn

    def paragraph(self, words, x, y, face, size, ink, right, bottom, leading=1.0, space=1.0):
        """Draws words as wrapped lines down to bottom; returns the y below them."""
        height = sum(font(face, size).getmetrics()) * leading
        block = []
        while words and y + height <= bottom:
            drawn = self.line(words, x, y, face, size, ink, right, space)
            if not drawn:  # a word wider than the column
                words = words[1:]
                continue
            block += drawn
            words = words[len(drawn):]
            y += height
        if block:
            self.blocks.append(block)
        return y

    def finish(self):
        r, image = self.r, self.image
        if image.size != (SIDE, SIDE):
            filters = [Image.BICUBIC, Image.LANCZOS, Image.BOX, Image.BILINEAR]
            image = image.resize((SIDE, SIDE), r.choice(filters) if self.augment else Image.BICUBIC)
        pixels = np.asarray(image)
        if self.augment and r.random() < 0.35:
            noise = np.random.default_rng(r.getrandbits(32)).integers(-10, 11, pixels.shape, dtype=np.int16)
            pixels = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
        sx, sy = SIDE / self.width, SIDE / self.height
        words = [Word(w.text, w.x0 * sx, w.y0 * sy, w.x1 * sx, w.y1 * sy, [c * sx for c in w.centres]) for w in self.words]
        figures = [(kind, x0 * sx, y0 * sy, x1 * sx, y1 * sy) for kind, x0, y0, x1, y1 in self.figures]
        return Page(pixels, words, self.blocks, figures)


def draw_chart(c, kind, x, y, w, h):
    """Draws one chart into the box, without any words."""
    r, d, k = c.r, c.draw, c.scale
    colour = r.choice(list(COLOURS.values()))
    if sum(abs(a - b) for a, b in zip(colour, c.background)) < 120:
        colour = c.ink
    c.figures.append((kind, x, y, x + w, y + h))
    if kind == "pie chart":
        radius, cx, cy, start = min(w, h) * 0.48, x + w / 2, y + h / 2, r.uniform(0, 360)
        cuts = sorted(r.uniform(20, 340) for _ in range(r.randint(2, 5))) + [360]
        several = r.random() < 0.5
        last = 0
        for i, cut in enumerate(cuts):
            shade = r.choice(list(COLOURS.values())) if several else tuple(min(255, int(v * 0.5 + i * 30 + 30)) for v in colour)
            d.pieslice((cx - radius, cy - radius, cx + radius, cy + radius), start + last, start + cut, fill=shade, outline=c.background)
            last = cut
        if r.random() < 0.25:
            hole = radius * r.uniform(0.4, 0.6)
            d.ellipse((cx - hole, cy - hole, cx + hole, cy + hole), fill=c.background)
        return
    if r.random() < 0.5:
        for i in range(1, 5):
            d.line((x, y + h * i / 5, x + w, y + h * i / 5), fill=COLOURS["gray"])
    d.line((x, y, x, y + h), fill=c.ink, width=max(1, int(k)))
    d.line((x, y + h, x + w, y + h), fill=c.ink, width=max(1, int(k)))
    n = r.randint(4, 9)
    if kind == "line chart":
        for series in range(r.randint(1, 3)):
            shade = colour if series == 0 else r.choice(list(COLOURS.values()))
            points = [(x + i * w / (n - 1), y + h - r.uniform(0.1, 1) * h) for i in range(n)]
            d.line(points, fill=shade, width=max(2, int(r.uniform(1.5, 3) * k)))
            if r.random() < 0.6:
                for px, py in points:
                    d.ellipse((px - 3 * k, py - 3 * k, px + 3 * k, py + 3 * k), fill=shade)
        return
    horizontal, paired = r.random() < 0.25, r.random() < 0.25
    second = r.choice(list(COLOURS.values()))
    for i in range(n):
        value = r.uniform(0.15, 1)
        if horizontal:
            step = h / n
            d.rectangle((x + 1, y + i * step + step * 0.18, x + value * w, y + (i + 1) * step - step * 0.12), fill=colour)
            continue
        step = w / n
        left, right = x + i * step + step * 0.18, x + (i + 1) * step - step * 0.12
        d.rectangle((left, y + h - value * h, (left + right) / 2 if paired else right, y + h - 1), fill=colour)
        if paired:
            d.rectangle(((left + right) / 2, y + h - r.uniform(0.15, 1) * h, right, y + h - 1), fill=second)


def draw_axis_labels(c, text, faces, x, y, w):
    """A row of short words or numbers under a chart."""
    r = c.r
    size = max(7, int(r.uniform(9, 13) * c.scale))
    n = r.randint(2, 4)
    face = faces.pick(r)
    for i in range(n):
        left = x + i * w / n
        label = text.phrase(r, 1, 1)
        c.paragraph(label, left, y, face, size, c.ink, left + w / n - 2, c.height)


def draw_table(c, text, faces, x, y, w, h, size):
    r, k = c.r, c.scale
    columns, face = r.randint(2, 4), faces.pick(r)
    size = max(8, int(size * (0.8 if columns == 4 else 1)))
    height = sum(font(face, size).getmetrics()) * r.uniform(1.15, 1.5)
    rows = min(max(2, int(h / height)), r.randint(4, 9))
    colour, grid, filled = r.choice(list(COLOURS.values())), r.random() < 0.6, r.random() < 0.6
    c.figures.append(("table", x, y, x + w, y + rows * height))
    width = w / columns
    for i in range(rows):
        top = y + i * height
        if i == 0 and filled:
            c.draw.rectangle((x, top, x + w, top + height), fill=colour)
        if grid:
            c.draw.rectangle((x, top, x + w, top + height), outline=colour)
        else:
            c.draw.line((x, top + height, x + w, top + height), fill=colour, width=max(1, int(k)))
        ink = readable_on(colour) if i == 0 and filled else c.ink
        for j in range(columns):
            if i > 0 and j > 0 and r.random() < 0.6:
                cell = [f"{r.randint(1, 9999)}{r.choice(['', '', '%', '.5', '.00'])}"]
            else:
                cell = text.phrase(r, 1, 2)
            left = x + j * width
            c.paragraph(cell, left + 3 * k, top + height * 0.08, face, size, ink, left + width - 2, top + height * 1.1)
    if grid:
        for j in range(1, columns):
            c.draw.line((x + j * width, y, x + j * width, y + rows * height), fill=colour)


def runs_page(r, text, faces, low, high, augment=True):
    """Columns of text runs, every run with its own face and size (low to high pixels)."""
    c = Canvas(r, augment)
    k = c.scale
    columns = r.choice([1, 1, 1, 2])
    for column in range(columns):
        left = column * c.width / columns + r.randint(2, 14) * k
        right = (column + 1) * c.width / columns - r.randint(2, 8) * k
        y = r.randint(0, 14) * k
        while y < c.height - low * k:
            if r.random() < 0.015 and y < c.height * 0.75:
                y = row_of_charts(c, left, right, y)
                continue
            size = max(7, int(k * math.exp(r.uniform(math.log(low), math.log(high)))))
            face = faces.pick(r)
            ink, bottom = c.ink, c.height
            if r.random() < 0.12:
                bottom = min(c.height, y + sum(font(face, size).getmetrics()) * 2)
                fill, ink = random_contrast(r)
                c.draw.rectangle((left - 3, y, right + 2, bottom), fill=fill)
            words = random_case(r, text.phrase(r, 3, 14))
            indent = r.choice([0, 0, 0, r.uniform(0, 20 * k)])
            below = c.paragraph(words, left + indent, y, face, size, ink, right, bottom, r.uniform(0.92, 1.25), r.uniform(0.85, 1.5))
            y = max(below, y + 4) + r.choice([0, 0, 2, 5]) * k
    return c.finish()


def row_of_charts(c, left, right, y):
    """Up to three different charts side by side: told apart on one page, they are learnt fast."""
    r = c.r
    kinds = r.sample(CHARTS, r.randint(1, 3))
    height, width = r.uniform(70, 130) * c.scale, (right - left) / len(kinds)
    for i, kind in enumerate(kinds):
        draw_chart(c, kind, left + i * width + 6 * c.scale, y + 4 * c.scale, width - 14 * c.scale, height - 8 * c.scale)
    return y + height


def slide_page(r, text, faces, body, title, augment=True):
    """A title and bullets or paragraphs, often with a table or charts; body and title are (low, high) pixels."""
    c = Canvas(r, augment)
    k, margin = c.scale, r.randint(12, 36) * c.scale
    body_face = faces.pick(r)
    title_face = faces.pick(r) if r.random() < 0.75 else body_face
    y = draw_title(c, text, title_face, int(r.uniform(*title) * k), margin)
    size = int(r.uniform(*body) * k)
    bottom = c.height - 8 * k
    figure = r.random()
    if figure < 0.15:
        kinds = r.sample(CHARTS, r.choice([1, 1, 2]))
        width = (c.width - 2 * margin) / len(kinds)
        for i, kind in enumerate(kinds):
            draw_chart(c, kind, margin + i * width + 8 * k, c.height * 0.52, width - 16 * k, c.height * 0.38)
            draw_axis_labels(c, text, faces, margin + i * width + 8 * k, c.height * 0.91, width - 16 * k)
        bottom = c.height * 0.5
    elif figure < 0.3:
        draw_table(c, text, faces, margin, c.height * 0.5, c.width - 2 * margin, c.height * 0.46, max(9, int(min(size, 15 * k))))
        bottom = c.height * 0.48
    draw_body(c, text, body_face, size, margin, y, bottom)
    return c.finish()


def draw_title(c, text, face, size, margin):
    """Draws the title, sometimes on a bar; returns the y below it."""
    r, k = c.r, c.scale
    y, ink = r.randint(8, 30) * k, c.ink
    height = sum(font(face, size).getmetrics())
    colour, bar = r.choice(list(COLOURS.values())), 0
    if r.random() < 0.25:
        bar = y + height * 2.2
        c.draw.rectangle((0, 0, c.width, bar), fill=colour)
        ink = readable_on(colour)
    elif r.random() < 0.3 and sum(c.background) > 500:
        ink = colour
    words = random_case(r, text.phrase(r, 2, 6))
    below = c.paragraph(words, margin, y, face, size, ink, c.width - 8 * k, y + height * 2.1)
    return max(below, bar) + r.randint(8, 24) * k


def draw_body(c, text, face, size, margin, y, bottom):
    r, k = c.r, c.scale
    bullets = r.random() < 0.55
    for _ in range(r.randint(2, 9)):
        if y > bottom - size:
            return
        x = margin
        if bullets:
            dot = size * 0.28
            top = y + size * 0.65 - dot / 2
            c.draw.ellipse((margin, top, margin + dot, top + dot), fill=c.ink)
            words, x = text.phrase(r, 3, 10), margin + size
        else:
            words = text.sentence(r) if r.random() < 0.7 else text.phrase(r, 8, 20)
        right = c.width - r.uniform(4, 20) * k
        y = c.paragraph(words, x, y, face, size, c.ink, right, bottom, r.uniform(1.0, 1.3)) + size * r.uniform(0.2, 0.7)


def main():
    work, out = sys.argv[1:3]
    r, text, chosen = random.Random(0), Text.load(work, "train"), Faces.training()
    print(len(chosen.every), "faces,", len(chosen.common), "common,", len(Faces.held_out().every), "held out")
    sheet = Image.new("RGB", (4 * 458, 2 * 458), (255, 0, 255))
    for i in range(8):
        page = runs_page(r, text, chosen, 9, 28) if i < 4 else slide_page(r, text, chosen, (11, 20), (18, 34))
        sheet.paste(Image.fromarray(page.image), (i % 4 * 458, i // 4 * 458))
    sheet.save(out)


if __name__ == "__main__":
    main()
