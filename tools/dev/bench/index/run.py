"""Makes the workloads that are missing and prints how the index stands beside its peers on them.

    python run.py WORK --goroot GOROOT [--pages N] [--passages N] [--rendered N] [--questions N] [--server N] ...

WORK is build/bench. What was printed is kept as JSON in WORK/results.json.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import corpus
import peers

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
UNITS = ("recall", "p50-ms", "p99-ms", "qps", "qps-2t")


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--goroot", required=True)
    parser.add_argument("--pages", type=int, default=2000, help="made-up pages of 1,030 vectors")
    parser.add_argument("--passages", type=int, default=2000, help="of text")
    parser.add_argument("--rendered", type=int, default=2000, help="passages drawn as pages; the index trains at 2,000")
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--server", type=int, default=2000, help="pages for the server; 0 leaves it out")
    parser.add_argument("--workloads", default="pages,text,rendered")
    parser.add_argument("--peers", default="numpy,next-plaid,fast-plaid")
    parser.add_argument("--limit", type=int, default=300, help="seconds that a peer may take")
    return parser.parse_args()


def go(*command):
    subprocess.run(["go", *command], cwd=ROOT, check=True)


def make(name, o):
    """The folder of a workload, made unless it was before with the same sizes."""
    folder = o.work / name
    sizes = {"pages": o.pages, "text": o.passages, "rendered": o.rendered}
    wanted = json.dumps([sizes[name], o.questions])
    stamp = folder / "made"
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    print(f"run.py: making {name}", file=sys.stderr, flush=True)
    if name == "pages":
        go("test", "-run", "^$", "-bench", "Pages", "-benchtime", "1x", "./multivector", "-args",
           "-pages", str(o.pages), "-questions", str(o.questions), "-save", str(folder))
    elif name == "text":
        subprocess.run([sys.executable, HERE / "text.py", folder, o.goroot, str(o.passages), str(o.questions)], check=True)
    else:
        go("run", "./tools/dev/rendered", "-passages", str(make("text", o) / "passages.txt"), "-o", str(folder),
           "-pages", str(o.rendered), "-questions", str(o.questions))
    corpus.write_truth(folder)
    stamp.write_text(wanted)
    return folder


def ours(folder):
    """The figures of multivector's own benchmark: one entry for each way."""
    ran = subprocess.run(
        ["go", "test", "-run", "^$", "-bench", "Pages", "-benchtime", "100x", "-timeout", "30m", "./multivector",
         "-args", "-corpus", str(folder)],
        cwd=ROOT, capture_output=True, text=True,
    )
    if ran.returncode != 0:
        sys.exit(f"run.py: the index on {folder}:\n{ran.stdout}{ran.stderr}")
    ways, build = {}, {}
    for line in ran.stdout.splitlines():
        if not line.startswith("BenchmarkPages/"):
            continue
        name, _, *figures = line.split("\t")
        measured = {unit: float(value) for value, unit in (figure.split() for figure in figures)}
        # Go appends -GOMAXPROCS to a name.
        at = re.fullmatch(r"BenchmarkPages/documents=\d+/k=(\d+)/(.*?)(-\d+)?", name.strip())
        if at is None:
            build = measured
        else:
            ways.setdefault(at[2].replace("_", " "), []).append({"k": int(at[1])} | measured)
    return [
        {"name": name if "brute" in name else f"multivector, {name}", "rows": rows} | ({} if "brute" in name else build)
        for name, rows in ways.items()
    ]


def peer(name, folder, o):
    # A session of its own: the programs that a peer starts end with it, and do not disturb the next one.
    with subprocess.Popen(
        [sys.executable, HERE / "peers.py", name, folder, o.work], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, start_new_session=True,
    ) as running:
        try:
            printed, errors = running.communicate(timeout=o.limit)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return {"name": name, "reason": f"not done within {o.limit} s"}
    if running.returncode != 0:
        return {"name": name, "reason": errors.strip().splitlines()[-1]}
    return json.loads(printed.splitlines()[-1])


def servers(folder, o):
    serve, binary = ROOT / "build" / "tools" / "serve", ROOT / "bin" / "weaviate-colpali"
    if not binary.exists():
        return [{"name": "server", "reason": "run `make server` first"}]
    go("build", "-o", str(serve), "./tools/dev/serve")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", HERE / "server.py", serve, binary, folder, o.work, str(o.server)],
        stdout=subprocess.PIPE, text=True,
    )
    if ran.returncode != 0:
        return [{"name": "server", "reason": "it failed; what it said is above"}]
    return json.loads(ran.stdout.splitlines()[-1])


def show(title, contenders):
    print(f"\n{title}\n")
    print("| engine | k | recall | p50 ms | p99 ms | QPS 1 thread | 2 threads | build s | RAM KB a doc | disk KB a doc |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for c in contenders:
        if "reason" in c:
            print(f"| {c['name']} | not measured: {c['reason']} |")
            continue
        for row in c["rows"]:
            knob = ", ".join(filter(None, [c["name"], row.get("knob")]))
            speed = [f"{row[unit]:.3f}" if unit == "recall" else f"{row[unit]:.1f}" for unit in UNITS]
            print("|", " | ".join([knob, str(row["k"]), *speed, seconds(c), kilobytes(c, "memory-B/doc"), kilobytes(c, "disk-B/doc")]), "|")
        if "restart" in c:
            print(f"| {c['name']}: {c['documents']} documents sent in {c['sent-s']:.1f} s; restart: {c['restart']} |")
    sys.stdout.flush()


def seconds(c):
    return f"{c['build-s']:.1f}" if c.get("build-s") else "-"


def kilobytes(c, key):
    return f"{c[key] / 1000:.2f}" if c.get(key) is not None else "-"


def main():
    o = arguments()
    os.environ["GOFLAGS"] = "-trimpath"
    if "next-plaid" in o.peers:  # compiling it takes minutes, which are not of its limit
        try:
            peers.compile_next_plaid(o.work)
        except peers.Unavailable:
            pass  # its line will say why
    results = {}
    for name in o.workloads.split(","):
        folder = make(name, o)
        results[name] = ours(folder) + [peer(p, folder, o) for p in filter(None, o.peers.split(","))]
        show(f"{name}: {len(corpus.Corpus(folder))} documents", results[name])
    if o.server:
        results["server"] = servers(make("pages", o), o)
        show("in the server, from a gRPC client in Python: its time is in all figures, RAM is anonymous", results["server"])
    (o.work / "results.json").write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
