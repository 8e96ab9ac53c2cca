"""Builds the two frozen evaluation sets of the demo model.

    python evalsets.py generated WORK OUT
    python evalsets.py documents PACKAGES OUT

generated: pages in faces and text that training never shows, large type.
documents: crops of real documents, 200 points wide, so that 10 point text stands
22 pixels high. PACKAGES holds one folder per unpacked Debian package
(`dpkg -x NAME.deb PACKAGES/NAME`); documents.py names them.

A set is a folder of page images with pages.json (file, true text, origin) and
queries.json (query, relevant pages, kind). The sets are built once and committed:
they must stay as they are, or figures cannot be compared over time.
"""

import json
import pathlib
import random
import re
import sys

import numpy as np
from PIL import Image

import documents
import pages
import text as prepared

GENERATED_PAGES = 100
DOCUMENT_PAGES = 100
COLOURS = 48  # of a stored page: text needs few, and the repository stays small
# The word list and WordNet hold every English word; pages with these stems are not shipped.
UNFIT = re.compile(r"sex|masturb|rape|nigg|fuck|shit|whore|porn|slut|penis|vagin|nazi|slave|murder|fag|homo|gyps|suicid|genital|incest"
                   r"|prostit|erotic|hooker|strippe|bastard|bitch|damn|terroris|negro|savage|cripple|breast|nude|naked|orgas|semen|urin|feces",
                   re.IGNORECASE)
STOP_WORDS = set("the a an of to in and or is are be for on with by as at it this that from not if can you your will has have its was which".split())


def content_words(words):
    """The words worth asking for, without punctuation around them."""
    stripped = [w.strip(".,;:()\"'[]*`") for w in words]
    return [w for w in stripped if any(c.isalnum() for c in w) and w.lower() not in STOP_WORDS]


class Set:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "pages").mkdir(parents=True, exist_ok=True)
        self.pages, self.queries = [], []

    def add_page(self, image, true_text, origin):
        name = f"pages/{len(self.pages):03d}.png"
        small = Image.fromarray(np.asarray(image)).quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(self.folder / name, optimize=True)
        self.pages.append({"file": name, "text": true_text, "origin": origin})
        return name

    def ask(self, words, relevant, kind):
        self.queries.append({"query": " ".join(words).lower(), "pages": relevant, "kind": kind})

    def save(self):
        (self.folder / "pages.json").write_text(json.dumps(self.pages, indent=1) + "\n")
        (self.folder / "queries.json").write_text(json.dumps(self.queries, indent=1) + "\n")
        print(len(self.pages), "pages,", len(self.queries), "queries in", self.folder)


def generated(work, out):
    r, made = random.Random(11), Set(out)
    text, faces = pages.Text.load(work, "test"), pages.Faces.held_out()
    figures = {}
    for _ in range(GENERATED_PAGES):
        page = readable_page(r, text, faces)
        words = [w.text for w in page.words]
        name = made.add_page(page.image, " ".join(words), "rendered by evalsets.py")
        ask_generated(made, r, page, words, name)
        for kind in {kind for kind, *_ in page.figures}:
            figures.setdefault(kind, []).append(name)
    for kind in sorted(figures):
        made.ask(kind.split(), figures[kind], "figure")
    made.save()


def readable_page(r, text, faces):
    while True:
        page = pages.slide_page(r, text, faces, (13, 22), (20, 36), augment=False)
        if len(page.words) >= 12 and len(page.blocks) >= 3 and not any(UNFIT.search(w.text) for w in page.words):
            return page


def ask_generated(made, r, page, words, name):
    title = content_words([words[i] for i in page.blocks[0]])
    if title:
        made.ask(title, [name], "title")
    for _ in range(2):
        block = r.choice(page.blocks[1:])
        length = r.randint(2, 5)
        start = r.randrange(max(1, len(block) - length + 1))
        span = content_words([words[i] for i in block[start:start + length + 1]])
        if len(span) >= 2:
            made.ask(span, [name], "span")
    unseen = [w for w in content_words(words) if prepared.is_held_out(w)]
    if unseen and r.random() < 0.8:
        made.ask(r.sample(unseen, min(2, len(unseen))), [name], "unseen words")


def document_crops(packages, out):
    r, made = random.Random(15), Set(out)
    sources = documents.pages_of(pathlib.Path(packages), documents.FROZEN)
    names = list(sources)
    while len(made.pages) < DOCUMENT_PAGES:
        source = names[len(made.pages) % len(names)]  # the same number of crops from each
        crop = documents.crop(sources[source], r)
        if crop is None:
            continue
        name = made.add_page(crop.image, crop.text, source)
        for span in telling_spans(r, crop.text):
            made.ask(span, [name], "span")
    made.save()


def telling_spans(r, text):
    """Up to two spans of a line each, with enough content to mean one page rather than another."""
    lines = [line.split()[1:-1] for line in text.splitlines()[1:-1] if len(line.split()) >= 4]  # ends may be cut by the crop
    found = []
    for _ in range(12):
        line, length = r.choice(lines), r.randint(3, 5)
        start = r.randrange(max(1, len(line) - length + 1))
        span = content_words(line[start:start + length])
        if len(span) >= 2 and sum(len(w) >= 4 for w in span) >= 2 and span not in found:
            found.append(span)
    return found[:2]


def main():
    kind, source, out = sys.argv[1:4]
    {"generated": generated, "documents": document_crops}[kind](source, out)


if __name__ == "__main__":
    main()
