"""One server for the whole run, started as `make serve` starts it, and the sample pages."""

import base64
import io
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

import numpy as np
import pytest
import weaviate
from PIL import Image, ImageDraw, ImageFont
from weaviate.util import generate_uuid5

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
MODULE = "multi2multivec-colpali"
READY_WITHIN = 180  # seconds; it only bounds a hang, `go run` may have to compile first

# Titles and the text of their pages; the titles are words of the pages.
PAGES = {
    "tractor": "Tractor manual\nCheck the oil of\nthe engine before\nwinter begins",
    "invoice": "Invoice 2041\nTotal amount due\n450 dollars within\nthirty days",
    "whale": "Blue whales\nThe largest animal\nsings across the\nPacific ocean",
    "bread": "Bread recipe\nMix flour, water,\nsalt and yeast\nthen bake",
    "train": "Railway timetable\nThe night train\nleaves London at\nnine every Friday",
    "museum": "City museum\nPaintings of the\nnineteenth century\nOpen on Sunday",
}


def render(text: str) -> str:
    """A page with black text on white at a size that the demo model reads well, as the base64 text of a PNG."""
    page = Image.new("L", (448, 448), 255)
    ImageDraw.Draw(page).multiline_text((30, 30), text, fill=0, spacing=10, font=ImageFont.load_default(22))
    file = io.BytesIO()
    page.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="session")
def pages() -> dict[str, str]:
    """Title -> base64 of the page."""
    return {title: render(text) for title, text in PAGES.items()}


@pytest.fixture(scope="session")
def client(tmp_path_factory):
    """The official client, connected to a running server."""
    binary = os.environ.get("COLPALI_SERVER", REPOSITORY / "bin" / "weaviate-colpali")
    if not pathlib.Path(binary).exists():
        pytest.exit(f"no server to test at {binary}: run `make server`, or set COLPALI_SERVER", 1)
    http, grpc = free_port(), free_port()
    directory = tmp_path_factory.mktemp("server")
    command = ["go", "run", "./tools/dev/serve", "-server", str(binary), "-data", str(directory / "data"),
               "-http", str(http), "-grpc", str(grpc)]
    with open(directory / "server.log", "w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True)
        try:
            wait_ready(process, http, directory / "server.log")
            with weaviate.connect_to_local(port=http, grpc_port=grpc) as connected:
                yield connected
        finally:
            stop(process)


def wait_ready(process, http, log):
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{http}/v1/.well-known/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.exit(f"the server is not ready; the end of {log}:\n" + log.read_text()[-4000:], 1)


def stop(process):
    # To the whole group: `go run` does not pass signals on.
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def schema(name: str, tenants: bool = False, module: dict | None = None) -> dict:
    """A collection of pages as a user writes it; module None: the module with our index."""
    return {
        "class": name,
        "multiTenancyConfig": {"enabled": tenants},
        "properties": [
            {"name": "title", "dataType": ["text"]},
            {"name": "number", "dataType": ["int"]},
            {"name": "page", "dataType": ["blob"]},
        ],
        "vectorConfig": {
            "colpali": {
                "vectorizer": module or {MODULE: {"imageFields": ["page"]}},
                "vectorIndexType": "hnsw",
                "vectorIndexConfig": {"multivector": {"enabled": True, "plaid": {"enabled": True}}},
            }
        },
    }


@pytest.fixture
def connect(client):
    """Connects a client that sends headers with whatever it asks to the same server."""
    opened = []

    def connect(headers):
        params = client._connection._connection_params
        opened.append(weaviate.connect_to_local(port=params.http.port, grpc_port=params.grpc.port, headers=headers))
        return opened[-1]

    yield connect
    for other in opened:
        other.close()


@pytest.fixture
def create(client):
    """Creates a collection and removes it after the test."""
    names = []

    def create(name, **options):
        names.append(name)
        return client.collections.create_from_dict(schema(name, **options))

    yield create
    for name in names:
        client.collections.delete(name)


@pytest.fixture(scope="module")
def library(client, pages):
    """A collection with all sample pages, for the tests that only read."""
    collection = client.collections.create_from_dict(schema("PyLibrary"))
    with collection.batch.dynamic() as batch:
        for number, (title, page) in enumerate(pages.items()):
            batch.add_object({"title": title, "number": number, "page": page}, uuid=generate_uuid5(title))
    assert not collection.batch.failed_objects
    yield collection
    client.collections.delete("PyLibrary")


@pytest.fixture(scope="module")
def stored(library) -> dict[str, np.ndarray]:
    """Title -> the token vectors that the server has stored."""
    return {o.properties["title"]: np.array(o.vector["colpali"], np.float64) for o in library.iterator(include_vector=True)}
