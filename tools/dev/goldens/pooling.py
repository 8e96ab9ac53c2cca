"""python tools/dev/goldens/pooling.py: makes vectorizer/testdata/pooling.

What colpali-engine's HierarchicalTokenPooler makes of a page of 1030 vectors that look
like a page's: patches of a few regions, a wide margin that is nearly the same
everywhere, and six words of a prompt. The page is kept as int8 values, from which
either side gets the same float32 unit vectors. A case picks rows of it, some twice.
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from colpali_engine.compression.token_pooling import HierarchicalTokenPooler
from scipy.cluster.hierarchy import linkage

OUT = Path(__file__).resolve().parents[3] / "vectorizer" / "testdata" / "pooling"
GRID, DIM = 32, 128
# Of each case, clusters whose vectors are kept.
KEPT = 4


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    codes = page()
    codes.tofile(OUT / "page.int8")
    vectors = unit(codes)
    cases, kept = [], []
    for rows, factors in picks():
        for factor in factors:
            labels, pooled = pool(vectors[rows], factor)
            cases.append({"rows": rows, "factor": factor, "labels": labels, "margin": margin(vectors[rows], factor)})
            kept.append(pooled[:KEPT])
    np.concatenate(kept).astype("<f4").tofile(OUT / "pooled.f32")
    names = ("colpali-engine", "scipy", "torch", "numpy")
    golden = {"versions": {name: version(name) for name in names}, "dim": DIM, "cases": cases}
    (OUT / "golden.json").write_text(json.dumps(golden).replace('{"rows"', '\n{"rows"') + "\n")


def page() -> np.ndarray:
    random = np.random.default_rng(6)
    topics = random.normal(size=(12, DIM))
    shared = random.normal(size=DIM)
    rows = []
    for y in range(GRID):
        for x in range(GRID):
            margin = x < 4 or x >= 28 or y < 3 or y >= 29
            topic = topics[0] if margin else topics[1 + (y // 7) * 3 % 11 + x // 16]
            noise = random.normal(size=DIM) * (0.05 if margin else 0.6)
            rows.append(shared + topic + noise)
    rows += list(random.normal(size=(6, DIM)) * 1.5)
    rows = np.stack(rows)
    return np.round(rows / np.abs(rows).max(axis=1, keepdims=True) * 127).astype(np.int8)


def unit(codes: np.ndarray) -> np.ndarray:
    wide = codes.astype(np.float64)
    return (wide / np.sqrt((wide * wide).sum(axis=1, keepdims=True))).astype(np.float32)


def picks() -> list[tuple[list[int], list[int]]]:
    everything = list(range(GRID * GRID + 6))
    factors = [1, 2, 3, 4, 10]
    return [
        (everything, factors),
        (everything[-266:], factors),  # more than dimensions, the prompt among them
        (everything[300:429], factors),  # one more than dimensions
        (everything[300:428], factors),
        (everything[300:427], factors),
        (everything[500:517], factors),
        (everything[500:503], factors),
        (everything[500:502], [1, 2, 3]),
        ([700, 700], [2, 3]),
        # Ten times the same row: all merge at 0 before anything else does, and leave fewer clusters than asked for.
        ([400] * 10 + [401, 402], [2, 3, 4]),
        # Every row three times; a third is asked for, so equal rows merge and nothing else; then fewer. Half of them
        # would be a cut through distances that are 0 but for the rounding of the engine's float32 product.
        (sorted(everything[340:380] * 3), [3, 4]),
    ]


def pool(vectors: np.ndarray, factor: int) -> tuple[list[int], np.ndarray]:
    output = HierarchicalTokenPooler().pool_embeddings([torch.from_numpy(vectors)], pool_factor=factor, return_dict=True)
    # Clusters by their first row, which is this project's order; with factor 1 the engine puts all rows in one.
    clusters = [[i] for i in range(len(vectors))]
    if factor > 1:
        clusters = [indices[0].tolist() for indices in output.cluster_id_to_indices[0].values()]
    filled = [i for i, cluster in enumerate(clusters) if cluster]
    order = sorted(filled, key=lambda i: clusters[i][0])
    labels = [0] * len(vectors)
    for label, i in enumerate(order):
        for row in clusters[i]:
            labels[row] = label
    pooled = output.pooled_embeddings[0].numpy()
    return labels, np.stack([pooled[filled.index(i)] for i in order])


def margin(vectors: np.ndarray, factor: int) -> float:
    """How much higher the first merge left out is than the last done: rounding must not decide a golden."""
    n = len(vectors)
    most = max(n // factor, 1)
    heights = np.sort(linkage(1 - vectors @ vectors.T, method="ward")[:, 2])
    done = heights[n - most - 1] if most < n else 0.0
    left = heights[heights > done]
    gap = float(left[0] - done) if len(left) else float("inf")
    assert gap > 1e-6, (n, factor, gap)
    return round(min(gap, 1e3), 7)


if __name__ == "__main__":
    main()
