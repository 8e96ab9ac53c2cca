"""A corpus in a folder: multi-vectors, questions, and brute force's answers.

Little-endian and without headers, as multivector/corpus_test.go says: docs.f32 and queries.f32 are rows of
numbers, doclens.i32 and qlens.i32 how many rows each multi-vector has, truth.i32 brute force's best 100
documents of each question, best first, -1 where there are fewer.
"""

import pathlib

import numpy as np

DEPTH = 100
DIM = 128


class Corpus:
    """A folder's documents are mapped, not read: each peer copies what it needs."""

    def __init__(self, folder, documents=None):
        folder = pathlib.Path(folder)
        self.lens = np.fromfile(folder / "doclens.i32", "<i4")[:documents]
        self.starts = np.concatenate([[0], np.cumsum(self.lens, dtype=np.int64)])
        self.rows = np.memmap(folder / "docs.f32", "<f4", "r").reshape(-1, DIM)[: self.starts[-1]]
        queries = np.fromfile(folder / "queries.f32", "<f4").reshape(-1, DIM)
        self.queries = np.split(queries, np.cumsum(np.fromfile(folder / "qlens.i32", "<i4"))[:-1])
        truth = folder / "truth.i32"
        if documents is None and truth.exists():
            self.truth = np.fromfile(truth, "<i4").reshape(-1, DEPTH)
        else:
            self.truth = np.stack([brute_force(self, q) for q in self.queries])

    def __len__(self):
        return len(self.lens)

    def document(self, i):
        return self.rows[self.starts[i] : self.starts[i + 1]]

    def recall(self, answers, k):
        """The share of brute force's best k that were found; answers are ids of each question from the first on."""
        found = wanted = 0
        for ids, truth in zip(answers, self.truth):
            best = [int(i) for i in truth[:k] if i >= 0]
            found += len(set(best) & set(ids[:k]))
            wanted += len(best)
        return found / wanted


def brute_force(corpus, query, block=64):
    """Ids of the best DEPTH documents by float32 MaxSim, blocks of documents at a time."""
    scores = np.empty(len(corpus), np.float32)
    for a in range(0, len(corpus), block):
        b = min(a + block, len(corpus))
        similarity = corpus.rows[corpus.starts[a] : corpus.starts[b]] @ query.T
        lens = corpus.lens[a:b]
        if (lens == lens[0]).all():
            scores[a:b] = similarity.reshape(b - a, lens[0], -1).max(axis=1).sum(axis=1)
        else:
            scores[a:b] = np.maximum.reduceat(similarity, corpus.starts[a:b] - corpus.starts[a], axis=0).sum(axis=1)
    best = np.full(DEPTH, -1, "<i4")
    ranked = np.argsort(-scores, kind="stable")[:DEPTH]
    best[: len(ranked)] = ranked
    return best


def write(folder, documents, queries):
    """Writes documents and queries, lists of float32 matrices."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for data, lens, matrices in (("queries.f32", "qlens.i32", queries), ("docs.f32", "doclens.i32", documents)):
        with open(folder / data, "wb") as file:
            for matrix in matrices:
                file.write(np.ascontiguousarray(matrix, "<f4").tobytes())
        np.array([len(m) for m in matrices], "<i4").tofile(folder / lens)


def write_truth(folder):
    """Brute force by NumPy, which shares no code with the index."""
    corpus = Corpus(folder)
    corpus.truth.astype("<i4").tofile(pathlib.Path(folder) / "truth.i32")
