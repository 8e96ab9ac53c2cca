"""Trains the demo model.

    python train.py WORK RUN --minutes 80

reads WORK/text and WORK/tokenizer.json, keeps RUN/checkpoint.pt and RUN/log.jsonl.
May be stopped (SIGTERM saves) and started again at any time: the schedule is a
function of the share of the time budget that is spent, so a busy machine means
fewer pages, not a broken schedule.

What made it learn (each found by experiment): the renderer knows the box of every
word, so every query token is told which cells it must match; a head that names
single characters on the 8-pixel map gets the tower off the ground; small batches;
token embeddings that start from spelling; sizes from large to small.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import random
import re
import signal
import time

import numpy as np
import torch
from torch.nn import functional

import model as tiny
import pages
import tokenizer

CELL = 16
GRID = pages.SIDE // CELL
FINE = pages.SIDE // 8       # character map
MAX_CELLS = 12               # of one region that the loss looks at
MAX_QUERY_TOKENS = 13
SPANS = 24                   # word spans asked of a page
STOP_WORDS = set("the a an of to in and or is are be for on with by as at it this that from not if".split())
NOT_SPELLED = re.compile("[^a-z0-9]+")
IGNORE = -100


def letters(word):
    return NOT_SPELLED.sub("", word.lower())


@dataclasses.dataclass
class Phase:
    """A part of training, up to a share of the time budget; the learning rate runs linearly."""
    until: float
    rate: tuple
    batch: int
    through_language_model: bool = False
    page_weight: float = 1.0
    spelling_weight: float = 0.3


PHASES = [
    Phase(0.15, (2.5e-3, 2.2e-3), 3, page_weight=0.5, spelling_weight=1.0),
    Phase(0.40, (2.2e-3, 1.7e-3), 4, page_weight=0.5, spelling_weight=1.0),
    Phase(0.75, (1.5e-3, 7e-4), 4),
    Phase(1.00, (7e-4, 1e-5), 4, through_language_model=True),
]
LAST_PHASE_ONLY = [Phase(1.0, (8e-4, 2e-5), 4, through_language_model=True)]  # to look at a half-trained model in its final form
WARM_UP_STEPS = 60
CURRICULUM_STEPS = 1500


def phase_at(phases, share):
    """Returns (phase, learning rate) at a share of the budget."""
    start = 0.0
    for phase in phases:
        if share < phase.until or phase is phases[-1]:
            t = min(1.0, (share - start) / (phase.until - start))
            return phase, phase.rate[0] + (phase.rate[1] - phase.rate[0]) * t
        start = phase.until
    raise AssertionError("phases are never empty")


class Batches(torch.utils.data.IterableDataset):
    """Renders batches from step on, each from its own seed."""

    def __init__(self, work, step, batch):
        self.work, self.step, self.batch = work, step, batch

    def __iter__(self):
        self.text = pages.Text.load(self.work, "train")
        self.faces = pages.Faces.training()
        self.encoder = tokenizer.Encoder(pathlib.Path(self.work) / "tokenizer.json")
        while True:
            yield BatchBuilder(self, random.Random(self.step * 7919)).build()
            self.step += 1

    def render(self, r):
        progress = min(1.0, self.step / CURRICULUM_STEPS)
        self.faces.common_share = 0.9 - 0.45 * progress
        low, high = 14 - 2.5 * progress, 32 - 4 * progress
        if r.random() < 0.6:
            return pages.runs_page(r, self.text, self.faces, low, high)
        return pages.slide_page(r, self.text, self.faces, (low, max(low + 4, high * 0.65)), (max(16, low), max(24, high)))


class BatchBuilder:
    """Turns rendered pages into the tensors of one training step.

    A region is a list of cells; its labels are the word written there, or the words that
    name the figure. A query token that carries a label must find its own region; other
    regions with the same label are neither right nor wrong.
    """

    def __init__(self, source, r):
        self.source, self.r = source, r
        self.queries, self.regions, self.labels, self.spellings = [], [], [], []
        self.label_ids = {}

    def build(self):
        images, characters = [], []
        for index in range(self.source.batch):
            page = self.source.render(self.r)
            images.append(page.image)
            characters.append(character_map(page))
            self.ask_words(page, index)
            self.ask_figures(page, index)
        return self.tensors(images, characters)

    def label(self, word):
        return self.label_ids.setdefault(word, len(self.label_ids))

    def add_region(self, index, cells, labels, spelled):
        self.regions.append([index * GRID * GRID + c for c in cells])
        self.labels.append([self.label(w) for w in labels])
        self.spellings.append(tiny.spelling(spelled))
        return len(self.regions) - 1

    def ask_words(self, page, index):
        r, spans = self.r, []
        for block in page.blocks:
            i = 0
            while i < len(block):
                n = r.choice([1, 1, 2, 2, 3])
                spans.append(block[i:i + n])
                i += n
        r.shuffle(spans)
        for span in spans[:SPANS]:
            parts = []  # (text to ask, region, label)
            for word in (page.words[i] for i in span):
                name = letters(word.text)
                skip_stop_word = len(span) > 2 and name in STOP_WORDS and r.random() < 0.5
                cells = word_cells(word)
                if not name or not cells or skip_stop_word:
                    continue
                region = self.add_region(index, cells, [name], name)
                asked = word.text.strip(".,;:()\"'") if r.random() < 0.7 else name
                parts.append((asked, region, self.label(name)))
            self.add_query(parts, index)

    def ask_figures(self, page, index):
        for kind, *box in page.figures:
            cells = box_cells(*box)
            if not cells:
                continue
            self.r.shuffle(cells)
            words = kind.split()
            region = self.add_region(index, cells[:MAX_CELLS], words, words[0])
            self.add_query([(w, region, self.label(w)) for w in words], index)

    def add_query(self, parts, index):
        if not parts:
            return
        ids, regions, labels = [tokenizer.BOS], [-1], [-1]
        for asked, region, label in parts:
            tokens = self.source.encoder.word(asked.lower())
            ids += tokens
            regions += [region] * len(tokens)
            labels += [label] * len(tokens)
        self.queries.append((ids[:MAX_QUERY_TOKENS], regions[:MAX_QUERY_TOKENS], labels[:MAX_QUERY_TOKENS], index))

    def tensors(self, images, characters):
        length = max(len(q[0]) for q in self.queries)
        pad = lambda rows, fill, n: torch.tensor([row + [fill] * (n - len(row)) for row in rows])
        ids = pad([q[0] for q in self.queries], tokenizer.PAD, length)
        regions = pad(self.regions, -1, MAX_CELLS)
        return {
            "images": torch.from_numpy(np.stack(images)),
            "characters": torch.from_numpy(np.stack(characters)),
            "ids": ids,
            "mask": (ids != tokenizer.PAD).float(),
            "token_region": pad([q[1] for q in self.queries], -1, length),
            "token_label": pad([q[2] for q in self.queries], -1, length),
            "query_page": torch.tensor([q[3] for q in self.queries]),
            "region_cells": regions.clamp(min=0),
            "region_mask": regions >= 0,
            "region_labels": pad(self.labels, -2, 2),
            "region_spelling": torch.stack(self.spellings),
        }


def word_cells(word):
    """The cells that a word covers, without those that its box only touches above and below."""
    height = word.y1 - word.y0
    return box_cells(word.x0, word.y0 + height * 0.25, word.x1, word.y0 + height * 0.8)[:MAX_CELLS]


def box_cells(x0, y0, x1, y1):
    last = pages.SIDE - 1
    columns = range(max(0, int(x0 // CELL)), int(min(last, x1) // CELL) + 1)
    rows = range(max(0, int(y0 // CELL)), int(min(last, y1) // CELL) + 1)
    return [y * GRID + x for y in rows for x in columns]


def character_map(page):
    """Which character has its middle in each 8-pixel square; the rest of a word's box is left open."""
    target = np.full((FINE, FINE), tiny.CHARACTER_NONE, np.int64)
    for w in page.words:
        top, bottom = max(0, int(w.y0 // 8)), max(0, int(w.y1 // 8))
        target[top:bottom + 1, max(0, int(w.x0 // 8)):max(0, int(w.x1 // 8)) + 1] = IGNORE
    for w in page.words:
        row = int((w.y0 + w.y1) / 16)
        if not 0 <= row < FINE:
            continue
        for character, centre in zip(w.text.lower(), w.centres):
            column = int(centre // 8)
            if 0 <= column < FINE:
                target[row, column] = tiny.CHARACTER_INDEX.get(character, tiny.CHARACTER_OTHER)
    return target


def losses(model, batch, prompt, phase):
    """Returns (loss, figures for the log)."""
    pixels = batch["images"].permute(0, 3, 1, 2).float() / 127.5 - 1
    vectors, image_hidden, fine = model.pages(pixels, prompt, phase.through_language_model)
    queries, hidden = model.queries(batch["ids"], batch["mask"])
    scale = model.logit_scale.exp().clamp(max=40)

    region_loss, token_accuracy = match_regions(vectors, queries, batch, scale)
    page_loss, page_accuracy = match_pages(vectors, queries, batch, scale)
    character_loss, character_accuracy = name_characters(model, fine, batch["characters"])
    token_spelling = spell_tokens(model, hidden, batch)
    cell_spelling = spell_cells(model, image_hidden, batch)

    spelling_loss = token_spelling + cell_spelling
    loss = region_loss + phase.page_weight * page_loss + character_loss + phase.spelling_weight * spelling_loss
    return loss, {"region": region_loss, "page": page_loss, "character": character_loss, "spelling": token_spelling, "cell_spelling": cell_spelling,
                  "token_acc": token_accuracy, "page_acc": page_accuracy, "char_acc": character_accuracy, "scale": scale}


def match_regions(vectors, queries, batch, scale):
    """Contrast between query tokens and the regions of the whole batch, in both directions."""
    cells = vectors[:, :GRID * GRID].reshape(-1, vectors.shape[-1])
    asked = batch["token_region"] >= 0
    tokens, own, label = queries[asked], batch["token_region"][asked], batch["token_label"][asked]
    count, width = batch["region_cells"].shape
    similarity = (tokens @ cells[batch["region_cells"].view(-1)].T).view(len(tokens), count, width)
    similarity = similarity.masked_fill(~batch["region_mask"], -2).amax(-1) * scale
    same = (label[:, None, None] == batch["region_labels"][None]).any(-1)
    own_only = functional.one_hot(own, count).bool()
    contrast = similarity.masked_fill(same & ~own_only, -1e4)
    to_region = functional.cross_entropy(contrast, own)
    # Regions whose tokens were all cut off have nothing to find.
    found = same.any(0)
    to_token = torch.logsumexp(similarity, 0) - torch.logsumexp(similarity.masked_fill(~same, -1e4), 0)
    accuracy = (contrast.argmax(1) == own).float().mean()
    return (to_region + to_token[found].mean()) / 2, accuracy


def match_pages(vectors, queries, batch, scale):
    """Late interaction as in search: the sum of the tokens' best matches must pick the page."""
    present = batch["mask"].bool()
    best = (queries[present] @ vectors.reshape(-1, vectors.shape[-1]).T).view(-1, *vectors.shape[:2]).amax(-1).float()
    owner = present.nonzero()[:, 0]
    scores = torch.zeros(len(queries), len(vectors)).index_add_(0, owner, best)
    accuracy = (scores.argmax(1) == batch["query_page"]).float().mean()
    return functional.cross_entropy(scores * scale * 0.35, batch["query_page"]), accuracy


def name_characters(model, fine, target):
    logits = model.character_head(fine).float().permute(0, 2, 3, 1).reshape(-1, len(tiny.ALPHABET) + 2)
    target = target.flatten()
    # Background is nearly everything: a few of its squares are enough.
    dropped = (target == tiny.CHARACTER_NONE) & (torch.rand(target.shape) > 0.04)
    target = target.masked_fill(dropped, IGNORE)
    written = (target >= 0) & (target < tiny.CHARACTER_NONE)
    accuracy = (logits.argmax(1) == target)[written].float().mean()
    return functional.cross_entropy(logits, target, ignore_index=IGNORE), accuracy


def spell_tokens(model, hidden, batch):
    """Every query token must spell the word it belongs to."""
    asked = batch["token_region"] >= 0
    return spell(model, hidden[asked], batch["region_spelling"][batch["token_region"][asked]])


def spell_cells(model, hidden, batch):
    """One cell of every region must spell it too, through the same head: this is what first
    brings the image side to the text side, long before the contrast does."""
    count = batch["region_mask"].sum(1)
    chosen = (torch.rand(len(count)) * count).long()
    cells = batch["region_cells"][torch.arange(len(count)), chosen]
    hidden = hidden[:, :GRID * GRID].reshape(-1, hidden.shape[-1])
    return spell(model, hidden[cells], batch["region_spelling"])


def spell(model, hidden, target):
    logits = model.spelling_head(hidden).float()
    return functional.binary_cross_entropy_with_logits(logits, target.float(), pos_weight=torch.tensor(4.0))


def optimizer_for(model):
    embeddings = model.language_model.embed_tokens.weight
    matrices = [p for p in model.parameters() if p.ndim > 1 and p is not embeddings]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": 0.02, "times": 1}, {"params": vectors, "weight_decay": 0.0, "times": 1},
              {"params": [embeddings], "weight_decay": 0.0, "times": 3}]
    return torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.98), fused=True)


class Trainer:
    def __init__(self, options):
        self.options = options
        self.run = pathlib.Path(options.run)
        self.run.mkdir(parents=True, exist_ok=True)
        self.budget = options.minutes * 60
        self.phases = LAST_PHASE_ONLY if options.last_phase_only else PHASES
        encoder = tokenizer.Encoder(pathlib.Path(options.work) / "tokenizer.json")
        self.prompt = torch.tensor(encoder.prompt())
        torch.manual_seed(0)
        self.model = tiny.TinyColPali(tiny.Config()).to(memory_format=torch.channels_last)
        self.model.start_embeddings_from_spelling(encoder.pieces())
        self.optimizer = optimizer_for(self.model)
        self.step, self.shown, self.spent = 0, 0, 0.0
        self.stopping = False
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, *_):
        self.stopping = True

    def resume(self):
        path = self.run / "checkpoint.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.shown, self.spent = state["step"], state["pages"], state["spent"]
        if self.options.last_phase_only and not state["last_phase_only"]:
            self.spent = 0.0
        torch.manual_seed(self.step)

    def save(self, name="checkpoint.pt"):
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(), "step": self.step, "pages": self.shown,
                 "spent": self.spent, "config": dataclasses.asdict(self.model.config), "last_phase_only": self.options.last_phase_only}
        torch.save(state, self.run / (name + ".part"))
        os.replace(self.run / (name + ".part"), self.run / name)

    def batches(self, size):
        source = Batches(self.options.work, self.step, size)
        return iter(torch.utils.data.DataLoader(source, batch_size=None, num_workers=1, prefetch_factor=8,
                                                worker_init_fn=lambda _: torch.set_num_threads(1)))

    def train(self):
        self.resume()
        log = (self.run / "log.jsonl").open("a")
        sums, count, started, size = {}, 0, time.time(), None
        before = self.spent
        saved = snapshot = self.spent
        self.model.train()
        while self.spent < self.budget and not self.stopping:
            phase, rate = phase_at(self.phases, self.spent / self.budget)
            if phase.batch != size:
                size, source = phase.batch, self.batches(phase.batch)
            figures = self.one_step(next(source), phase, rate * min(1, (self.step + 1) / WARM_UP_STEPS))
            self.step, self.shown, count = self.step + 1, self.shown + size, count + 1
            self.spent = before + time.time() - started
            for key, value in figures.items():
                sums[key] = sums.get(key, 0) + float(value)
            if self.step % 100 == 0:
                line = {"step": self.step, "pages": self.shown, "seconds": round(self.spent), "rate": round(rate, 6)}
                line.update({key: round(value / count, 3) for key, value in sums.items()})
                print(json.dumps(line), file=log, flush=True)
                sums, count = {}, 0
            if self.spent - saved > 120:
                saved = self.spent
                self.save()
            if self.spent - snapshot > 600:  # for the learning curve
                snapshot = self.spent
                self.save(f"at-{round(self.spent / 60):03d}-minutes.pt")
        self.save()

    def one_step(self, batch, phase, rate):
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["times"]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss, figures = losses(self.model, batch, self.prompt, phase)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 2.0)
        self.optimizer.step()
        return {key: value.detach() for key, value in figures.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", help="folder with text/ and tokenizer.json")
    parser.add_argument("run", help="folder of the checkpoint, made when missing")
    parser.add_argument("--minutes", type=float, default=80, help="the whole time budget, over all starts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--last-phase-only", action="store_true", help="finish an early checkpoint to look at it")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    Trainer(options).train()
    os._exit(0)  # the rendering worker never ends by itself


if __name__ == "__main__":
    main()
