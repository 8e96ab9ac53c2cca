"""python -m unittest export.families.test_qwen   (run in tools/dev)

The graphs of the Qwen families, written by PyTorch and run by ONNX Runtime, beside colpali-engine's
class, on tiny random models. They are traced on one page and run on others, of other sizes.
"""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from colpali_engine import models

from export import graphs
from export.families import qwen2, qwen2_5, qwen3, qwen3_5
from export.verify import TOLERANCE
from goldens import qwen_model
from goldens.pixels import page

QUERIES = ["hello world", "What is the total revenue of 2023, before tax?", "a"]

# Upright, across, a sliver both ways, and smaller than the least size.
PAGES = [(170, 220), (220, 170), (20, 400), (400, 20), (30, 30)]

# One, two and three chunks of tokens.
LARGE = [(80, 90), (300, 400), (400, 300), (20, 400)]


class QwenTest(unittest.TestCase):
    def test_colqwen2(self):
        self.compare(qwen2, models.ColQwen2, models.ColQwen2Processor)

    def test_biqwen2(self):
        self.compare(qwen2, models.BiQwen2, models.BiQwen2Processor)

    def test_colqwen2_5(self):
        self.compare(qwen2_5, models.ColQwen2_5, models.ColQwen2_5_Processor)

    def test_biqwen2_5(self):
        self.compare(qwen2_5, models.BiQwen2_5, models.BiQwen2_5_Processor)

    def test_colqwen3(self):
        self.compare(qwen3, models.ColQwen3, models.ColQwen3Processor)

    def test_biqwen3(self):
        self.compare(qwen3, models.BiQwen3, models.BiQwen3Processor)

    def test_colqwen3_5(self):
        self.compare(qwen3_5, models.ColQwen3_5, models.ColQwen3_5Processor, pages=LARGE)

    def test_biqwen3_5(self):
        self.compare(qwen3_5, models.BiQwen3_5, models.BiQwen3_5Processor, pages=LARGE)

    def compare(self, family, kind, processor_kind, pages=PAGES):
        words = qwen_model.tokenizer()
        processor, model = qwen_model.processor(words, processor_kind), qwen_model.model(words, kind)
        graph = Graphs(family, model, processor)
        made = [processor.process_images([page(*size)]) for size in pages]
        together = graph.pages(made)
        for one, batched in zip(made, together, strict=True):
            want = self.reference(model, one)[0]
            (alone,) = graph.pages([one])
            self.near(want, alone)
            self.near(want, batched)
        # The reference pads at the left, so a batch of its own is a check of positions as well.
        padded = processor.process_images([page(*size) for size in pages])
        for want, mask, got in zip(self.reference(model, padded), padded["attention_mask"], together, strict=True):
            self.near(want[-int(mask.sum()) :], got)
        self.compare_queries(model, processor, graph)

    def compare_queries(self, model, processor, graph):
        padded = processor.process_queries(queries=QUERIES)
        pairs = zip(padded["input_ids"], padded["attention_mask"], strict=True)
        ids = [row[mask.bool()].numpy() for row, mask in pairs]
        nothing = np.zeros((1, graph.width), np.float32)
        together = graph.text(ids, [None] * len(ids), nothing)
        for query, want, got in zip(ids, self.reference(model, padded), together, strict=True):
            self.near(want[-len(query) :], got)
            self.near(want[-len(query) :], graph.text([query], [None], nothing)[0])
            self.near(got, graph.text([query], [None], nothing[:0])[0])

    def reference(self, model, inputs):
        # The class keeps the last batch's, and a batch of another size then fails.
        model.rope_deltas = None
        with torch.no_grad():
            rows = model(**inputs).numpy()
        return rows if rows.ndim == 3 else rows[:, None]

    def near(self, want, got):
        self.assertEqual(want.shape, got.shape)
        self.assertLess(np.abs(want - got).max(), TOLERANCE)


