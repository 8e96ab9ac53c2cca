"""The one way from a model in memory to a model folder."""

import shutil
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from . import graphs, manifest, verify
from .manifest import ImageSpec
from .precision import Precision
from .prompt import Prompt


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
) -> str:
    """Writes a model folder and returns one line saying how close it is to PyTorch.

    model        ColPaliForRetrieval, or a module with its attributes: config,
                 vlm.model.{get_image_features, get_input_embeddings, language_model},
                 embedding_proj_layer, and its forward. The vision tower may be any
                 network that gives [B, image_tokens, width].
    image        default: square, of the vision config's image_size, mean = std = 0.5
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

    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=out.name + ".") as scratch:
        folder = Path(scratch)
        graphs.write_vision(model, folder / "vision.onnx", image.height, image.width, precision.fused)
        graphs.write_text(model, folder / "text.onnx", page_ids, features, precision.fused)
        files, check = checked(folder, precision, lambda: verify.compare(folder, expected))
        files.append(Path(shutil.copyfile(tokenizer_json, folder / "tokenizer.json")))
        manifest.write(
            folder,
            files,
            {
                "name": name,
                "family": "colpali",
                "dim": int(expected.page_embeddings.shape[-1]),
                "graph": manifest.split_graph(features.shape[-1]) | precision.graph(),
                **_image_fields(image, features.shape[1]),
                **_prompt_fields(prompt, tokenizer, page_ids, features.shape[1]),
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
        publish(folder, out)
    return check


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


def checked(folder: Path, precision: Precision, compare: Callable[[], tuple[float, float]]) -> tuple[list[Path], str]:
    """Gives the folder's float32 graphs their precision; returns their files, and how close they are to PyTorch
    by compare: the largest difference and the least cosine."""
    difference, _ = compare()
    if not difference <= verify.TOLERANCE:
        raise ValueError(f"the graphs differ from PyTorch by {difference:.1e}, more than {verify.TOLERANCE:.0e}; nothing was kept")
    check = f"graphs equal PyTorch within {difference:.1e}"
    files = precision.store(folder, ["vision.onnx", "text.onnx"])
    if precision.is_exact:
        return files, check
    _, cosine = compare()
    if not cosine >= precision.least_cosine:
        raise ValueError(f"{precision} turned a vector to cosine {cosine:.4f}, below {precision.least_cosine}; nothing was kept")
    done = f"computing in {precision.compute}" if precision.fused else "with the stored weights"
    return files, f"{check}; {done} every vector keeps cosine {cosine:.6f}"


def _image_fields(image: ImageSpec, tokens: int) -> dict:
    columns = round((tokens * image.width / image.height) ** 0.5)
    if tokens % columns:
        raise ValueError(f"{tokens} image tokens make no grid on {image.width}x{image.height} pixels")
    common = {field: getattr(image, field) for field in ("resample", "pass_order", "rescale", "mean", "std")}
    grid = {"width": columns, "height": tokens // columns}
    return {"image": {"mode": "square", **common, "square": {"width": image.width, "height": image.height, "grid": grid}}}


def _prompt_fields(prompt: Prompt, tokenizer: Tokenizer, page_ids: list[int], tokens: int) -> dict:
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
    for path in sorted(folder.iterdir(), key=lambda path: path.name == manifest.FILE):
        path.replace(out / path.name)
