"""Real documents whose licences let excerpts be shipped, as square crops.

PDFs are taken as they are. HTML is printed to PDF (weasyprint) in a face of our
choice, so that the sets hold more faces than PDFs alone would bring.
"""

import dataclasses
import gzip
import html.parser
import io
import re
import subprocess
import xml.etree.ElementTree

from PIL import Image

CROP_POINTS = 200      # side of a crop on paper: 10 point text becomes 22 pixels of 448
SIDE = 448
RESOLUTION = SIDE / CROP_POINTS * 72
LEFT_MARGINS = (58, 66, 72)


@dataclasses.dataclass(frozen=True)
class Source:
    """A document: files inside an unpacked Debian package, and the face for HTML."""
    title: str
    package: str
    files: tuple
    licence: str
    face: str = ""


DOC = "usr/share/doc/"
FROZEN = (
    Source("LibTomMath user manual", "libtommath-doc", (DOC + "libtommath-doc/bn.pdf.gz",), "public domain"),
    Source("ReportLab user guide", "python-reportlab-doc", (DOC + "python-reportlab-doc/reportlab-userguide.pdf",), "BSD-3-Clause"),
    Source("SQLite documentation", "sqlite3-doc",
           tuple(DOC + f"sqlite3/{n}.html" for n in ("atomiccommit", "howtocorrupt", "faq", "isolation", "whentouse", "testing")),
           "public domain", "Caladea"),
    Source("PostgreSQL documentation", "postgresql-doc-15",
           tuple(DOC + f"postgresql-doc-15/html/{n}.html" for n in
                 ("tutorial-concepts", "mvcc-intro", "wal-intro", "routine-vacuuming", "backup-dump", "planner-stats", "history")),
           "PostgreSQL", "Lato"),
    Source("SciPy documentation", "python-scipy-doc",
           tuple(DOC + f"python-scipy-doc/html/{n}.html" for n in
                 ("tutorial/optimize", "tutorial/interpolate", "tutorial/stats", "tutorial/ndimage", "tutorial/fft")),
           "BSD-3-Clause", "Cantarell"),
)


@dataclasses.dataclass
class Crop:
    image: Image.Image
    text: str
    words: list  # of (text, x0, y0, x1, y1) in pixels of the crop


def pages_of(packages, sources):
    """Returns {title: [(pdf, page number)]}; title and contents pages are left out."""
    found = {}
    for source in sources:
        found[source.title] = []
        for file in source.files:
            pdf = as_pdf(packages, source, file)
            first, last = (1, page_count(pdf)) if source.face else (8, page_count(pdf) - 2)
            found[source.title] += [(pdf, n) for n in range(first, last + 1)]
    return found


def as_pdf(packages, source, name):
    """The PDF of one of the source's files, made once."""
    file = packages / source.package / name
    made = packages / "pdf" / f"{source.package}-{file.name.split('.')[0]}.pdf"
    made.parent.mkdir(exist_ok=True)
    if made.exists():
        return made
    if file.suffix == ".html":
        body = Plain.of(file.read_text("utf-8", errors="replace"))
        style = f"@page {{ size: A4; margin: 25mm }} body {{ font: 10pt '{source.face}'; line-height: 1.3 }} pre {{ font-size: 8.5pt }}"
        simple = f"<meta charset=utf-8><style>{style}</style><body>{body}"
        subprocess.run(["weasyprint", "-q", "-", str(made)], input=simple.encode(), check=True)
    else:
        made.write_bytes(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
    return made


class Plain(html.parser.HTMLParser):
    """Keeps the text and its blocks; drops navigation, scripts, images and all attributes."""

    KEPT = {"p", "h1", "h2", "h3", "h4", "ul", "ol", "li", "pre", "blockquote", "dl", "dt", "dd", "b", "i", "em", "strong", "code"}
    DROPPED = {"head", "script", "style", "nav", "svg", "table", "footer", "button", "form"}

    @classmethod
    def of(cls, source):
        parser = cls()
        parser.parts, parser.hidden = [], 0
        parser.feed(source)
        return "".join(parser.parts)

    def handle_starttag(self, tag, attrs):
        if tag in self.DROPPED:
            self.hidden += 1
        elif tag in self.KEPT and not self.hidden:
            self.parts.append(f"<{tag}>")

    def handle_endtag(self, tag):
        if tag in self.DROPPED:
            self.hidden = max(0, self.hidden - 1)
        elif tag in self.KEPT and not self.hidden:
            self.parts.append(f"</{tag}>")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data.replace("&", "&amp;").replace("<", "&lt;"))


def page_count(pdf):
    information = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
    return int(re.search(r"Pages:\s+(\d+)", information).group(1))


def crop(candidates, r):
    """A random crop of a random page, or None where there is too little text."""
    pdf, number = r.choice(candidates)
    return crop_at(pdf, number, r.choice(LEFT_MARGINS), r.randint(60, 520))


def crop_at(pdf, number, left, top):
    """The crop whose corner is at (left, top) points, or None where there is too little text."""
    words = words_in(pdf, number, left, top)
    lines = as_lines(words)
    if sum(len(line.split()) >= 4 for line in lines) < 6:
        return None
    x, y = (str(int(v * RESOLUTION / 72)) for v in (left, top))
    png = subprocess.run(["pdftoppm", "-png", "-f", str(number), "-l", str(number), "-r", str(RESOLUTION), "-x", x, "-y", y,
                          "-W", str(SIDE), "-H", str(SIDE), str(pdf)], capture_output=True, check=True).stdout
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return Crop(image, "\n".join(lines), words) if image.size == (SIDE, SIDE) else None


def words_in(pdf, number, left, top):
    """Words that lie wholly inside the crop, with their boxes in its pixels."""
    xhtml = subprocess.run(["pdftotext", "-bbox", "-f", str(number), "-l", str(number), str(pdf), "-"],
                           capture_output=True, text=True, check=True).stdout
    xhtml = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", xhtml)
    scale, found = SIDE / CROP_POINTS, []
    for word in xml.etree.ElementTree.fromstring(xhtml).iter("{http://www.w3.org/1999/xhtml}word"):
        x0, x1 = ((float(word.get(k)) - left) * scale for k in ("xMin", "xMax"))
        y0, y1 = ((float(word.get(k)) - top) * scale for k in ("yMin", "yMax"))
        if x0 >= 0 and y0 >= 0 and x1 <= SIDE and y1 <= SIDE and word.text:
            found.append((word.text, round(x0), round(y0), round(x1), round(y1)))
    return found


def as_lines(words):
    """The words as lines of text, top to bottom."""
    lines = []
    for word in words:
        middle = (word[2] + word[4]) / 2
        if lines and lines[-1][-1][2] <= middle <= lines[-1][-1][4] and word[1] >= lines[-1][-1][1]:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [" ".join(w[0] for w in line) for line in lines]
