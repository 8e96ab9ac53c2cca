"""python -m unittest export.families.test_tiled_checkpoint   (run in tools/dev)"""

import json
import tempfile
import unittest
from pathlib import Path

import torch
from colpali_engine import models
from peft import LoHaConfig, LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file

from export.families import checkpoint
from export.families.__main__ import FAMILIES
from goldens import idefics3_model, modernvbert_model

MAKERS = {"Idefics3": idefics3_model, "ModernVBert": modernvbert_model}


class CheckpointTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def save(self, name: str):
        words = idefics3_model.tokenizer()
        model = MAKERS[name[3:] if name.startswith("Col") else name[2:]].model(words, getattr(models, name))
        model.config.save_pretrained(self.folder / "whole")
        # transformers 5.3 saves ColModernVBert under patterns of names, which nothing can load.
        save_file(model.state_dict(), self.folder / "whole" / "model.safetensors", metadata={"format": "pt"})
        idefics3_model.processor(words, getattr(models, name + "Processor")).save_pretrained(self.folder / "whole")
        return words, model

    def export(self, name="whole", base=None, single=False):
        return checkpoint.export(FAMILIES, self.folder / name, self.folder / "out", base, single)

    def manifest(self) -> dict:
        return json.loads((self.folder / "out" / "colpali.json").read_text())

    def test_whole_models(self):
        for name in ("ColIdefics3", "ColModernVBert"):
            self.save(name)
            self.assertIn("graphs equal PyTorch within", self.export())
            manifest = self.manifest()
            self.assertEqual((manifest["family"], manifest["dim"]), (name.lower(), 128))
            self.assertEqual(manifest["image"]["tiles"]["edge"], idefics3_model.EDGE)
            self.assertEqual(manifest["image"]["tiles"]["tile_tokens"], idefics3_model.TILE_TOKENS)

    def test_bi_encoder(self):
        self.save("BiIdefics3")
        self.export(single=True)
        self.assertEqual(self.manifest()["graph"]["rows"], "one")

    def test_adapter(self):
        words, _ = self.save("ColIdefics3")
        torch.manual_seed(1)
        config = LoraConfig(r=4, lora_alpha=8, target_modules=r".*text_model.*(q_proj|down_proj)$|linear$", init_lora_weights=False)
        get_peft_model(idefics3_model.model(words), config).save_pretrained(self.folder / "adapter")
        idefics3_model.processor(words).save_pretrained(self.folder / "adapter")
        self.assertIn("graphs equal PyTorch within", self.export("adapter", self.folder / "whole"))
        with self.assertRaisesRegex(ValueError, "name its base model"):
            self.export("adapter")

    def test_adapters_of_other_scales(self):
        words, _ = self.save("ColIdefics3")
        for options in ({"use_rslora": True}, {"use_dora": True}, {"alpha_pattern": {"linear": 64}, "rank_pattern": {"linear": 2}}):
            with self.subTest(options):
                torch.manual_seed(1)
                config = LoraConfig(r=4, lora_alpha=8, target_modules=r".*text_model.*q_proj$|linear$", init_lora_weights=False, **options)
                wrapped = get_peft_model(idefics3_model.model(words), config)
                if "use_dora" in options:  # as trained: at first it leaves the lengths as they are
                    for name, parameter in wrapped.named_parameters():
                        if "magnitude" in name:
                            parameter.data *= 1.5
                wrapped.save_pretrained(self.folder / "adapter")
                loaded = checkpoint.load(self.folder / "adapter", self.folder / "whole", models.ColIdefics3, "linear.weight")
                for name, value in wrapped.merge_and_unload().state_dict().items():
                    torch.testing.assert_close(loaded.state_dict()[name], value, msg=name)

    def test_an_adapter_of_another_kind_is_refused(self):
        words, _ = self.save("ColIdefics3")
        get_peft_model(idefics3_model.model(words), LoHaConfig(target_modules=["linear"])).save_pretrained(self.folder / "adapter")
        with self.assertRaisesRegex(ValueError, "peft_type 'LOHA'; only LORA"):
            checkpoint.load(self.folder / "adapter", self.folder / "whole", models.ColIdefics3, "linear.weight")

    def test_prompt_of_another_family_is_refused(self):
        self.save("ColIdefics3")
        with self.assertRaisesRegex(ValueError, "qwen-bare is no prompt of idefics3"):
            checkpoint.export(FAMILIES, self.folder / "whole", self.folder / "out", prompt="qwen-bare")

    def test_model_without_its_projection_is_refused(self):
        self.save("ColIdefics3")
        weights = self.folder / "whole" / "model.safetensors"
        kept = {name: value for name, value in load_file(weights).items() if name != "linear.weight"}
        save_file(kept, weights, metadata={"format": "pt"})
        with self.assertRaisesRegex(ValueError, "lacks weights.*linear.weight"):
            self.export()


if __name__ == "__main__":
    unittest.main()
