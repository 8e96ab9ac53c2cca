"""The best pages put in order by a multimodal reranker, which looks at the question and the picture together.

Weaviate's rerankers hand on one text of each result; that of a blob is the image as base64, which the services they
were written for take for text: before the model stands a small service of yours, see README.md. RERANKER_URL says
where it is, as the server sees it, RERANKER_API_KEY with what key. WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY
say which server (default: `make serve`). It can be run again: the same pages keep their ids.
"""

import base64
import json
import os
import pathlib
import sys

import weaviate
from weaviate.classes.query import Rerank
from weaviate.util import generate_uuid5

COLLECTION = "RerankPage"
PAGES = pathlib.Path(__file__).resolve().parents[2] / "tools/dev/demo/pages"
QUESTION = "operating profit"


def connect() -> weaviate.WeaviateClient:
    http_host, http_port = os.environ.get("WEAVIATE_HTTP", "localhost:8080").split(":")
    grpc_host, grpc_port = os.environ.get("WEAVIATE_GRPC", "localhost:50051").split(":")
    return weaviate.connect_to_custom(
        http_host=http_host, http_port=int(http_port), http_secure=False,
        grpc_host=grpc_host, grpc_port=int(grpc_port), grpc_secure=False,
        auth_credentials=os.environ.get("WEAVIATE_API_KEY"),
        headers={
            "X-Cohere-BaseURL": os.environ.get("RERANKER_URL", "http://localhost:8000"),
            # The module wants a key even if the service does not.
            "X-Cohere-Api-Key": os.environ.get("RERANKER_API_KEY", "none"),
        },
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
            "moduleConfig": {"reranker-cohere": {}},
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


def rerank(collection) -> None:
    found = collection.query.near_text(QUESTION, limit=5)
    print("found:", ", ".join(hit.properties["file"] for hit in found.objects))
    reranked = collection.query.near_text(QUESTION, limit=5, rerank=Rerank(prop="page", query=QUESTION))
    scores = [hit.metadata.rerank_score for hit in reranked.objects]
    if None in scores or scores != sorted(scores, reverse=True):
        sys.exit(f"the pages are not in the order of the reranker's scores: {scores}")
    files = [hit.properties["file"] for hit in reranked.objects]
    print("reranked:", ", ".join(f"{file} {score:.3f}" for file, score in zip(files, scores)))


with connect() as client:
    pages = create(client)
    import_pages(pages)
    rerank(pages)
