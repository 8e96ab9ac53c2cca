"""python -m unittest export.families.test_qwen_checkpoint   (run in tools/dev)"""

import json
import tempfile
import unittest
from pathlib import Path

import torch
from colpali_engine.models import ColQwen2, ColQwen2_5, ColQwen2_5_Processor, ColQwen2Processor
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from export.families import checkpoint
from export.families.__main__ import FAMILIES
from goldens import qwen_model

PROJECTION = FAMILIES["qwen2_vl"].projection


class CheckpointTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def save(self, kind, processor_kind):
        words = qwen_model.tokenizer()
        model = qwen_model.model(words, kind)
        model.config.save_pretrained(self.folder / "whole")
        # Under the names of published checkpoints: transformers 5.3 saves these classes under patterns of
        # names, base_model\.model\.custom_text_proj among them, which nothing can load.
        named = {name.replace("language_model.", "model."): value for name, value in model.state_dict().items()}
        save_file(named, self.folder / "whole" / "model.safetensors", metadata={"format": "pt"})
        qwen_model.processor(words, processor_kind).save_pretrained(self.folder / "whole")

    def save_adapter(self) -> nn.Module:
        words = qwen_model.tokenizer()
        torch.manual_seed(1)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=r".*(q_proj|down_proj|custom_text_proj)$", init_lora_weights=False)
        wrapped = get_peft_model(qwen_model.model(words), config)
        wrapped.save_pretrained(self.folder / "adapter")
        qwen_model.processor(words).save_pretrained(self.folder / "adapter")
        return wrapped.merge_and_unload()

    def export(self, name, base=None):
        return checkpoint.export(FAMILIES, self.folder / name, self.folder / "out", base, prompt="qwen-query")

    def test_whole_model(self):
        self.save(ColQwen2, ColQwen2Processor)
        self.assertIn("graphs equal PyTorch within", self.export("whole"))
        manifest = json.loads((self.folder / "out" / "colpali.json").read_text())
        self.assertEqual((manifest["family"], manifest["dim"]), ("colqwen2", 128))
        self.assertEqual(manifest["query"]["prefix_text"], "Query: ")
        self.assertEqual(manifest["image"]["patches"]["max_pixels"], qwen_model.MAX_TOKENS * 28 * 28)

    def test_qwen2_5(self):
        self.save(ColQwen2_5, ColQwen2_5_Processor)
        self.assertIn("graphs equal PyTorch within", self.export("whole"))

    def test_adapter_is_merged(self):
        self.save(ColQwen2, ColQwen2Processor)
        merged = self.save_adapter()
        loaded = checkpoint.load(self.folder / "adapter", self.folder / "whole", ColQwen2, PROJECTION)
        for name, value in merged.state_dict().items():
            torch.testing.assert_close(loaded.state_dict()[name], value, msg=name)
        self.assertIn("graphs equal PyTorch within", self.export("adapter", self.folder / "whole"))

    def test_adapter_without_its_base_is_refused(self):
        self.save_adapter()
        with self.assertRaisesRegex(ValueError, "name its base model"):
            checkpoint.model_type(self.folder / "adapter", None)

    def test_model_without_its_projection_is_refused(self):
        self.save(ColQwen2, ColQwen2Processor)
        weights = self.folder / "whole" / "model.safetensors"
        kept = {name: value for name, value in load_file(weights).items() if name != PROJECTION}
        save_file(kept, weights, metadata={"format": "pt"})
        with self.assertRaisesRegex(ValueError, "lacks weights.*custom_text_proj"):
            checkpoint.load(self.folder / "whole", None, ColQwen2, PROJECTION)


if __name__ == "__main__":
    unittest.main()
