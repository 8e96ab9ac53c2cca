"""python -m unittest export.test_export   (run in tools/dev)"""

import json
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from transformers import SiglipImageProcessor

import export
from export.__main__ import main
from goldens import random_model


class ExportTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.tokenizer_json = self.folder / "tokenizer.json"
        random_model.tokenizer().save(str(self.tokenizer_json))

    def test_checkpoint_folder_gives_the_same_files_as_the_model_in_memory(self):
        self.save_checkpoint()
        self.command_line()
        self.export(random_model.model())
        self.assertEqual(self.manifest("from-disk")["files"], self.manifest("out")["files"])
        self.assertEqual(self.manifest("from-disk")["image"], self.manifest("out")["image"])

    def test_float16_storage_nearly_halves_the_file_and_keeps_float32_inputs(self):
        self.export(random_model.model())
        whole = self.manifest("out")["files"]["text.onnx"]["bytes"]
        check = self.export(random_model.model(), precision=export.Precision(weights="fp16"))
        self.assertIn("keeps cosine 0.9999", check)
        self.assertLess(self.manifest("out")["files"]["text.onnx"]["bytes"], whole * 0.6)

    def test_large_tensors_go_beside_the_graph_and_into_the_manifest(self):
        with mock.patch("export.weights.EXTERNAL_DATA_OVER", 1000):
            self.export(random_model.model())
        self.assertEqual(
            sorted(self.manifest("out")["files"]),
            ["text.onnx", "text.onnx_data", "tokenizer.json", "vision.onnx", "vision.onnx_data"],
        )

    def test_a_graph_unlike_pytorch_is_not_kept(self):
        with mock.patch("export.verify.TOLERANCE", 0.0), self.assertRaisesRegex(ValueError, "nothing was kept"):
            self.export(random_model.model())
        self.assertFalse((self.folder / "out").exists())

    def test_float16_refuses_weights_beyond_its_range(self):
        model = random_model.model()
        model.vlm.model.language_model.embed_tokens.weight.data[5, 5] = 1e5
        with self.assertRaisesRegex(ValueError, "beyond float16"):
            self.export(model, precision=export.Precision(weights="fp16"))

    def test_two_bos_stand_before_the_page_prompt(self):
        self.export(random_model.model(), prompt=export.PRESETS["colpali-bos2"])
        self.assertEqual(self.manifest("out")["page"]["suffix_ids"][:3], [2, 2, 555])

    def test_foreign_tokenizer_is_refused(self):
        tokenizer = random_model.tokenizer()
        tokenizer.add_tokens([f"<extra{number}>" for number in range(100)])
        tokenizer.save(str(self.tokenizer_json))
        prompt = export.Prompt("extra", "<bos><extra99>", "", "")
        with self.assertRaisesRegex(ValueError, "another model's"):
            self.export(random_model.model(), prompt=prompt)

    def test_adapter_is_refused(self):
        self.save_checkpoint()
        (self.folder / "checkpoint" / "adapter_config.json").write_text("{}")
        self.refused("LoRA adapter")

    def test_other_architecture_is_refused(self):
        self.save_checkpoint()
        config = self.folder / "checkpoint" / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | {"architectures": ["ColQwen2"]}))
        self.refused("ColPaliForRetrieval.*python -m export.families")

    def test_checkpoint_without_its_head_is_refused(self):
        self.save_checkpoint(without="embedding_proj_layer.weight")
        self.refused("lacks weights.*embedding_proj_layer")

    def export(self, model, prompt=export.PRESETS["colpali-question"], **options) -> str:
        out = self.folder / "out"
        return export.export(model, self.tokenizer_json, prompt, out, name="test", checkpoint="test", **options)

    def manifest(self, name: str) -> dict:
        return json.loads((self.folder / name / "colpali.json").read_text())

    def save_checkpoint(self, without: str = "") -> None:
        checkpoint = self.folder / "checkpoint"
        model = random_model.model()
        kept = {name: value for name, value in model.state_dict().items() if name != without}
        model.save_pretrained(checkpoint, state_dict=kept)
        SiglipImageProcessor(size={"height": 448, "width": 448}).save_pretrained(checkpoint)
        random_model.tokenizer().save(str(checkpoint / "tokenizer.json"))

    def command_line(self) -> None:
        folders = [str(self.folder / "checkpoint"), str(self.folder / "from-disk")]
        with mock.patch("sys.argv", ["export", *folders]):
            main()

    def refused(self, message: str) -> None:
        with self.assertRaisesRegex(SystemExit, message):
            self.command_line()


if __name__ == "__main__":
    unittest.main()
