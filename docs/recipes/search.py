"""Pages found by question, by question and filter, by question and words; and where a page matched.

WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY say which server (default: `make serve`). It can be run again: the
same pages keep their ids. The exit status is 1 when a page is not found.
"""

import base64
import json
import os
import pathlib
import sys

import weaviate
from weaviate.classes.query import Filter
from weaviate.util import generate_uuid5

COLLECTION = "PythonPage"
PAGES = pathlib.Path(__file__).resolve().parents[2] / "tools/dev/demo/pages"


def connect() -> weaviate.WeaviateClient:
    http_host, http_port = os.environ.get("WEAVIATE_HTTP", "localhost:8080").split(":")
    grpc_host, grpc_port = os.environ.get("WEAVIATE_GRPC", "localhost:50051").split(":")
    return weaviate.connect_to_custom(
        http_host=http_host, http_port=int(http_port), http_secure=False,
        grpc_host=grpc_host, grpc_port=int(grpc_port), grpc_secure=False,
        auth_credentials=os.environ.get("WEAVIATE_API_KEY"),
    )


def create(client: weaviate.WeaviateClient):
    if not client.collections.exists(COLLECTION):
        client.collections.create_from_dict({
            "class": COLLECTION,
            "properties": [
                {"name": "file", "dataType": ["text"], "tokenization": "field"},
                {"name": "title", "dataType": ["text"]},
                {"name": "licence", "dataType": ["text"], "tokenization": "field"},
                {"name": "text", "dataType": ["text"]},
                {"name": "page", "dataType": ["blob"]},
            ],
            "vectorConfig": {"colpali": {
                "vectorizer": {"multi2multivec-colpali": {"imageFields": ["page"]}},
                "vectorIndexType": "hnsw",
                "vectorIndexConfig": {"multivector": {"enabled": True, "plaid": {"enabled": True}}},
            }},
        })
    return client.collections.use(COLLECTION)


def import_pages(collection) -> None:
    # pages.json has the words of each page, as a PDF's text layer would.
    pages = json.loads((PAGES / "pages.json").read_text())
    with collection.batch.fixed_size(8) as batch:
        for page in pages:
            batch.add_object(uuid=generate_uuid5(page["file"]), properties={
                "file": page["file"],
                "title": page["title"],
                "licence": page["licence"],
                "text": " ".join(word["text"] for word in page["words"]),
                "page": base64.b64encode((PAGES / page["file"]).read_bytes()).decode(),
            })
    if failed := collection.batch.failed_objects:
        sys.exit(f"{len(failed)} pages were not imported, the first one because of: {failed[0].message}")
    print(f"{len(pages)} pages are in {COLLECTION}")


def expect(what: str, response, first: str) -> None:
    """Prints the files of an answer; ends the program unless this one is the first."""
    files = [hit.properties["file"] for hit in response.objects]
    print(f"{what}: {', '.join(files)}")
    if files[:1] != [first]:
        sys.exit(f"{what}: expected {first} first")


def heatmap(client: weaviate.WeaviateClient, question: str, path: str) -> None:
    """Writes the best page with the map of its similarity to the question painted over it."""
    near = "nearText: {concepts: [%s]}" % json.dumps(question)
    answer = client.graphql_raw_query("""{ Get { %s(%s, limit: 1) { file _additional {
        colpali(format: PNG) { map { width height values } image reason } } } } }""" % (COLLECTION, near))
    if answer.errors:
        sys.exit(f"heatmap: {answer.errors}")
    hit = answer.get[COLLECTION][0]
    why = hit["_additional"]["colpali"]
    if not why["image"]:
        sys.exit(f"heatmap: no picture: {why['reason']}")
    pathlib.Path(path).write_bytes(base64.b64decode(why["image"]))
    values, width = why["map"]["values"], why["map"]["width"]
    row, column = divmod(values.index(max(values)), width)
    print(f"heatmap: {hit['file']} is warmest at column {column} and row {row} "
          f"of {width} x {why['map']['height']} patches; the picture is in {path}")


with connect() as client:
    pages = create(client)
    import_pages(pages)
    expect("nearText", pages.query.near_text("operating profit", limit=3), first="income-statement.png")
    expect("filter", pages.query.near_text(
        "character set", limit=3, filters=Filter.by_property("licence").equal("PostgreSQL")), first="document-11.png")
    expect("hybrid", pages.query.hybrid("sweet batter", query_properties=["text"], limit=3), first="pancakes.png")
    heatmap(client, "operating profit", "heatmap-python.png")
