"""The two ONNX graphs, as wrappers around a ColPaliForRetrieval.

Exporting ColPaliForRetrieval itself fails in both of PyTorch's exporters (its
attention masks are built by vmap), and a single graph would run the vision tower
on zeros for every query: nine tenths of a real query's arithmetic. So the vision
side and the language side are separate, and the mask is plain arithmetic.
"""

import contextlib
import inspect
import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from . import attention
from .families.parts import Embed, TokenVectors

OPSET = 17
# The first with an operator for GELU: written out, x cubed would overflow in half precision.
FUSED_OPSET = 20


class VisionGraph(nn.Module):
    """pixel_values f32 [B,3,H,W] -> image_features f32 [B,image_tokens,width]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.paligemma = model.vlm.model

    def forward(self, pixel_values):
        return self.paligemma.get_image_features(pixel_values, return_dict=True).pooler_output


class TextGraph(nn.Module):
    """input_ids, attention_mask i64 [B,L], image_features f32 [F,width] -> f32 [B,L,dim], or [B,1,dim] of a BiPali.

    image_features holds the rows of all image tokens of the batch, in order. A batch
    without images may pass no row or any number of rows; they are not read.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.language_model = model.vlm.model.language_model
        self.embed = Embed(model.vlm.model.get_input_embeddings(), image_token_id(model))
        self.head = model.head if hasattr(model, "head") else TokenVectors(model.embedding_proj_layer)

    def forward(self, input_ids, attention_mask, image_features):
        embedded = self.embed(input_ids, image_features)
        # Bidirectional over the keys that exist: ColPali attends to its whole prompt.
        absent = 1.0 - attention_mask.to(embedded.dtype)
        keys = absent[:, None, None, :] * torch.finfo(embedded.dtype).min
        length = input_ids.shape[1]
        hidden = self.language_model(
            inputs_embeds=embedded,
            attention_mask=keys.expand(-1, 1, length, -1),
            # PaliGemma counts positions from 1.
            position_ids=(torch.arange(length, device=input_ids.device) + 1).unsqueeze(0),
            use_cache=False,
        ).last_hidden_state
        return self.head(hidden, attention_mask)


def image_token_id(model: nn.Module) -> int:
    config = model.config.vlm_config
    for name in ("image_token_id", "image_token_index"):
        if getattr(config, name, None) is not None:
            return int(getattr(config, name))
    raise ValueError("the model's vlm_config names no image_token_id")


def write_vision(model: nn.Module, path: Path, height: int, width: int, fused: bool = False) -> None:
    # Two pages, so that the tracer cannot mistake the batch for a constant 1.
    pixels = torch.linspace(-1, 1, 2 * 3 * height * width).reshape(2, 3, height, width)
    _write(
        VisionGraph(model),
        (pixels,),
        path,
        inputs={"pixel_values": {0: "batch"}},
        outputs={"image_features": {0: "batch"}},
        fused=fused,
    )


def write_text(model: nn.Module, path: Path, page_ids: list[int], image_features: torch.Tensor, fused: bool = False) -> None:
    ids = torch.tensor([page_ids, page_ids])
    axes = {0: "batch", 1: "sequence"}
    _write(
        TextGraph(model),
        (ids, torch.ones_like(ids), image_features.flatten(0, 1)),
        path,
        inputs={"input_ids": axes, "attention_mask": axes, "image_features": {0: "image_tokens"}},
        outputs={"embeddings": axes},
        fused=fused,
    )


def _write(graph: nn.Module, arguments: tuple, path: Path, inputs: dict, outputs: dict, fused: bool = False) -> None:
    """fused: attention and GELU as one operator each, as half.py wants them."""
    graph.eval()
    # A wrapper whose argument order drifts from the names given here would export
    # silently with its inputs exchanged.
    assert list(inspect.signature(graph.forward).parameters) == list(inputs)
    with torch.no_grad(), warnings.catch_warnings(), attention.fused() if fused else contextlib.nullcontext():
        # The tracer warns about values it turns into constants. They are the model's
        # own (a width's square root, "there is a mask"); verify.py checks the result
        # on other lengths and batches than the traced ones.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", "You are using the legacy", DeprecationWarning)
        torch.onnx.export(
            graph,
            arguments,
            str(path),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=inputs | outputs,
            opset_version=FUSED_OPSET if fused else OPSET,
            # The legacy exporter: same accuracy as the new one on these two
            # wrappers, smaller files, several times faster.
            dynamo=False,
            do_constant_folding=True,
        )
    _forget_loop_shapes(path)


def _forget_loop_shapes(path: Path) -> None:
    """The exporter writes the traced batch into what loops hand on; ONNX Runtime warns of every other one."""
    graph = onnx.load(str(path), load_external_data=False)
    loops = [node for node in graph.graph.node if node.op_type == "Loop"]
    for body in (attribute.g for loop in loops for attribute in loop.attribute if attribute.name == "body"):
        for value in [*body.input, *body.output, *body.value_info]:
            for side in value.type.tensor_type.shape.dim if value.type.HasField("tensor_type") else ():
                side.Clear()
    if loops:
        onnx.save(graph, str(path))
