"""Draws the sample pages of the demo, from sample_content.py, and crops of real documents.

    python samples.py PACKAGES OUT

PACKAGES holds unpacked Debian packages as for evalsets.py. OUT receives the page
images, pages.json (title, origin, licence and the box of every word, in pixels of
the file) and questions.json. All text was written for these pages or comes from
documents that nothing was trained on.
"""

import json
import pathlib
import sys

from PIL import Image, ImageDraw, ImageFont

import documents
import sample_content as content

COLOURS = 64
FONTS = {
    "sans": ("truetype/open-sans/OpenSans-Regular.ttf", "truetype/open-sans/OpenSans-Bold.ttf"),
    "roboto": ("truetype/roboto/unhinted/RobotoTTF/Roboto-Regular.ttf", "truetype/roboto/unhinted/RobotoTTF/Roboto-Bold.ttf"),
    "carlito": ("truetype/crosextra/Carlito-Regular.ttf", "truetype/crosextra/Carlito-Bold.ttf"),
    "lato": ("truetype/lato/Lato-Regular.ttf", "truetype/lato/Lato-Bold.ttf"),
    "serif": ("truetype/liberation/LiberationSerif-Regular.ttf", "truetype/liberation/LiberationSerif-Bold.ttf"),
    "book": ("truetype/crosextra/Caladea-Regular.ttf", "truetype/crosextra/Caladea-Bold.ttf"),
    "mono": ("truetype/dejavu/DejaVuSansMono.ttf", "truetype/dejavu/DejaVuSansMono-Bold.ttf"),
}
INK, FAINT, PAPER = (33, 37, 41), (130, 138, 145), (255, 255, 255)
SERIES = [(31, 97, 160), (224, 122, 32), (52, 140, 84), (184, 52, 68), (120, 82, 160), (90, 100, 110)]


