"""python -m benchgpu.peer OUT [--rehearse] [--batches 1,2,4,8,16]   (run in tools/dev)

What PyTorch makes of the same ColPali on the same device: bfloat16, scaled_dot_product_attention, pixels already on
the device. Writes OUT/peer.json.
"""

import argparse
import json
import time
from pathlib import Path

import torch

from export import PRESETS
from goldens import random_model

from . import sizes


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchgpu.peer")
    parser.add_argument("out", type=Path)
    parser.add_argument("--rehearse", action="store_true")
    parser.add_argument("--batches", default="1,2,4,8,16")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not options.rehearse:
        raise SystemExit("benchgpu.peer: this PyTorch sees no GPU: the comparison with it is left out")
    figures = {
        "torch": torch.__version__,
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "pages_a_second": measure(options.rehearse, device, [int(size) for size in options.batches.split(",")], options.seconds),
    }
    (options.out / "peer.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))


def measure(rehearse: bool, device: str, batches: list[int], seconds: float) -> dict[str, float]:
    with torch.device(device):
        torch.set_default_dtype(torch.bfloat16)
        model = sizes.part(rehearse, vision=True, text=True).to(torch.bfloat16)
    torch.set_default_dtype(torch.float32)
    suffix = PRESETS["colpali-bare"].page_suffix_ids(random_model.tokenizer())
    ids = torch.tensor([[random_model.IMAGE_TOKEN_ID] * 1024 + suffix], device=device)
    found = {}
    for size in batches:
        inputs = {
            "input_ids": ids.repeat(size, 1),
            "attention_mask": torch.ones_like(ids).repeat(size, 1),
            # Half precision without them crashes in transformers 5.3.
            "token_type_ids": torch.zeros_like(ids).repeat(size, 1),
            "pixel_values": torch.rand(size, 3, 448, 448, device=device, dtype=torch.bfloat16) * 2 - 1,
        }
        try:
            found[str(size)] = size / _seconds(model, inputs, device, seconds)
        except torch.OutOfMemoryError:
            break
    return found


def _seconds(model, inputs: dict, device: str, seconds: float) -> float:
    """Of one batch, mean over so many seconds; the first is not counted."""
    with torch.inference_mode():
        _run(model, inputs, device)
        runs, began = 0, time.perf_counter()
        while time.perf_counter() < began + seconds or runs == 0:
            _run(model, inputs, device)
            runs += 1
        return (time.perf_counter() - began) / runs


def _run(model, inputs: dict, device: str) -> None:
    model(**inputs)
    if device == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
