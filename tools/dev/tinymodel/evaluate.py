"""Measures an exported demo model on the frozen sets, beside BM25 and random order.

    python evaluate.py SET MODEL_FOLDER

runs the two ONNX graphs as the server does (manifest, token ids, MaxSim) and prints,
per kind of query, nDCG@5, R@1 (a relevant page comes first) and R@5. BM25 reads the
pages' true text, so it is a ceiling for a reader of words, not a rival.
"""

import collections
import json
import math
import pathlib
import re
import sys
import time

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer

DEPTH = 5


class FrozenSet:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.pages = json.loads((self.folder / "pages.json").read_text())
        self.queries = json.loads((self.folder / "queries.json").read_text())
        index = {page["file"]: i for i, page in enumerate(self.pages)}
        self.relevant = [{index[file] for file in query["pages"]} for query in self.queries]

    def images(self):
        for page in self.pages:
            yield np.asarray(Image.open(self.folder / page["file"]).convert("RGB"))


class Model:
    """An exported model folder, run by ONNX Runtime on two threads."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.manifest = json.loads((folder / "colpali.json").read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work may share the machine
        self.vision, self.text = (
            onnxruntime.InferenceSession(str(folder / self.manifest["graph"][g]["file"]), options, providers=["CPUExecutionProvider"])
            for g in ("vision", "text"))

    def page(self, image):
        """uint8 [H, W, 3] of the model's own size -> [vectors, dim]."""
        spec, page = self.manifest["image"], self.manifest["page"]
        size = spec["square"]["width"], spec["square"]["height"]
        if image.shape != (*reversed(size), 3):
            resized = Image.fromarray(image).resize(size, Image.BICUBIC)
            image = np.asarray(resized)
        pixels = (image.astype(np.float32) * np.float32(spec["rescale"]) - np.float32(spec["mean"])) / np.float32(spec["std"])
        features = self.vision.run(None, {"pixel_values": pixels.transpose(2, 0, 1)[None]})[0]
        ids = page["prefix_ids"] + [page["image_token_id"]] * len(features[0]) + page["suffix_ids"]
        return self.embed(ids, features[0])

    def query(self, text):
        spec = self.manifest["query"]
        words = self.tokenizer.encode(spec["prefix_text"] + text, add_special_tokens=False).ids
        room = spec["max_tokens"] - len(spec["prefix_ids"]) - len(spec["suffix_ids"])
        nothing = np.zeros((1, self.manifest["graph"]["image_feature_width"]), np.float32)
        return self.embed(spec["prefix_ids"] + words[:room] + spec["suffix_ids"], nothing)

    def embed(self, ids, features):
        ids = np.array([ids], np.int64)
        return self.text.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "image_features": features})[0][0]


def max_sim_scores(model, frozen):
    """Returns (scores [queries, pages], milliseconds a page, milliseconds a query)."""
    started = time.perf_counter()
    pages = [model.page(image) for image in frozen.images()]
    per_page = (time.perf_counter() - started) / len(pages)
    started = time.perf_counter()
    queries = [model.query(q["query"]) for q in frozen.queries]
    per_query = (time.perf_counter() - started) / len(queries)
    scores = np.array([[(q @ page.T).max(1).sum() for page in pages] for q in queries])
    return scores, per_page * 1e3, per_query * 1e3


def bm25_scores(frozen, k1=1.2, b=0.75):
    words = lambda text: re.findall(r"[a-z0-9]+", text.lower())
    documents = [collections.Counter(words(page["text"])) for page in frozen.pages]
    lengths = np.array([sum(d.values()) for d in documents])
    found_in = collections.Counter(w for d in documents for w in d)
    # Ties are broken at random, not by the order of the pages.
    scores = np.random.default_rng(0).random((len(frozen.queries), len(documents))) * 1e-6
    for i, query in enumerate(frozen.queries):
        for word in words(query["query"]):
            n = found_in[word]
            frequency = np.array([d[word] for d in documents])
            rarity = math.log(1 + (len(documents) - n + 0.5) / (n + 0.5))
            scores[i] += rarity * frequency * (k1 + 1) / (frequency + k1 * (1 - b + b * lengths / lengths.mean()))
    return scores


def random_scores(frozen):
    return np.random.default_rng(1).random((len(frozen.queries), len(frozen.pages)))


def figures(scores, frozen, kinds=None):
    """Mean nDCG@5, R@1 and R@5 over the queries of these kinds."""
    rows = []
    for row, relevant, query in zip(scores, frozen.relevant, frozen.queries):
        if kinds and query["kind"] not in kinds:
            continue
        hits = [page in relevant for page in np.argsort(-row, kind="stable")[:DEPTH]]
        gain = sum(hit / math.log2(rank + 2) for rank, hit in enumerate(hits))
        ideal = sum(1 / math.log2(rank + 2) for rank in range(min(DEPTH, len(relevant))))
        rows.append((gain / ideal, hits[0], any(hits)))
    mean = np.mean(rows, axis=0)
    return {"queries": len(rows), "nDCG@5": round(float(mean[0]), 3), "R@1": round(float(mean[1]), 3), "R@5": round(float(mean[2]), 3)}


def main():
    frozen, model = FrozenSet(sys.argv[1]), Model(sys.argv[2])
    scores, per_page, per_query = max_sim_scores(model, frozen)
    kinds = sorted({q["kind"] for q in frozen.queries})
    words = [kind for kind in kinds if kind != "figure"]  # figures are not read but seen: never part of the floor
    print("model     ", figures(scores, frozen, words), f"{per_page:.1f} ms a page, {per_query:.1f} ms a query")
    for kind in kinds:
        print(f"  {kind:8}", figures(scores, frozen, [kind]))
    print("BM25      ", figures(bm25_scores(frozen), frozen, words))
    print("random    ", figures(random_scores(frozen), frozen, words))


if __name__ == "__main__":
    main()
