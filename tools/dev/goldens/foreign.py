"""python tools/dev/goldens/foreign.py: vectorizer/testdata/fastembed-* and optimum-*, tiny random models in the layouts of other
exporters, without colpali.json, and what the others' own code makes of pages and queries with them.

Needs fastembed beside requirements-export.txt: pip install --no-deps fastembed==0.9.1 loguru mmh3 py-rust-stemmers.
Its classes read the folder themselves: configuration, pixels, prompts, graph. The vectors kept are PyTorch's of the very
ids and pixels that fastembed made, and fastembed's own must equal them.

optimum-onnx 0.1.0 wants an older transformers (4.57.6): OPTIMUM_PYTHON is a Python that has both.
"""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from colpali_engine.models import ColModernVBert
from fastembed.late_interaction_multimodal.colmodernvbert import ColModernVBERT
from fastembed.late_interaction_multimodal.colpali import ColPali
from tokenizers import AddedToken
from tokenizers.processors import TemplateProcessing
from torch import nn
from transformers import ColPaliConfig, ColPaliForRetrieval, ColPaliProcessor, PaliGemmaConfig, PreTrainedTokenizerFast, SiglipImageProcessor

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from export import golden, graphs  # noqa: E402  (found through DEV)
from export.families import modernvbert  # noqa: E402
from goldens import idefics3_model, modernvbert_model, random_model  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "testdata"
TOLERANCE = 2e-5
OPTIMUM_PYTHON = os.environ.get("OPTIMUM_PYTHON", sys.executable)

PAGES = {"letter.png": (425, 550), "wide.png": (300, 200)}
QUERIES = ["hello world", "What is the total revenue of 2023?", "a", "  two  leading spaces", "naïve café 日本", "<image"]


def main() -> None:
    print(fastembed_colpali(TESTDATA / "fastembed-colpali"))
    print(fastembed_modernvbert(TESTDATA / "fastembed-colmodernvbert"))
    print(optimum_colpali(TESTDATA / "optimum-colpali"))


SIDE, PATCH, WIDTH = 112, 14, 32


