"""A question answered from the pictures of the pages that match it: the last stage of visual RAG.

The server hands the question and the images of the best pages to a model behind OpenAI's protocol: to OpenAI, or to
vLLM, Ollama, llama.cpp and others that speak it. MODEL_URL says where it is, as the server sees it, MODEL_NAME which
model, MODEL_API_KEY with what key. WEAVIATE_HTTP, WEAVIATE_GRPC and WEAVIATE_API_KEY say which server (default: `make
serve`). It can be run again: the same pages keep their ids.
"""

import base64
import json
import os
import pathlib
import sys

import weaviate
from weaviate.classes.generate import GenerativeConfig, GenerativeParameters
from weaviate.util import generate_uuid5

COLLECTION = "GenerativePage"
PAGES = pathlib.Path(__file__).resolve().parents[2] / "tools/dev/demo/pages"
QUESTION = "How high was the operating profit in 2024?"
WORDS = "operating profit"  # what the demo model can look for; a real one is asked the question itself


def connect() -> weaviate.WeaviateClient:
    http_host, http_port = os.environ.get("WEAVIATE_HTTP", "localhost:8080").split(":")
    grpc_host, grpc_port = os.environ.get("WEAVIATE_GRPC", "localhost:50051").split(":")
    return weaviate.connect_to_custom(
        http_host=http_host, http_port=int(http_port), http_secure=False,
        grpc_host=grpc_host, grpc_port=int(grpc_port), grpc_secure=False,
        auth_credentials=os.environ.get("WEAVIATE_API_KEY"),
        # The module wants a key even if the model does not.
        headers={"X-OpenAI-Api-Key": os.environ.get("MODEL_API_KEY", "none")},
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


def ask(collection) -> None:
    answer = collection.generate.near_text(
        WORDS, limit=2,
        grouped_task=GenerativeParameters.grouped_task(
            f"Answer from these pages: {QUESTION}", image_properties=["page"], non_blob_properties=["title"]),
        generative_provider=GenerativeConfig.openai(
            base_url=os.environ.get("MODEL_URL", "https://api.openai.com"),
            model=os.environ.get("MODEL_NAME", "gpt-4o")),
    )
    print("pages handed on:", ", ".join(hit.properties["file"] for hit in answer.objects))
    if not answer.generative or not answer.generative.text:
        sys.exit("the model gave no answer")
    print("answer:", answer.generative.text)


with connect() as client:
    pages = create(client)
    import_pages(pages)
    ask(pages)
