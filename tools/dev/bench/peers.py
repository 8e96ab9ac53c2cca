"""MaxSim by Python's libraries, for the benchmark in Go that starts this as a child.

The only argument is the folder of the data: NAME.pages and NAME.queries, rows of 128 little-endian float32.
The first line on stdout says which peers are there. After that each line on stdin is a request, answered by
one line: the time of one document in a slice of work, or the scores of some pairs.

Each library is called the way its documentation shows, with everything prepared that an index could keep
prepared, on one thread. The time includes the call from Python: it is what a user of the library waits for.
"""

import importlib
import importlib.metadata
import json
import pathlib
import sys
import time

# As in Go: what other processes take of the core does not count. All threads of this one do.
clock = time.process_time if sys.platform == "linux" else time.perf_counter

DIM = 128
QUERY_ROWS = 32
BATCH = 32
LOOK = 200e-6  # seconds between two looks at the clock, at least


def numpy_each(np, query, documents):
    columns = query.T
    return lambda i: [float((documents[i] @ columns).max(axis=0).sum())]


def numpy_batch(np, query, documents):
    columns = query.T
    rows = documents.shape[1]

    def score(i):
        block = documents[i * BATCH : (i + 1) * BATCH]
        similarity = block.reshape(-1, DIM) @ columns
        return similarity.reshape(len(block), rows, -1).max(axis=1).sum(axis=1)

    return score


def torch_each(np, query, documents):
    torch = single_threaded_torch()
    columns, tensors = torch.from_numpy(query).T, torch.from_numpy(documents)
    return lambda i: [float((tensors[i] @ columns).amax(0).sum())]


def torch_batch(np, query, documents):
    torch = single_threaded_torch()
    columns, tensors = torch.from_numpy(query).T, torch.from_numpy(documents)
    return lambda i: (tensors[i * BATCH : (i + 1) * BATCH] @ columns).amax(1).sum(1)


def single_threaded_torch():
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    return torch


def maxsim_cpu_batch(np, query, documents):
    import maxsim_cpu

    return lambda i: maxsim_cpu.maxsim_scores(query, documents[i * BATCH : (i + 1) * BATCH])


def maxsim_cpu_each(np, query, documents):
    import maxsim_cpu

    return lambda i: maxsim_cpu.maxsim_scores(query, documents[i : i + 1])


def numkong_of(np, query, documents, dtype):
    import numkong

    packed_query = numkong.maxsim_pack(query.astype(dtype))
    packed = [numkong.maxsim_pack(document.astype(dtype)) for document in documents]
    rows = len(query)
    # It returns the sum of 1 - cosine.
    return lambda i: [rows - numkong.maxsim_packed(packed_query, packed[i])]


def numkong_f32(np, query, documents):
    return numkong_of(np, query, documents, np.float32)


def numkong_f16(np, query, documents):
    return numkong_of(np, query, documents, np.float16)


# Name, library, how to prepare it, whether its score is exact, how many documents a call scores.
PEERS = [
    ("NumPy", "numpy", numpy_each, True, 1),
    ("NumPy, 32 together", "numpy", numpy_batch, True, BATCH),
    ("torch", "torch", torch_each, True, 1),
    ("torch, 32 together", "torch", torch_batch, True, BATCH),
    ("maxsim-cpu", "maxsim-cpu", maxsim_cpu_each, True, 1),
    ("maxsim-cpu, 32 together", "maxsim-cpu", maxsim_cpu_batch, True, BATCH),
    ("numkong f32", "numkong", numkong_f32, False, 1),
    ("numkong f16", "numkong", numkong_f16, False, 1),
]

PIP = "pip install -r tools/dev/bench/requirements.txt into the interpreter of -python"
HINTS = {
    "numpy": PIP,
    "maxsim-cpu": PIP,
    "numkong": PIP,
    "torch": "make bench BENCH_TORCH=torch==2.11.0 (on x86-64 Linux 4.5 GB)",
}


def versions():
    """The libraries that can be imported, and the reasons of the others."""
    present, missing = {}, {}
    for library, hint in HINTS.items():
        try:
            importlib.import_module(library.replace("-", "_"))
            present[library] = f"{library} {importlib.metadata.version(library)}"
        except (ImportError, OSError) as problem:  # OSError: a library of the library is missing
            missing[library] = f"{hint} ({problem})"
    if "numpy" in missing:
        missing |= {library: f"it needs numpy: {PIP}" for library in present}
        present = {}
    return present, missing


class Job:
    """Scores block after block of documents, as many calls between two looks at the clock as take a while."""

    def __init__(self, score, blocks, batch):
        self.score, self.blocks, self.batch = score, blocks, batch
        self.next, self.calls = 0, 1
        while self.work() < LOOK:
            self.calls *= 2

    def work(self):
        start = clock()
        for _ in range(self.calls):
            self.score(self.next)
            self.next = (self.next + 1) % self.blocks
        return clock() - start

    def run(self, seconds):
        took, rounds = 0.0, 0
        while took < seconds:
            took += self.work()
            rounds += 1
        return took / (rounds * self.calls * self.batch)


class Jobs:
    """Every peer prepared once for each shape."""

    def __init__(self, folder):
        import numpy

        self.np = numpy
        self.jobs = {}
        # Read at once: the other side removes the files when it has been greeted.
        self.data = {
            path.name: numpy.fromfile(path, dtype="<f4").reshape(-1, DIM)
            for pattern in ("*.pages", "*.queries")
            for path in pathlib.Path(folder).glob(pattern)
        }

    def documents(self, name, rows):
        pages = self.data[f"{name}.pages"]
        return pages[: len(pages) // rows * rows].reshape(-1, rows, DIM)

    def query(self, name, i, tokens):
        rows = self.data[f"{name}.queries"][i * QUERY_ROWS : (i + 1) * QUERY_ROWS]
        return self.np.ascontiguousarray(rows[:tokens])

    def time(self, peer, request):
        _, _, prepare, _, batch = peer
        at = (peer[0], request["set"], request["rows"], request["tokens"], request["stream"])
        if at not in self.jobs:
            documents = self.documents(request["set"], request["rows"])
            documents = documents[: len(documents) // batch * batch] if request["stream"] else documents[:1]
            score = prepare(self.np, self.query(request["set"], 0, request["tokens"]), documents)
            self.jobs[at] = Job(score, len(documents) // batch, batch)
        return {"seconds": self.jobs[at].run(request["seconds"])}

    def scores(self, peer, request):
        _, _, prepare, _, batch = peer
        documents = self.documents(request["set"], request["rows"])[: request["documents"]]
        scores = []
        for i in range(request["queries"]):
            score = prepare(self.np, self.query(request["set"], i, request["tokens"]), documents)
            for block in range(-(-len(documents) // batch)):
                scores += [float(s) for s in score(block)]
        return {"scores": scores}


def main():
    present, missing = versions()
    peers = {peer[0]: peer for peer in PEERS if peer[1] in present}
    greeting = {
        "peers": [
            {"name": name, "library": present[library], "exact": exact, "batch": batch > 1}
            for name, library, _, exact, batch in peers.values()
        ],
        "missing": [{"name": library, "hint": hint} for library, hint in missing.items()],
    }
    jobs = Jobs(sys.argv[1]) if peers else None
    print(json.dumps(greeting), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(jobs, request["do"])(peers[request["peer"]], request)
        except Exception as problem:  # whatever a library raises: the other side decides
            answer = {"error": f"{request['peer']}: {problem}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