def small_colpali() -> ColPaliForRetrieval:
    """As random_model's, with fewer and narrower layers, pages of 8 x 8 patches and 16 values a vector."""
    layers = {"hidden_size": WIDTH, "intermediate_size": 48, "num_hidden_layers": 1, "num_attention_heads": 2}
    vision = {"model_type": "siglip_vision_model", "image_size": SIDE, "patch_size": PATCH, "vision_use_head": False, "projection_dim": WIDTH}
    text = {"model_type": "gemma", "num_key_value_heads": 1, "head_dim": 16, "vocab_size": random_model.VOCABULARY}
    text |= {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2, "num_image_tokens": (SIDE // PATCH) ** 2}
    tokens = {"image_token_index": random_model.IMAGE_TOKEN_ID, "projection_dim": WIDTH, "pad_token_id": 0}
    config = PaliGemmaConfig(vision_config=layers | vision, text_config=layers | text, **tokens)
    torch.manual_seed(0)
    model = ColPaliForRetrieval(ColPaliConfig(vlm_config=config, embedding_dim=16))
    for name, parameter in model.named_parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.12)
        elif "norm" in name and "language_model" in name:
            nn.init.normal_(parameter, 0, 0.05)
    return model.float().eval()


class Single(nn.Module):
    """One graph from ids and pixels to vectors [B,L,dim]."""

    def __init__(self, model: ColPaliForRetrieval):
        super().__init__()
        self.vision, self.text = graphs.VisionGraph(model), graphs.TextGraph(model)

    def forward(self, input_ids, pixel_values, attention_mask):
        return self.text(input_ids, attention_mask, self.vision(pixel_values).flatten(0, 1))


def fastembed_colpali(out: Path) -> str:
    model = small_colpali()
    fresh(out)
    words = random_model.tokenizer()
    # PaliGemma's knows both; fastembed writes the one and counts on the other.
    words.add_tokens([AddedToken("<s>", normalized=False), AddedToken("Query", normalized=False)])
    page_ids = [random_model.IMAGE_TOKEN_ID] * (SIDE // PATCH) ** 2 + encode(words, "<bos>Describe the image.\n")
    write_single(model, out, page_ids)
    model.config.save_pretrained(out)
    SiglipImageProcessor(size={"height": SIDE, "width": SIDE}, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3).save_pretrained(out)
    write_json(out / "tokenizer_config.json", {"model_max_length": 50, "pad_token": "<pad>", "bos_token": "<bos>"})
    words.save(str(out / "tokenizer.json"))
    seen = []

    class Tiny(ColPali):
        """fastembed's own class; the four constants are ids and sizes of PaliGemma's."""

        QUERY_MARKER_TOKEN_ID = encode(words, "<bos>Query")
        IMAGE_PLACEHOLDER_SIZE = (3, SIDE, SIDE)
        EMPTY_TEXT_PLACEHOLDER = np.array(page_ids)
        EVEN_ATTENTION_MASK = np.array([1] * len(page_ids))

        def _preprocess_onnx_text_input(self, onnx_input, **kwargs):
            seen.append(super()._preprocess_onnx_text_input(onnx_input, **kwargs))
            return seen[-1]

        def _preprocess_onnx_image_input(self, onnx_input, **kwargs):
            seen.append(super()._preprocess_onnx_image_input(onnx_input, **kwargs))
            return seen[-1]

    peer = Tiny("Qdrant/colpali-v1.3-fp16", specific_model_path=str(out), cuda=False)
    peer.model_description = dataclasses.replace(peer.model_description, dim=16)
    return write_golden(out, peer, seen, lambda given: rows_of(model, given))


def optimum_colpali(out: Path) -> str:
    """Two runs of optimum's own exporter, each into a folder of its own, beside the checkpoint's configuration."""
    model = small_colpali()
    fresh(out)
    words = random_model.tokenizer()
    special = {"bos_token": "<bos>", "eos_token": "<eos>", "pad_token": "<pad>", "unk_token": "<unk>"}
    fast = PreTrainedTokenizerFast(tokenizer_object=words, **special, extra_special_tokens={"image_token": "<image>"})
    images = SiglipImageProcessor(size={"height": SIDE, "width": SIDE}, resample=3, image_mean=[0.5] * 3, image_std=[0.5] * 3)
    images.image_seq_length = (SIDE // PATCH) ** 2
    processor = ColPaliProcessor(images, fast)
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch)
        processor.save_pretrained(scratch)
        config = Path(scratch, "config.json")
        content = json.loads(config.read_text())
        # PaliGemma's has it, and optimum wants it.
        content["vlm_config"]["vision_config"]["num_image_tokens"] = images.image_seq_length
        write_json(config, content)
        for variant in ("vision", "text"):
            command = ["-m", "optimum.commands.optimum_cli", "export", "onnx", "--model", scratch, "--task", "feature-extraction"]
            subprocess.run([OPTIMUM_PYTHON, *command, "--variant", variant, "--no-post-process", out / variant], check=True, capture_output=True)
        # optimum writes no tokenizer of this class; of PaliGemma's it does.
        for name in ("config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"):
            shutil.copy(Path(scratch, name), out)
    for variant in ("vision", "text"):
        for file in (out / variant).iterdir():
            if file.suffix != ".onnx":
                file.unlink()

    # transformers' own processor, as its documentation has it; padding is of one.
    pages = {}
    for number, (file, size) in enumerate(PAGES.items()):
        image = golden.draw_page(number, *size)
        given = processor(images=[image])
        pages[file] = golden.Page(image, given["input_ids"][0].tolist(), given["pixel_values"][0].numpy(), embedded(model, given))
    queries = []
    for text in QUERIES:
        given = processor(text=[text])
        queries.append(golden.Query(text, given["input_ids"][0].tolist(), embedded(model, given)))
    golden.write(out / "golden", pages, queries, few)
    return f"{out.name}: {size_of(out)} bytes"


def embedded(model: ColPaliForRetrieval, given: dict) -> torch.Tensor:
    with torch.no_grad():
        return model(**{name: given[name] for name in ("input_ids", "attention_mask", "pixel_values") if name in given}).embeddings[0]


class SingleTiles(nn.Module):
    """One graph from ids and tiles [B,tiles,3,H,W] to vectors; tiles of zeros are none."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.vision, self.text = modernvbert.VisionGraph(model), modernvbert.TextGraph(model)

    def forward(self, input_ids, attention_mask, pixel_values):
        tiles = pixel_values.flatten(0, 1)
        there = (tiles != 0).flatten(1).any(1)
        return self.text(input_ids, attention_mask, self.vision(tiles)[there].flatten(0, 1))


def fastembed_modernvbert(out: Path) -> str:
    words = idefics3_model.tokenizer()
    # As ModernBERT's tokenizer has it: [CLS] before and [SEP] behind every text, prompts too.
    frame = [(token, words.token_to_id(token)) for token in ("<|im_start|>", "<|endoftext|>")]
    words.post_processor = TemplateProcessing(single=f"{frame[0][0]} $A {frame[1][0]}", special_tokens=frame)
    model = small_modernvbert(words)
    fresh(out)
    edge = idefics3_model.EDGE
    ids = torch.tensor([[words.token_to_id("<image>")] * 2 * idefics3_model.TILE_TOKENS] * 2)
    pixels = torch.linspace(-1, 1, 2 * 2 * 3 * edge * edge).reshape(2, 2, 3, edge, edge)
    axes = {0: "batch", 1: "sequence"}
    inputs = {"input_ids": axes, "attention_mask": axes, "pixel_values": {0: "batch", 1: "tiles"}}
    path = out / "model_v2.onnx"
    graphs._write(SingleTiles(model), (ids, torch.ones_like(ids), pixels), path, inputs, {"embeddings": axes})
    model.config.save_pretrained(out)
    processor = idefics3_model.processor(words)
    processor.image_processor.save_pretrained(out)
    write_json(out / "processor_config.json", {"image_seq_len": idefics3_model.TILE_TOKENS, "processor_class": "ColModernVBertProcessor"})
    write_json(out / "tokenizer_config.json", {"model_max_length": 8192, "pad_token": "<|im_end|>", "padding_side": "left"})
    words.save(str(out / "tokenizer.json"))
    seen = []

    class Seen(ColModernVBERT):
        """fastembed's own class, which reads all ids and sizes from the folder."""

        def _preprocess_onnx_text_input(self, onnx_input, **kwargs):
            seen.append(super()._preprocess_onnx_text_input(onnx_input, **kwargs))
            return seen[-1]

        def _preprocess_onnx_image_input(self, onnx_input, **kwargs):
            seen.append(super()._preprocess_onnx_image_input(onnx_input, **kwargs))
            return seen[-1]

    peer = Seen("Qdrant/colmodernvbert", specific_model_path=str(out), cuda=False)

    def reference(given: dict) -> torch.Tensor:
        ids, pixels = torch.from_numpy(given["input_ids"]), torch.from_numpy(given["pixel_values"])
        images = {"pixel_values": pixels} if pixels.any() else {}
        with torch.no_grad():
            return model(input_ids=ids, attention_mask=torch.ones_like(ids), **images)[0]

    return write_golden(out, peer, seen, reference)


def small_modernvbert(words) -> nn.Module:
    """As modernvbert_model's, with one layer of each kind."""
    config = modernvbert_model.config(words)
    config.text_config.num_hidden_layers = 2
    config.text_config.layer_types = ["full_attention", "sliding_attention"]
    config.vision_config.num_hidden_layers = 1
    torch.manual_seed(0)
    made = ColModernVBert(config)
    for parameter in made.parameters():
        if parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.08)
    return made.float().eval()


def rows_of(model: nn.Module, given: dict) -> torch.Tensor:
    """PyTorch's vectors of what fastembed fed. Without image tokens the page of zeros must not be looked at."""
    ids = torch.from_numpy(given["input_ids"])
    pixels = {"pixel_values": torch.from_numpy(given["pixel_values"])} if (ids == random_model.IMAGE_TOKEN_ID).any() else {}
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids), **pixels).embeddings[0]


