"""python -m unittest export.test_half   (run in tools/dev)

Every family in half precision beside colpali-engine's class in float32, on tiny random models.
"""

import json
import tempfile
import unittest
from pathlib import Path

import onnx
from colpali_engine import models

import export
from export import exporter, half
from export.families import folder, idefics3, modernvbert, patched, qwen2, qwen2_5, qwen3, qwen3_5, tiled
from goldens import idefics3_model, modernvbert_model, qwen_model, random_model

QWENS = {"Qwen2": (qwen2, "Processor"), "Qwen2_5": (qwen2_5, "_Processor"), "Qwen3": (qwen3, "Processor"), "Qwen3_5": (qwen3_5, "Processor")}
TILED = {"Idefics3": (idefics3, idefics3_model), "ModernVBert": (modernvbert, modernvbert_model)}


class HalfTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_qwens(self):
        words = qwen_model.tokenizer()
        for name, (family, suffix) in QWENS.items():
            for kind in ("Col", "Bi"):
                processor = qwen_model.processor(words, getattr(models, kind + name + suffix))
                self.compare(patched, family, qwen_model.model(words, getattr(models, kind + name)), processor)

    def test_tiled(self):
        words = idefics3_model.tokenizer()
        for name, (family, maker) in TILED.items():
            for kind in ("Col", "Bi"):
                processor = idefics3_model.processor(words, getattr(models, kind + name + "Processor"))
                self.compare(tiled, family, maker.model(words, getattr(models, kind + name)), processor)

    def compare(self, cut, family, model, processor):
        items = folder.verified(processor)
        for compute in ("fp16", "bf16"):
            with self.subTest(type(model).__name__, compute=compute), exporter.scratch(self.folder / "out") as (traced, made):
                width = cut.write_graphs(traced, family, model, items[0], fused=True)
                precision = export.Precision(compute=compute)
                _, check = exporter.store(traced, made, precision, lambda graphs: folder.compare(graphs, cut, model, items, width))
                print(type(model).__name__, check)
                self.only_products_are_half(made)

    def only_products_are_half(self, folder):
        for name in ("vision.onnx", "text.onnx"):
            nodes = onnx.load(str(folder / name)).graph.node
            computed = {node.op_type for node in nodes if any(map(half._is_halved, node.input))}
            self.assertIn("MatMul", computed)
            self.assertLessEqual(computed, {*half.PRODUCTS, *half.VALUES, "MultiHeadAttention", "Add", "Cast", "Shape", "Gather"})
            # Weights of products are stored once, in half.
            self.assertFalse([node.name for node in nodes if node.op_type == "MatMul" and "_proj" in node.name and ".half" not in node.input[1] and "/head/" not in node.name])

    def export(self, model, compute):
        tokenizer = self.folder / "tokenizer.json"
        random_model.tokenizer().save(str(tokenizer))
        check = export.export(
            model, tokenizer, export.PRESETS["colpali-question"], self.folder / "out", name="t", checkpoint="t", precision=export.Precision(compute=compute)
        )
        return check, json.loads((self.folder / "out" / "colpali.json").read_text())

    def test_colpali(self):
        for compute, name in (("fp16", "float16"), ("bf16", "bfloat16")):
            check, manifest = self.export(random_model.model(), compute)
            print("ColPali", check)
            self.assertEqual(manifest["graph"]["precision"], name)
            self.assertEqual(manifest["source"]["compute"], compute)

    def test_activations_beyond_float16(self):
        """Both what a gate lets through and what a layer adds may reach a million, as in Gemma's last layers."""
        model = random_model.model()
        layer = model.vlm.model.language_model.layers[0].mlp
        layer.up_proj.weight.data *= 2e5
        model.vlm.model.vision_tower.vision_model.encoder.layers[0].mlp.fc2.weight.data *= 1e5
        seen = []
        for module in (layer.down_proj, model.vlm.model.vision_tower.vision_model.encoder.layers[0].mlp.fc2):
            module.register_forward_hook(lambda _, inputs, output: seen.append((float(inputs[0].abs().max()), float(output.abs().max()))))
        check, _ = self.export(model, "fp16")
        print("beyond float16", check)
        gates, sums = zip(*seen, strict=True)
        self.assertGreater(max(gates), 65504)
        self.assertGreater(max(sums), 65504)

    def test_weights_beyond_float16_are_refused(self):
        model = random_model.model()
        model.vlm.model.language_model.layers[0].self_attn.v_proj.weight.data[5, 5] = 1e5
        with self.assertRaisesRegex(ValueError, "beyond float16"):
            self.export(model, "fp16")
        self.assertFalse((self.folder / "out").exists())


if __name__ == "__main__":
    unittest.main()
