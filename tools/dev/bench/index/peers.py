"""One peer on one corpus, in a process of its own so that its memory can be told: python peers.py NAME CORPUS WORK.

Prints a line of JSON with its rows, or with the reason why there are none.
"""

import importlib.metadata
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

from corpus import Corpus, brute_force

HERE = pathlib.Path(__file__).resolve().parent


class Unavailable(Exception):
    """Why a peer takes no part."""


def measure(corpus, search, k, questions):
    """Recall and times of a search on one thread, and what two threads get done. search(query, k) -> ids."""
    queries = corpus.queries[:questions]
    search(queries[0], k)
    answers, seconds = [], []
    for query in queries:
        start = time.perf_counter()
        answers.append(search(query, k))
        seconds.append(time.perf_counter() - start)
    return row(corpus, k, answers, seconds, together(search, queries, k))


def together(search, queries, k):
    def half(part):
        for query in part:
            search(query, k)

    start = time.perf_counter()
    threads = [threading.Thread(target=half, args=(queries[i::2],)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(queries) / (time.perf_counter() - start)


def row(corpus, k, answers, seconds, qps2):
    ordered = sorted(seconds)
    return {
        "k": k,
        "recall": corpus.recall(answers, k),
        "p50-ms": statistics.median(ordered) * 1e3,
        "p99-ms": ordered[len(ordered) * 99 // 100] * 1e3,
        "qps": len(seconds) / sum(seconds),
        "qps-2t": qps2,
    }


def numpy_exact(folder, work):
    corpus = Corpus(folder)
    corpus.rows = corpus.rows[:].copy()
    search = lambda query, k: [int(i) for i in brute_force(corpus, query)[:k]]
    name = f"NumPy {importlib.metadata.version('numpy')}, float32 of every page"
    # Its k only cuts a list off.
    return {"name": name, "rows": [measure(corpus, search, k, 20) for k in (10, 100)]}


def compile_next_plaid(work):
    target = pathlib.Path(work) / "nextplaid"
    if not shutil.which("cargo"):
        raise Unavailable("no cargo on this machine: install Rust")
    compiled = subprocess.run(
        ["cargo", "build", "--release", "--quiet", "--manifest-path", HERE / "nextplaid" / "Cargo.toml"],
        env=os.environ | {"CARGO_TARGET_DIR": str(target)}, capture_output=True, text=True,
    )
    if compiled.returncode != 0:
        raise Unavailable("cargo build: " + compiled.stderr.strip().splitlines()[-1])
    return target / "release" / "nextplaid-bench"


def next_plaid(folder, work):
    binary = compile_next_plaid(work)
    index = pathlib.Path(work) / "next-plaid.index"
    shutil.rmtree(index, ignore_errors=True)

    def run(threads):
        environment = os.environ | {"RAYON_NUM_THREADS": str(threads)}
        child = subprocess.run([binary, folder, index], env=environment, capture_output=True, text=True)
        if child.returncode != 0:
            raise Unavailable(child.stderr.strip()[-300:])
        return json.loads(child.stdout)

    built = run(2)
    corpus, rows = Corpus(folder), []
    answered = run(1)
    for way in answered["ways"]:
        rows.append({"knob": way["knob"]} | row(corpus, way["k"], way["answers"], way["seconds"], way["qps2"]))
    size = sum(f.stat().st_size for f in index.rglob("*") if f.is_file())
    shutil.rmtree(index)
    return {"name": "next-plaid 1.8.5, 4 bits", "build-s": built["build"], "disk-B/doc": size / len(corpus), "rows": rows}


def fast_plaid(folder, work):
    try:
        import torch
        from fast_plaid import search as plaid
    except ImportError as problem:
        raise Unavailable(f"{problem}: make bench-index BENCH_FASTPLAID=fast-plaid==1.7.0.2110 (with torch 5 GB)")
    torch.set_num_threads(2)
    corpus = Corpus(folder)
    index = pathlib.Path(work) / "fast-plaid.index"
    shutil.rmtree(index, ignore_errors=True)
    documents = [torch.from_numpy(corpus.document(i).copy()) for i in range(len(corpus))]
    start = time.perf_counter()
    engine = plaid.FastPlaid(index=str(index), device="cpu")
    engine.create(documents_embeddings=documents, nbits=4)
    build = time.perf_counter() - start
    size = sum(f.stat().st_size for f in index.rglob("*") if f.is_file())
    torch.set_num_threads(1)

    def search(query, k):
        found = engine.search(torch.from_numpy(query)[None], top_k=k, show_progress=False)[0]
        return [i for i, _ in found]

    rows = [{"knob": "defaults"} | measure(corpus, search, k, 50) for k in (10, 100)]
    version = importlib.metadata.version("fast-plaid")
    return {"name": f"fast-plaid {version}, 4 bits", "build-s": build, "disk-B/doc": size / len(corpus), "rows": rows}


PEERS = {"numpy": numpy_exact, "next-plaid": next_plaid, "fast-plaid": fast_plaid}


def main():
    name, folder, work = sys.argv[1:4]
    try:
        print(json.dumps(PEERS[name](folder, work)))
    except Unavailable as reason:
        print(json.dumps({"name": name, "reason": str(reason)}))


if __name__ == "__main__":
    main()