def write_golden(out: Path, peer, seen: list, reference) -> str:
    pages, queries, furthest = {}, [], 0.0
    for number, (file, size) in enumerate(PAGES.items()):
        image = golden.draw_page(number, *size)
        [made] = peer.embed_image([image])
        rows = reference(seen[-1])
        furthest = max(furthest, float((rows - torch.from_numpy(made)).abs().max()))
        pages[file] = golden.Page(image, seen[-1]["input_ids"][0].tolist(), seen[-1]["pixel_values"][0], rows)
    for text in QUERIES:
        [made] = peer.embed_text([text])
        rows = reference(seen[-1])
        furthest = max(furthest, float((rows - torch.from_numpy(made)).abs().max()))
        queries.append(golden.Query(text, seen[-1]["input_ids"][0].tolist(), rows))
    assert furthest < TOLERANCE, furthest
    golden.write(out / "golden", pages, queries, few)
    return f"{out.name}: {size_of(out)} bytes; fastembed equals PyTorch within {furthest:.1e}"


def few(vectors: int, file: str) -> list[int]:
    """All rows of short pages; of others enough to see a wrong order or offset."""
    rows = range(vectors)
    return list(rows) if vectors < 100 else sorted({*rows[::16], *rows[-9:]})


def write_single(model: nn.Module, out: Path, page_ids: list[int]) -> None:
    """model.onnx with its weights in model.onnx_data."""
    ids = torch.tensor([page_ids, page_ids])
    pixels = torch.linspace(-1, 1, 2 * 3 * SIDE * SIDE).reshape(2, 3, SIDE, SIDE)
    axes = {0: "batch", 1: "sequence"}
    inputs = {"input_ids": axes, "pixel_values": {0: "batch"}, "attention_mask": axes}
    graphs._write(Single(model), (ids, pixels, torch.ones_like(ids)), out / "model.onnx", inputs, {"vectors": axes})
    apart(out / "model.onnx")


def apart(path: Path) -> None:
    loaded = onnx.load(str(path))
    path.unlink()
    onnx.save_model(loaded, str(path), save_as_external_data=True, location=path.name + "_data", size_threshold=1024)


def encode(words, text: str) -> list[int]:
    return words.encode(text, add_special_tokens=False).ids


def write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def size_of(out: Path) -> int:
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def fresh(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()


if __name__ == "__main__":
    main()
