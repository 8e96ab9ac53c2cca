"""Goldens for patches.go and rotary.go: what transformers' Qwen2-VL makes of pages and their prompts.

Run from the repository root, in an environment with Pillow 13: python tools/dev/goldens/patches.py

Writes to vectorizer/processor/testdata:
    patch_sizes.json   smart_resize, null where it refuses
    patches.json       hashes of the pixel values of all patches of a page, in the slow processor's order
    rotary.json        get_rope_index of pages and queries
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from transformers import Qwen2VLConfig, Qwen2VLImageProcessor, Qwen2VLModel
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from goldens.pixels import noise, sha256  # noqa: E402  (found through DEV)

TESTDATA = DEV.parents[1] / "vectorizer" / "processor" / "testdata"
VERSIONS = {name: version(name) for name in ("transformers", "pillow", "torch")}

# Side of a patch, least and most pixels: ColQwen2 as trained, Qwen2-VL's default, Qwen3-VL, a small one.
RULES = [(14, 56 * 56, 768 * 28 * 28), (14, 56 * 56, 1280 * 28 * 28), (16, 65536, 768 * 32 * 32), (4, 256, 2048)]
MERGE = 2

COMMON = [(850, 1100), (1100, 850), (595, 842), (612, 792), (1240, 1754), (2480, 3508), (1920, 1080), (600, 400), (1654, 2339)]
# Halves that round to even, both ways; slivers; the limit of the aspect.
EDGES = [(14, 14), (42, 70), (70, 98), (98, 126), (1, 1), (1, 200), (200, 1), (1, 201), (201, 1), (3, 600), (601, 3), (28, 5600)]
EDGES += [(16, 48), (48, 80), (4, 12), (12, 20), (20, 28), (10000, 50), (55, 10999)]

PIXELS = [(85, 110), (110, 85), (61, 79), (64, 64), (200, 3), (3, 200), (1, 1), (90, 33), (12, 20), (300, 390)]

# Columns and rows of an image; none is a query.
GRIDS = [None, (1, 1), (4, 2), (2, 5), (3, 3), (7, 1)]
IMAGE = 9


def main() -> None:
    write("patch_sizes.json", sizes())
    write("patches.json", pixels())
    write("rotary.json", rotary())


def sizes() -> list[dict]:
    rng = np.random.default_rng(0)
    drawn = [tuple(int(side) for side in rng.integers(1, limit, 2)) for limit in [60, 400, 3000, 12000] for _ in range(50)]
    return [
        {"edge": edge, "min_pixels": least, "max_pixels": most, "from": page, "to": size(page, edge, least, most)}
        for edge, least, most in RULES
        for page in COMMON + EDGES + drawn
    ]


def size(page: tuple[int, int], edge: int, least: int, most: int) -> list[int] | None:
    try:
        height, width = smart_resize(page[1], page[0], edge * MERGE, least, most)
    except ValueError:
        return None
    return [width, height]


def pixels() -> list[dict]:
    cases = []
    for edge, least, most in [(4, 256, 2048), (14, 56 * 56, 12 * 28 * 28), (16, 4096, 10 * 32 * 32)]:
        images = Qwen2VLImageProcessor(min_pixels=least, max_pixels=most, patch_size=edge, merge_size=MERGE)
        for width, height in PIXELS:
            # The format is said, because pages 1, 3 or 4 pixels high would be taken for planes.
            made = images([noise(width, height)], input_data_format="channels_last", return_tensors="np")
            _, rows, columns = map(int, made["image_grid_thw"][0])
            case = {"edge": edge, "min_pixels": least, "max_pixels": most, "from": [width, height]}
            case |= {"grid": [columns // MERGE, rows // MERGE], "mean": images.image_mean, "std": images.image_std}
            case["pixel_values_sha256"] = sha256(made["pixel_values"].astype("<f4").tobytes())
            cases.append(case | {"positions": patch_positions(rows, columns)})
    return cases


def patch_positions(rows: int, columns: int) -> list[int]:
    """Row and column of each patch, as Qwen2-VL's rotary embedding of the vision tower has them."""
    tower = model().visual
    table = torch.arange(max(rows, columns))[:, None].float()
    tower.rotary_pos_emb.forward = lambda _: table
    return tower.rot_pos_emb(torch.tensor([[1, rows, columns]])).to(torch.long).flatten().tolist()


def model() -> Qwen2VLModel:
    text = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
    vision = {"depth": 1, "embed_dim": 16, "hidden_size": 16, "num_heads": 1}
    return Qwen2VLModel(Qwen2VLConfig(text_config=text | {"vocab_size": 16}, vision_config=vision, image_token_id=IMAGE))


def rotary() -> list[dict]:
    cases = []
    for grid in GRIDS:
        columns, rows = grid or (0, 0)
        ids = [1, 2, 3] + [IMAGE] * (columns * rows) + [4, 5]
        given = torch.tensor([ids])
        thw = torch.tensor([[1, rows * MERGE, columns * MERGE]]) if grid else None
        positions, _ = model().get_rope_index(given, (given == IMAGE).int(), image_grid_thw=thw)
        cases.append({"image_token_id": IMAGE, "ids": ids, "grid": [columns, rows], "positions": positions[:, 0].tolist()})
    return cases


def write(name: str, cases: list[dict]) -> None:
    head = json.dumps({"versions": VERSIONS}, indent=1).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
    (TESTDATA / name).write_text(f'{head},\n "cases": [\n{lines}\n ]\n}}\n')
    print(name, len(cases))


if __name__ == "__main__":
    main()
