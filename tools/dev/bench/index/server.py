"""The index, stock hnsw and stock MUVERA in one server binary, by the same gRPC calls.

    python server.py SERVE SERVER CORPUS WORK DOCUMENTS

SERVE is the tool of tools/dev/serve. Each way has a server of its own, started on an empty folder, so that
memory and disk are its own; the pages are sent with their vectors. Prints a line of JSON.
"""

import json
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid

import weaviate
from weaviate.classes.data import DataObject

from corpus import Corpus
from peers import measure

BATCH = 20
IMPORT_WITHIN = 150  # seconds: hnsw takes 190 ms a page of ColPali's size
QUESTIONS = 40

WAYS = {
    "multivector.plaid": {"plaid": {"enabled": True}},
    "hnsw multivector": {},
    "hnsw MUVERA": {"muvera": {"enabled": True, "ksim": 4, "dprojections": 16, "repetitions": 10}},
}


class Server:
    def __init__(self, serve, binary, folder):
        self.http, self.grpc, self.folder = free_port(), free_port(), folder
        with open(folder.with_suffix(".log"), "a") as log:
            self.process = subprocess.Popen(
                [serve, "-server", binary, "-data", folder, "-http", str(self.http), "-grpc", str(self.grpc)],
                stdout=log, stderr=log,
            )
        while not self.ready():
            if self.process.poll() is not None:
                sys.exit(f"server.py: the server ended; see {folder.with_suffix('.log')}")
            time.sleep(0.05)

    def ready(self):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/v1/.well-known/ready", timeout=2):
                return True
        except OSError:
            return False

    def connect(self):
        return weaviate.connect_to_local(host="127.0.0.1", port=self.http, grpc_port=self.grpc)

    def memory(self):
        """Bytes of the server's own memory and of mapped files that are resident: {anon, file}."""
        status = {}
        for child in self.children():
            for line in pathlib.Path(f"/proc/{child}/status").read_text().splitlines():
                for key, name in (("RssAnon", "anon"), ("RssFile", "file")):
                    if line.startswith(key):
                        status[name] = int(line.split()[1]) * 1024
        return status

    def children(self):
        """The process of the server below that of the tool that started it; nothing where there is no /proc."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def create(client, way):
    client.collections.create_from_dict({
        "class": "Page",
        "vectorConfig": {"v": {
            "vectorizer": {"none": {}},
            "vectorIndexType": "hnsw",
            "vectorIndexConfig": {"multivector": {"enabled": True} | WAYS[way]},
        }},
    })


def send(client, corpus):
    """Imports until all are in or the time is up; returns how many are."""
    pages = client.collections.use("Page")
    start = time.perf_counter()
    for first in range(0, len(corpus), BATCH):
        if time.perf_counter() - start > IMPORT_WITHIN:
            return first
        objects = [
            DataObject(properties={}, uuid=uuid.UUID(int=i + 1), vector={"v": corpus.document(i).tolist()})
            for i in range(first, min(first + BATCH, len(corpus)))
        ]
        result = pages.data.insert_many(objects)
        if result.has_errors:
            sys.exit(f"server.py: {next(iter(result.errors.values())).message}")
    return len(corpus)


def searcher(client):
    pages = client.collections.use("Page")

    def search(query, k):
        found = pages.query.near_vector(query.tolist(), target_vector="v", limit=k, return_properties=[])
        return [o.uuid.int - 1 for o in found.objects]

    return search


def settle(server, quiet=3):
    """Waits until the server's processor time stands still: the index works in the background."""
    children = server.children()
    if not children:
        time.sleep(30)
        return
    stat = pathlib.Path(f"/proc/{children[0]}/stat")
    used = lambda: sum(int(x) for x in stat.read_text().rsplit(")", 1)[1].split()[11:13])
    calm = 0
    while calm < quiet:
        before = used()
        time.sleep(1)
        calm = calm + 1 if used() - before < 10 else 0  # 0.1 s of a second


def restart(serve, binary, server, corpus, answers):
    """Seconds from the start of the process to the answer it gave before."""
    server.stop()
    start = time.perf_counter()
    again = Server(serve, binary, server.folder)
    ready = time.perf_counter() - start
    with again.connect() as client:
        search = searcher(client)
        while True:
            try:
                if search(corpus.queries[0], 10) == answers:
                    return again, {"ready-s": ready, "answer-s": time.perf_counter() - start}
            except weaviate.exceptions.WeaviateQueryError:
                pass
            if time.perf_counter() - start > 120:
                return again, {"ready-s": ready, "answer-s": None}


def run(serve, binary, folder, way, corpus, corpus_folder):
    server = Server(serve, binary, folder)
    try:
        empty = server.memory()
        with server.connect() as client:
            create(client, way)
            start = time.perf_counter()
            done = send(client, corpus)
            sent = time.perf_counter() - start
            settle(server)
            imported = time.perf_counter() - start - 3
            if done < len(corpus):
                corpus = Corpus(corpus_folder, done)
            search = searcher(client)
            rows = [measure(corpus, search, k, QUESTIONS) for k in (10, 100)]
            answers = search(corpus.queries[0], 10)
        memory = server.memory()
        server, restarted = restart(serve, binary, server, corpus, answers)
    finally:
        server.stop()
    size = lambda pattern: sum(f.stat().st_size for f in folder.rglob(pattern) if f.is_file())
    return {
        "name": way, "documents": done, "sent-s": sent, "build-s": imported, "rows": rows, "restart": restarted,
        "memory-B/doc": (memory["anon"] - empty["anon"]) / done if memory else None,
        "disk-B/doc": size("*") / done,
    }


def main():
    serve, binary, corpus_folder, work, documents = sys.argv[1:6]
    corpus = Corpus(corpus_folder)
    if int(documents) < len(corpus):
        corpus = Corpus(corpus_folder, int(documents))
    results = []
    for number, way in enumerate(WAYS):
        folder = pathlib.Path(work).resolve() / f"server{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        results.append(run(serve, binary, folder, way, corpus, corpus_folder))
        print(f"server.py: {json.dumps(results[-1])}", file=sys.stderr, flush=True)
        shutil.rmtree(folder)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
