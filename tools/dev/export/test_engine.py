"""python -m unittest export.test_engine   (run in tools/dev)"""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import torch
from colpali_engine.models import BiPali, BiPaliProj, ColPali
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

from export import __main__ as command
from export import load_checkpoint
from export.engine import PROJECTION
from goldens import random_model

IMAGES = {"size": {"width": 448, "height": 448}, "resample": 3, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}


class EngineTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def model(self, kind: type = ColPali) -> nn.Module:
        torch.manual_seed(0)
        made = kind(random_model.paligemma_config())
        for parameter in made.parameters():
            if parameter.dim() >= 2:
                nn.init.normal_(parameter, 0, 0.08)
        return made.float().eval()

    def settings(self, folder: Path):
        (folder / "preprocessor_config.json").write_text(json.dumps(IMAGES))
        random_model.tokenizer().save(str(folder / "tokenizer.json"))

    def whole(self, kind: type = ColPali) -> Path:
        folder = self.folder / "whole"
        model = self.model(kind)
        model.config.architectures = [kind.__name__]
        model.config.save_pretrained(folder)
        # lm_head is the embedding table again.
        kept = {name: value.clone() for name, value in model.state_dict().items() if "lm_head" not in name}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        self.settings(folder)
        return folder

    def adapter(self) -> tuple[Path, nn.Module]:
        torch.manual_seed(1)
        targets = r"(.*(language_model).*(down_proj|q_proj).*$|.*(custom_text_proj).*$)"  # as colpali-v1.3 says
        wrapped = get_peft_model(self.model(), LoraConfig(r=4, lora_alpha=8, target_modules=targets, init_lora_weights=False))
        wrapped.save_pretrained(self.folder / "adapter")
        self.settings(self.folder / "adapter")
        return self.folder / "adapter", wrapped.merge_and_unload()

    def run_command(self, *arguments) -> dict:
        out = self.folder / "out"
        with mock.patch("sys.argv", ["export", *map(str, arguments), str(out)]):
            command.main()
        return json.loads((out / "colpali.json").read_text())

    def test_whole_model(self):
        manifest = self.run_command(self.whole())
        self.assertEqual(manifest["source"]["preset"], "colpali-bare")
        self.assertIn("graphs equal PyTorch within", manifest["source"]["check"])

    def test_bi_encoders(self):
        for kind, dim in ((BiPali, 64), (BiPaliProj, 1024)):
            manifest = self.run_command(self.whole(kind), "--single")
            self.assertEqual((manifest["family"], manifest["graph"]["rows"], manifest["dim"]), ("bipali", "one", dim))
            self.assertIn("graphs equal PyTorch within", manifest["source"]["check"])

    def test_adapter(self):
        base = self.whole()
        adapter, merged = self.adapter()
        loaded, _ = load_checkpoint(adapter, base)
        for name, value in merged.state_dict().items():
            if "lm_head" not in name:
                torch.testing.assert_close(loaded.model.state_dict()[name], value, msg=name)
        self.assertFalse(torch.equal(merged.state_dict()[PROJECTION], self.model().state_dict()[PROJECTION]))
        manifest = self.run_command(adapter, "--base", base, "--prompt", "colpali-query")
        self.assertEqual(manifest["query"]["prefix_text"], "Query: ")

    def test_adapter_without_its_base_is_refused(self):
        adapter, _ = self.adapter()
        with self.assertRaisesRegex(ValueError, "name its base model with --base"):
            load_checkpoint(adapter)

    def test_model_without_its_projection_is_refused(self):
        folder = self.whole()
        weights = load_file(folder / "model.safetensors")
        save_file({name: value for name, value in weights.items() if name != PROJECTION}, folder / "model.safetensors", metadata={"format": "pt"})
        with self.assertRaisesRegex(ValueError, "lacks weights.*custom_text_proj"):
            load_checkpoint(folder)


if __name__ == "__main__":
    unittest.main()
