"""Goldens for tiles.go and tile_prompt.go: what transformers' slow Idefics3 processor makes of pages.

Run from the repository root, in an environment with Pillow 13: python tools/dev/goldens/tiles.py

Writes to vectorizer/processor/testdata:
    tile_sizes.json   the sizes that pages take on their way to tiles
    tiles.json        hashes of the pixel values of all tiles of a page
    tile_prompt.json  token ids of pages, and colpali-engine's mask of their image tokens
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from transformers import Idefics3ImageProcessor
from transformers.models.idefics3.image_processing_idefics3 import get_resize_output_image_size
from transformers.models.idefics3.processing_idefics3 import get_image_prompt_string

DEV = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(DEV))

from goldens import idefics3_model  # noqa: E402  (found through DEV)
from goldens.pixels import noise, sha256  # noqa: E402

TESTDATA = DEV.parents[1] / "vectorizer" / "processor" / "testdata"
VERSIONS = {name: version(name) for name in ("transformers", "pillow", "tokenizers")}

# Tile and longest edge: of SmolVLM and ColModernVBERT, of Idefics3-8B, and a small one for tests.
RULES = [(512, 2048), (364, 1456), (32, 128)]

COMMON = [(850, 1100), (1100, 850), (595, 842), (612, 792), (1240, 1754), (2480, 3508), (1920, 1080), (600, 400), (1654, 2339)]
EDGES = [(1, 1), (1, 2), (2, 1), (1, 10000), (10000, 1), (3, 4096), (4096, 3), (512, 512), (2048, 2048), (2048, 2047), (2047, 2048)]

# Small pages for pixels: up, down, square, very wide, very high, and the other pass order.
PIXELS = [(85, 110), (110, 85), (61, 79), (64, 64), (128, 128), (128, 32), (31, 127), (1, 1), (200, 3), (3, 200), (300, 390), (90, 33)]

PROMPT = "<|im_start|>User:{}Describe the image.<end_of_utterance>\nAssistant:"


def main() -> None:
    write("tile_sizes.json", sizes())
    write("tiles.json", pixels())
    write("tile_prompt.json", prompts())


def processor(edge: int, longest: int) -> Idefics3ImageProcessor:
    return Idefics3ImageProcessor(size={"longest_edge": longest}, max_image_size={"longest_edge": edge})


def sizes() -> list[dict]:
    rng = np.random.default_rng(0)
    drawn = [tuple(int(side) for side in rng.integers(1, limit, 2)) for limit in [200, 3000, 12000] for _ in range(60)]
    cases = []
    for edge, longest in RULES:
        images = processor(edge, longest)
        # Only the rule: pages without pixels, which any size of memory holds.
        images.resize = lambda image, size, **_: blank(size["width"], size["height"])
        for width, height in COMMON + EDGES + drawn:
            high, wide = get_resize_output_image_size(blank(width, height), longest, "channels_last")
            whole = images.resize_for_vision_encoder(blank(wide, high), edge, input_data_format="channels_last")
            _, rows, columns = images.split_image(whole, {"longest_edge": edge}, data_format="channels_last", input_data_format="channels_last")
            steps = [[wide, high], [whole.shape[1], whole.shape[0]]]
            cases.append({"edge": edge, "longest_edge": longest, "from": [width, height], "steps": steps, "grid": [columns, rows]})
    return cases


def blank(width: int, height: int) -> np.ndarray:
    return np.broadcast_to(np.uint8(0), (height, width, 3))


def pixels() -> list[dict]:
    cases = []
    for edge, longest in [(32, 128), (32, 32), (48, 96)]:
        images = processor(edge, longest)
        for width, height in PIXELS:
            # The format is said, because pages 1, 3 or 4 pixels high would be taken for planes.
            made = images([noise(width, height)], input_data_format="channels_last", return_tensors="np")
            values = made["pixel_values"][0]
            case = {"edge": edge, "longest_edge": longest, "from": [width, height], "tiles": len(values)}
            case["pixel_values_sha256"] = sha256(values.astype("<f4").tobytes())
            cases.append(case)
    return cases


def prompts() -> list[dict]:
    tokenizer = idefics3_model.tokenizer()

    def ids(text: str) -> list[int]:
        return tokenizer.encode(text, add_special_tokens=False).ids

    fake, image, view = "<fake_token_around_image>", "<image>", "<global-img>"
    marks = [[ids(f"{fake}<row_{row + 1}_col_{column + 1}>") for column in range(4)] for row in range(4)]
    cases = []
    for tokens in (1, 4, 64):
        for rows, columns in [(0, 0), (1, 2), (4, 1), (3, 4), (4, 4)]:
            text = get_image_prompt_string(rows, columns, tokens, fake, image, view)
            whole = ids(PROMPT.format(text))
            before, after = ids(PROMPT.split("{}")[0]), ids(PROMPT.split("{}")[1])
            assert whole[: len(before)] == before and whole[len(whole) - len(after) :] == after
            between = whole[len(before) : len(whole) - len(after)]
            cases.append(
                {
                    "image_token_id": ids(image)[0],
                    "tile_tokens": tokens,
                    "tile_ids": marks,
                    "row_end_ids": ids("\n"),
                    "grid_end_ids": ids("\n\n"),
                    "view_ids": ids(fake + view),
                    "end_ids": ids(fake),
                    "grid": [columns, rows],
                    "ids": between,
                    "patches": patches(between, ids(image)[0], tokens, rows, columns),
                }
            )
    return cases


def patches(ids: list[int], image: int, tokens: int, rows: int, columns: int) -> list[int]:
    """Places of the patches as colpali-engine orders them in a similarity map of a page in tiles
    (Idefics3SplitImageInterpretabilityMixin): the view dropped, tiles laid side by side."""
    side = int(tokens**0.5)
    places = np.flatnonzero(np.array(ids) == image)
    if rows:
        places = places[:-tokens]
    tiles = places.reshape(max(rows, 1), max(columns, 1), side, side)
    return tiles.transpose(0, 2, 1, 3).reshape(-1).tolist()


def write(name: str, cases: list[dict]) -> None:
    head = json.dumps({"versions": VERSIONS}, indent=1).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(case, separators=(",", ":")) for case in cases)
    (TESTDATA / name).write_text(f'{head},\n "cases": [\n{lines}\n ]\n}}\n')
    print(name, len(cases))


if __name__ == "__main__":
    main()
