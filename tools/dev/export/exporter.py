"""The one way from a model in memory to a model folder."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image
from tokenizers import Tokenizer
from torch import nn

from . import golden, graphs, manifest, verify
from .manifest import ImageSpec
from .precision import Precision
from .prompt import Prompt

RESAMPLE = {name: number for number, name in manifest.RESAMPLE.items()}


def export(
    model: nn.Module,
    tokenizer_json: Path,
    prompt: Prompt,
    out: Path,
    *,
    name: str,
    checkpoint: str,
    image: ImageSpec | None = None,
    precision: Precision = Precision(),
    cases: golden.Cases | None = golden.Cases(),
) -> str:
    """Writes a model folder and returns one line saying how close it is to PyTorch.

    model        ColPaliForRetrieval, or a module with its attributes: config,
                 vlm.model.{get_image_features, get_input_embeddings, language_model},
                 embedding_proj_layer or head, and its forward. The vision tower may be any
                 network that gives [B, image_tokens, width].
    image        default: square, of the vision config's image_size, mean = std = 0.5
    cases        what its golden/ is made of; none without
    """
    model = model.float().eval()
    image = image or _square(model)
    tokenizer = Tokenizer.from_file(str(tokenizer_json))
    with torch.no_grad():
        blank = torch.ones(2, 3, image.height, image.width)
        features = graphs.VisionGraph(model)(blank)
    page_ids = [graphs.image_token_id(model)] * features.shape[1] + prompt.page_suffix_ids(tokenizer)
    _check_ids(model, page_ids, prompt.query_ids(tokenizer, ""))
    queries = [prompt.query_ids(tokenizer, words) for words in verify.QUERIES]
    expected = verify.reference(model, page_ids, queries, verify.test_pages(image.width, image.height))

    with scratch(out) as (traced, folder):
        graphs.write_vision(model, traced / "vision.onnx", image.height, image.width, precision.fused)
        graphs.write_text(model, traced / "text.onnx", page_ids, features, precision.fused)
        files, check = store(traced, folder, precision, lambda graphs: verify.compare(graphs, expected))
        files.append(Path(shutil.copyfile(tokenizer_json, folder / "tokenizer.json")))
        manifest.write(
            folder,
            files,
            {
                "name": name,
                "family": "bipali" if expected.single else "colpali",
                "dim": int(expected.page_embeddings.shape[-1]),
                "graph": manifest.split_graph(features.shape[-1], rows="one" if expected.single else "tokens") | precision.graph(),
                **image_fields(image, features.shape[1]),
                **prompt_fields(prompt, tokenizer, page_ids, features.shape[1]),
                "tokenizer": {"file": "tokenizer.json"},
                "source": {
                    "checkpoint": checkpoint,
                    "preset": prompt.name,
                    **precision.source(),
                    "check": check,
                    "torch": version("torch"),
                    "transformers": version("transformers"),
                    "onnxruntime": version("onnxruntime"),
                },
            },
        )
        if cases is not None:
            pages = [_golden_page(model, image, page_ids, page) for page in cases.pages.values()]
            asked = [_golden_query(model, prompt.query_ids(tokenizer, text), text) for text in cases.queries]
            golden.write(folder / "golden", dict(zip(cases.pages, pages, strict=True)), asked, cases.kept)
        publish(folder, out)
    return check


def _golden_page(model: nn.Module, image: ImageSpec, ids: list[int], page: Image.Image) -> golden.Page:
    # transformers takes seconds to import. The slow processor: the fast one differs by a grey level here and there.
    from transformers import SiglipImageProcessor

    processor = SiglipImageProcessor(
        size={"height": image.height, "width": image.width},
        resample=RESAMPLE[image.resample],
        rescale_factor=image.rescale,
        image_mean=image.mean,
        image_std=image.std,
    )
    pixels = processor([page], return_tensors="pt")["pixel_values"]
    return golden.Page(page, ids, pixels[0].numpy(), verify.rows(model, ids, pixel_values=pixels))


def _golden_query(model: nn.Module, ids: list[int], text: str) -> golden.Query:
    return golden.Query(text, ids, verify.rows(model, ids))


def _square(model: nn.Module) -> ImageSpec:
    size = model.config.vlm_config.vision_config.image_size
    return ImageSpec(width=size, height=size)


def _check_ids(model: nn.Module, page_ids: list[int], query_ids: list[int]) -> None:
    rows = model.vlm.model.get_input_embeddings().num_embeddings
    image_id = graphs.image_token_id(model)
    words = [token for token in page_ids + query_ids if token != image_id]
    if max(words) >= rows:
        raise ValueError(f"the prompt has token id {max(words)}, the model embeds {rows}: tokenizer.json is another model's")
    if image_id in query_ids:
        raise ValueError("the query prompt contains the image token")


@contextlib.contextmanager
def scratch(out: Path) -> Iterator[tuple[Path, Path]]:
    """Two folders beside out, on its file system: for traced graphs, and for what becomes out."""
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as name:
        folders = Path(name, "traced"), Path(name, "model")
        for folder in folders:
            folder.mkdir()
        yield folders


def store(traced: Path, folder: Path, precision: Precision, compare: Callable[[Path], tuple[float, float]]) -> tuple[list[Path], str]:
    """Writes the traced graphs into the folder in their precision; returns their files, and how close they are to
    PyTorch by compare: the largest difference and the least cosine."""
    difference, _ = compare(traced)
    if not difference <= verify.TOLERANCE:
        raise ValueError(f"the graphs differ from PyTorch by {difference:.1e}, more than {verify.TOLERANCE:.0e}; nothing was kept")
    check = f"graphs equal PyTorch within {difference:.1e}"
    files = [file for name in ("vision.onnx", "text.onnx") for file in precision.store(traced / name, folder / name)]
    if precision.is_exact:
        return files, check
    _, cosine = compare(folder)
    if not cosine >= precision.least_cosine:
        raise ValueError(f"{precision} turned a vector to cosine {cosine:.4f}, below {precision.least_cosine}; nothing was kept")
    done = f"computing in {precision.compute}" if precision.fused else "with the stored weights"
    return files, f"{check}; {done} every vector keeps cosine {cosine:.6f}"


def image_fields(image: ImageSpec, tokens: int) -> dict:
    columns = round((tokens * image.width / image.height) ** 0.5)
    if tokens % columns:
        raise ValueError(f"{tokens} image tokens make no grid on {image.width}x{image.height} pixels")
    common = {field: getattr(image, field) for field in ("resample", "pass_order", "rescale", "mean", "std")}
    grid = {"width": columns, "height": tokens // columns}
    return {"image": {"mode": "square", **common, **manifest.VIEW, "square": {"width": image.width, "height": image.height, "grid": grid}}}


def prompt_fields(prompt: Prompt, tokenizer: Tokenizer, page_ids: list[int], tokens: int) -> dict:
    return {
        "page": {
            "prefix_ids": [],
            "image_token_id": page_ids[0],
            "suffix_ids": page_ids[tokens:],
            "drop_non_image": False,
        },
        "query": {
            "prefix_ids": prompt.query_prefix_ids(tokenizer),
            "prefix_text": prompt.query_prefix,
            "suffix_ids": prompt.query_suffix_ids(tokenizer),
            "max_tokens": prompt.max_query_tokens,
        },
    }


def publish(folder: Path, out: Path) -> None:
    """The manifest goes last: a folder with one is complete."""
    out.mkdir(exist_ok=True)
    (out / manifest.FILE).unlink(missing_ok=True)
    shutil.rmtree(out / "golden", ignore_errors=True)
    for path in sorted(folder.iterdir(), key=lambda path: path.name == manifest.FILE):
        path.replace(out / path.name)
