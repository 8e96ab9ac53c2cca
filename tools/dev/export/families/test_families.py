"""python -m unittest export.families.test_families   (run in tools/dev)

Each family's graphs, written by PyTorch and run by ONNX Runtime, beside colpali-engine's class, on a
tiny random model. The graphs are traced on one page and run on others, of other numbers of tiles.
"""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from colpali_engine.models import (
    BiIdefics3,
    BiIdefics3Processor,
    BiModernVBert,
    BiModernVBertProcessor,
    ColIdefics3,
    ColIdefics3Processor,
    ColModernVBert,
    ColModernVBertProcessor,
)

from export import graphs
from export.families import gemma3, idefics3, modernvbert
from export.verify import TOLERANCE
from goldens import gemma3_model, idefics3_model, modernvbert_model
from goldens.pixels import page

QUERIES = ["hello world", "What is the total revenue of 2023, before tax?", "a"]

# 17, 13, 1 + 4 x 1 and 1 + 1 x 4 tiles of 64 pixels.
PAGES = [(210, 272), (300, 200), (40, 400), (400, 40)]


class FamiliesTest(unittest.TestCase):
    def test_colidefics3(self):
        self.compare_tiled(idefics3, idefics3_model, ColIdefics3, ColIdefics3Processor)

    def test_biidefics3(self):
        self.compare_tiled(idefics3, idefics3_model, BiIdefics3, BiIdefics3Processor)

    def test_colmodernvbert(self):
        self.compare_tiled(modernvbert, modernvbert_model, ColModernVBert, ColModernVBertProcessor)

    def test_bimodernvbert(self):
        self.compare_tiled(modernvbert, modernvbert_model, BiModernVBert, BiModernVBertProcessor)

    def test_colgemma3(self):
        words = gemma3_model.tokenizer()
        self.compare(gemma3, gemma3_model.model(words), gemma3_model.processor(words))

    def compare_tiled(self, family, maker, kind, processor_kind):
        words = idefics3_model.tokenizer()
        self.compare(family, maker.model(words, kind), idefics3_model.processor(words, processor_kind))

    def compare(self, family, model, processor):
        graph = Graphs(family, model, processor)
        pages = [page(*size) for size in PAGES]
        together = graph.pages([page_inputs(processor, one) for one in pages])
        for one, batched in zip(pages, together, strict=True):
            want = self.reference(model, processor.process_images([one]))[0]
            (alone,) = graph.pages([page_inputs(processor, one)])
            self.near(want, alone)
            self.near(want, batched)
        # Where the reference pads at the left, a batch of its own is a check of positions as well.
        padded = processor.process_images(pages)
        for want, mask, got in zip(self.reference(model, padded), padded["attention_mask"], together, strict=True):
            self.near(want[-int(mask.sum()) :], got)
        self.compare_queries(model, processor, graph)

    def compare_queries(self, model, processor, graph):
        padded = processor.process_queries(queries=QUERIES)
        pairs = zip(padded["input_ids"], padded["attention_mask"], strict=True)
        ids = [row[mask.bool()].numpy() for row, mask in pairs]
        nothing = np.zeros((1, graph.width), np.float32)
        together = graph.text(ids, nothing)
        for text, query, got in zip(QUERIES, ids, together, strict=True):
            want = self.reference(model, processor.process_queries(queries=[text]))[0]
            self.near(want, got)
            self.near(want, graph.text([query], nothing)[0])
            self.near(got, graph.text([query], np.zeros((0, graph.width), np.float32))[0])

    def reference(self, model, inputs):
        with torch.no_grad():
            rows = model(**inputs).numpy()
        return rows if rows.ndim == 3 else rows[:, None]

    def near(self, want, got):
        self.assertEqual(want.shape, got.shape)
        self.assertLess(np.abs(want - got).max(), TOLERANCE)


def page_inputs(processor, image):
    """Pixel values [items of the page, 3, H, W] and ids."""
    made = processor.process_images([image])
    return made["pixel_values"].reshape(-1, *made["pixel_values"].shape[-3:]).numpy(), made["input_ids"][0].numpy()


class Graphs:
    """The two graphs of a model in ONNX Runtime, traced on one page."""

    def __init__(self, family, model, processor):
        tiles, ids = map(torch.from_numpy, page_inputs(processor, page(40, 400)))
        ids = ids[None]
        vision, text = family.VisionGraph(model).eval(), family.TextGraph(model).eval()
        with torch.no_grad():
            features = vision(tiles).flatten(0, 1)
        self.width = features.shape[-1]
        with tempfile.TemporaryDirectory() as folder:
            axes = {0: "batch", 1: "sequence"}
            ends = {"pixel_values": {0: "tiles"}}, {"image_features": {0: "tiles"}}
            self.vision = self._session(vision, (tiles,), Path(folder, "vision.onnx"), *ends)
            ends = {"input_ids": axes, "attention_mask": axes, "image_features": {0: "image_tokens"}}, {"embeddings": axes}
            arguments = (ids.repeat(2, 1), torch.ones_like(ids).repeat(2, 1), features.repeat(2, 1))
            self.sequence = self._session(text, arguments, Path(folder, "text.onnx"), *ends)

    def _session(self, graph, arguments, path, inputs, outputs):
        graphs._write(graph, arguments, path, inputs, outputs)
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def pages(self, pages):
        features = self.vision.run(None, {"pixel_values": np.concatenate([tiles for tiles, _ in pages])})[0]
        return self.text([ids for _, ids in pages], features.reshape(-1, self.width))

    def text(self, items, features):
        """The rows of each item; padded at the right."""
        ids = np.zeros((len(items), max(map(len, items))), np.int64)
        mask = np.zeros_like(ids)
        for row, item in enumerate(items):
            ids[row, : len(item)], mask[row, : len(item)] = item, 1
        rows = self.sequence.run(None, {"input_ids": ids, "attention_mask": mask, "image_features": features})[0]
        return [one if one.shape[0] == 1 else one[: len(item)] for one, item in zip(rows, items, strict=True)]


if __name__ == "__main__":
    unittest.main()