class Graphs:
    """The two graphs of a model in ONNX Runtime, traced on a batch of two pages of different sizes."""

    def __init__(self, family, model, processor):
        self.model = model
        vision, text = family.VisionGraph(model).eval(), family.TextGraph(model).eval()
        made = [processor.process_images([page(*size)]) for size in ((120, 300), (90, 90))]
        patches, places = self._patches(made)
        with torch.no_grad():
            features = vision(torch.tensor(patches), torch.tensor(places))
        self.width = features.shape[-1]
        ids, mask, positions = self._sequences([one["input_ids"][0].numpy() for one in made], self._grids(made))
        rows = self._rows(features.numpy(), made)
        batch, sequence = {0: "batch", 1: "patches"}, {0: "batch", 1: "sequence"}
        with tempfile.TemporaryDirectory() as folder:
            self.vision = self._session(
                vision,
                (patches, places),
                Path(folder, "vision.onnx"),
                {"pixel_values": batch, "patch_positions": batch},
                {"image_features": {0: "batch", 1: "image_tokens"}},
            )
            self.sequence = self._session(
                text,
                (ids, mask, positions, rows),
                Path(folder, "text.onnx"),
                {
                    "input_ids": sequence,
                    "attention_mask": sequence,
                    "position_ids": {1: "batch", 2: "sequence"},
                    "image_features": {0: "image_tokens"},
                },
                {"embeddings": sequence},
            )

    def _session(self, graph, arguments, path, inputs, outputs):
        graphs._write(graph, tuple(map(torch.tensor, arguments)), path, inputs, outputs)
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def pages(self, made):
        patches, places = self._patches(made)
        features = self.vision.run(None, {"pixel_values": patches, "patch_positions": places})[0]
        return self.text([one["input_ids"][0].numpy() for one in made], self._grids(made), self._rows(features, made))

    def text(self, items, grids, features):
        ids, mask, positions = self._sequences(items, grids)
        feeds = {"input_ids": ids, "attention_mask": mask, "position_ids": positions, "image_features": features}
        rows = self.sequence.run(None, feeds)[0]
        return [one if one.shape[0] == 1 else one[: len(item)] for one, item in zip(rows, items, strict=True)]

    def _grids(self, made):
        return [one["image_grid_thw"] for one in made]

    def _patches(self, made):
        longest = max(one["pixel_values"].shape[1] for one in made)
        patches = np.zeros((len(made), longest, made[0]["pixel_values"].shape[2]), np.float32)
        places = np.full((len(made), longest, 2), -1, np.int64)
        for row, one in enumerate(made):
            own = one["pixel_values"][0]
            patches[row, : len(own)] = own
            places[row, : len(own)] = patch_places(*map(int, one["image_grid_thw"][0, 1:]))
        return patches, places

    def _rows(self, features, made):
        tokens = [one["pixel_values"].shape[1] // qwen_model.MERGE**2 for one in made]
        return np.concatenate([own[:count] for own, count in zip(features, tokens, strict=True)])

    def _sequences(self, items, grids):
        """Padded at the right; positions from the reference."""
        ids = np.zeros((len(items), max(map(len, items))), np.int64)
        mask, positions = np.zeros_like(ids), np.zeros((3, *ids.shape), np.int64)
        for row, (item, grid) in enumerate(zip(items, grids, strict=True)):
            ids[row, : len(item)], mask[row, : len(item)] = item, 1
            given = torch.tensor(item)[None]
            kinds = (given == self.model.config.image_token_id).int()
            positions[:, row, : len(item)] = self.model.get_rope_index(given, kinds, image_grid_thw=grid)[0][:, 0]
        return ids, mask, positions


def patch_places(rows: int, columns: int) -> np.ndarray:
    """Row and column of each patch: the four of a token together, tokens row by row."""
    merge = qwen_model.MERGE
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1)
    return grid.reshape(rows // merge, merge, columns // merge, merge, 2).transpose(0, 2, 1, 3, 4).reshape(-1, 2)


if __name__ == "__main__":
    unittest.main()