class Sheet:
    """A page on which every drawn word is remembered with its box."""

    def __init__(self, width, height, family, accent, paper=PAPER, ink=INK):
        self.width, self.height, self.family = width, height, family
        self.accent, self.ink = accent, ink
        self.image = Image.new("RGB", (width, height), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.words = []

    def font(self, size, bold=False, family=None):
        path = FONTS[family or self.family][bold]
        return ImageFont.truetype(f"/usr/share/fonts/{path}", size, layout_engine=ImageFont.Layout.BASIC)

    def text(self, x, y, words, size, bold=False, ink=None, right=None, family=None, align="left", leading=1.3):
        """Draws text wrapped at right; returns the y below it. align="right" and "centre" take x as their anchor."""
        font = self.font(size, bold, family)
        gap = font.getlength(" ")
        line, lines = [], []
        for word in words.split():
            length = sum(font.getlength(w) + gap for w in line) + font.getlength(word)
            if right and line and x + length > right:
                lines.append(line)
                line = []
            line.append(word)
        for line in lines + [line]:
            length = sum(font.getlength(w) + gap for w in line) - gap
            at = {"left": x, "right": x - length, "centre": x - length / 2}[align]
            for word in line:
                self.draw.text((at, y), word, font=font, fill=ink or self.ink)
                x0, y0, x1, y1 = self.draw.textbbox((at, y), word, font=font)
                self.words.append({"text": word, "x0": round(x0), "y0": round(y0), "x1": round(x1), "y1": round(y1)})
                at += font.getlength(word) + gap
            y += size * leading
        return y

    def title(self, text, subtitle=""):
        """A coloured band with the page's title; returns the y below it."""
        band = 128 if subtitle else 104
        self.draw.rectangle((0, 0, self.width, band), fill=self.accent)
        self.text(44, 24, text, 44, bold=True, ink=PAPER)
        if subtitle:
            self.text(44, 82, subtitle, 26, ink=(235, 240, 245))
        return band + 30

    def heading(self, text, subtitle=""):
        """A title without a band, with a rule under it."""
        y = self.text(44, 32, text, 44, bold=True, ink=self.accent, right=self.width - 40)
        if subtitle:
            y = self.text(44, y, subtitle, 26, ink=FAINT)
        self.draw.line((44, y + 8, self.width - 44, y + 8), fill=self.accent, width=3)
        return y + 30

    def bullets(self, items, y, size=27, x=50, right=None, numbered=False):
        for number, item in enumerate(items, 1):
            if numbered:
                self.text(x, y, f"{number}.", size, bold=True, ink=self.accent)
            else:
                self.draw.ellipse((x + 4, y + size * 0.55, x + 13, y + size * 0.55 + 9), fill=self.accent)
            y = self.text(x + 36, y, item, size, right=right or self.width - 40) + size * 0.35
        return y

    def table(self, rows, y, widths, size=25, x=44):
        height = size * 1.75
        for i, row in enumerate(rows):
            if i == 0:
                self.draw.rectangle((x, y, x + sum(widths), y + height), fill=self.accent)
            elif i % 2 == 0:
                self.draw.rectangle((x, y, x + sum(widths), y + height), fill=tuple(min(255, 232 + c // 12) for c in self.accent))
            at = x
            for j, (cell, width) in enumerate(zip(row, widths)):
                ink = PAPER if i == 0 else self.ink
                if j == 0:
                    self.text(at + 12, y + size * 0.28, cell, size, bold=i == 0, ink=ink)
                else:
                    self.text(at + width - 12, y + size * 0.28, cell, size, bold=i == 0, ink=ink, align="right")
                at += width
            y += height
        self.draw.rectangle((x, y - height * len(rows), x + sum(widths), y), outline=self.accent, width=2)
        return y + 20

    def bar_chart(self, labels, values, box, unit=""):
        x, y, w, h = box
        top = max(values) * 1.1
        for i in range(5):
            at = y + h - h * i / 4
            self.draw.line((x, at, x + w, at), fill=(215, 220, 225))
        step = w / len(values)
        for i, (label, value) in enumerate(zip(labels, values)):
            left, right, height = x + i * step + step * 0.2, x + (i + 1) * step - step * 0.2, h * value / top
            self.draw.rectangle((left, y + h - height, right, y + h), fill=self.accent)
            self.text((left + right) / 2, y + h - height - 32, f"{value:g}{unit}", 22, align="centre")
            self.text((left + right) / 2, y + h + 10, label, 24, align="centre")
        self.axes(box)

    def line_chart(self, labels, series, box):
        x, y, w, h = box
        top = max(v for values in series.values() for v in values) * 1.1
        for i in range(5):
            at = y + h - h * i / 4
            self.draw.line((x, at, x + w, at), fill=(215, 220, 225))
        for colour, (name, values) in zip(SERIES, series.items()):
            points = [(x + w * (i + 0.5) / len(values), y + h - h * v / top) for i, v in enumerate(values)]
            self.draw.line(points, fill=colour, width=5, joint="curve")
            for px, py in points:
                self.draw.ellipse((px - 6, py - 6, px + 6, py + 6), fill=colour)
            self.text(points[-1][0] + 14, points[-1][1] - 14, name, 22, bold=True, ink=colour)
        for i, label in enumerate(labels):
            self.text(x + w * (i + 0.5) / len(labels), y + h + 10, label, 23, align="centre")
        self.axes(box)

    def pie_chart(self, labels, values, centre, radius):
        cx, cy = centre
        start, total = -90.0, sum(values)
        for i, (label, value) in enumerate(zip(labels, values)):
            end = start + 360 * value / total
            self.draw.pieslice((cx - radius, cy - radius, cx + radius, cy + radius), start, end, fill=SERIES[i], outline=PAPER, width=3)
            start = end
            y = cy - radius + 14 + i * 52
            self.draw.rectangle((cx + radius + 50, y, cx + radius + 76, y + 26), fill=SERIES[i])
            self.text(cx + radius + 90, y - 4, f"{label} {value:g}%", 26)

    def axes(self, box):
        x, y, w, h = box
        self.draw.line((x, y, x, y + h), fill=self.ink, width=2)
        self.draw.line((x, y + h, x + w, y + h), fill=self.ink, width=2)

    def box(self, x, y, w, h, lines, filled=False):
        """A rounded box with centred lines, the first of them bold."""
        self.draw.rounded_rectangle((x, y, x + w, y + h), 10, fill=self.accent if filled else None, outline=self.accent, width=3)
        at = y + (h - 30 * len(lines)) / 2
        for i, line in enumerate(lines):
            self.text(x + w / 2, at, line, 22, bold=i == 0, ink=PAPER if filled else self.ink, align="centre")
            at += 30

    def field(self, x, y, label, width, value=""):
        self.text(x, y, label, 22, bold=True)
        self.draw.rectangle((x, y + 32, x + width, y + 72), outline=FAINT, width=2)
        if value:
            self.text(x + 10, y + 37, value, 23)
        return y + 88


def quantized(image):
    return image.quantize(COLOURS, dither=Image.Dither.NONE)


def own_pages(out):
    for name, title, draw in content.PAGES:
        sheet = draw(Sheet)
        quantized(sheet.image).save(out / name, optimize=True)
        yield {"file": name, "title": title, "origin": "written for this demo", "licence": "BSD-3-Clause", "words": sheet.words}


def document_pages(packages, out):
    for i, (source, file, number, left, top, title) in enumerate(content.CROPS):
        pdf = documents.as_pdf(packages, source, source.files[file])
        crop = documents.crop_at(pdf, number, left, top)
        name = f"document-{i + 1:02d}.png"
        quantized(crop.image).save(out / name, optimize=True)
        words = [dict(zip(("text", "x0", "y0", "x1", "y1"), word)) for word in crop.words]
        yield {"file": name, "title": title, "origin": f"{source.title}, page {number} (Debian package {source.package})",
               "licence": source.licence, "words": words}


def main():
    packages, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    made = list(own_pages(out)) + list(document_pages(packages, out))
    (out / "pages.json").write_text(json.dumps(made, ensure_ascii=False, separators=(",", ":")).replace('},{"file"', '},\n{"file"') + "\n")
    (out / "questions.json").write_text(json.dumps(content.QUESTIONS, indent=1) + "\n")
    print(len(made), "pages,", sum(f.stat().st_size for f in out.glob("*.png")) // 1024, "KiB")


if __name__ == "__main__":
    main()
