"""python -m unittest test_tinymodel   (run in tools/dev/tinymodel)"""

import itertools
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import evaluate
import model as tiny
import pages
import text
import tokenizer
import train


class TextTest(unittest.TestCase):
    def test_held_out_words_leave_the_line(self):
        held = next(w for w in itertools.product("abcd", repeat=5) if text.is_held_out("".join(w)))
        held = "".join(held)
        self.assertEqual(text.without_held_out_words(f"the {held} and ({held.title()}); the end"), "the and the end")

    def test_short_words_and_identifiers_are_never_held_out(self):
        self.assertFalse(any(text.is_held_out(w) for w in ["the", "a1b2c3", "x_y_z_w"]))

    def test_generated_phrases_depend_on_the_seed_only(self):
        first, again = text.PhraseMaker(3), text.PhraseMaker(3)
        self.assertEqual([first.line() for _ in range(50)], [again.line() for _ in range(50)])


class TokenizerTest(unittest.TestCase):
    def encoder(self):
        lines = ["the quarterly report 2024", "reports of the quarter, page_count"] * 20
        pieces, merges = tokenizer.train_merges(lines, 150)
        path = Path(self.enterContext(tempfile.TemporaryDirectory())) / "tokenizer.json"
        path.write_text(json.dumps(tokenizer.gemma_schema(pieces, merges)))
        return tokenizer.Encoder(path)

    def test_words_of_a_line_are_encoded_as_each_alone(self):
        encoder = self.encoder()
        apart = [i for word in ["quarterly", "report", "2024"] for i in encoder.word(word)]
        self.assertEqual(encoder.query("Quarterly REPORT 2024"), [tokenizer.BOS] + apart)

    def test_digits_stay_single(self):
        self.assertEqual(self.encoder().tokenizer.encode("2024").tokens, list("2024"))

    def test_foreign_letters_become_bytes(self):
        self.assertEqual(self.encoder().tokenizer.encode("é").tokens, ["<0xC3>", "<0xA9>"])


class TrainTest(unittest.TestCase):
    def test_rate_follows_the_share_of_the_budget(self):
        start, rate = train.phase_at(train.PHASES, 0.0)
        self.assertEqual((start, rate), (train.PHASES[0], train.PHASES[0].rate[0]))
        for before, after in zip(train.PHASES, train.PHASES[1:]):
            self.assertIs(train.phase_at(train.PHASES, before.until)[0], after)
        end, rate = train.phase_at(train.PHASES, 1.0)
        self.assertTrue(end.through_language_model)
        self.assertAlmostEqual(rate, end.rate[1])

    def test_word_covers_its_cells(self):
        word = pages.Word("abc", x0=20, y0=30, x1=50, y1=50, centres=[25, 35, 45])
        self.assertEqual(train.word_cells(word), [2 * 28 + 1, 2 * 28 + 2, 2 * 28 + 3])

    def test_character_map_labels_the_middle_of_each_character(self):
        word = pages.Word("a?", x0=16, y0=24, x1=32, y1=40, centres=[20, 28])
        page = pages.Page(np.zeros((448, 448, 3), np.uint8), [word], [[0]], [])
        target = train.character_map(page)
        self.assertEqual(target[4, 2], tiny.CHARACTER_INDEX["a"])
        self.assertEqual(target[4, 3], tiny.CHARACTER_OTHER)
        self.assertEqual(target[3, 2], train.IGNORE)
        self.assertEqual(target[0, 0], tiny.CHARACTER_NONE)


class ModelTest(unittest.TestCase):
    def test_padding_of_a_query_changes_nothing(self):
        torch.manual_seed(0)
        model = tiny.TinyColPali(tiny.Config(vocabulary=50)).eval()
        alone = model.queries(torch.tensor([[2, 7, 8]]), torch.ones(1, 3))[0]
        padded = model.queries(torch.tensor([[2, 7, 8, 0, 0]]), torch.tensor([[1.0, 1, 1, 0, 0]]))[0]
        torch.testing.assert_close(padded[:, :3], alone)
        self.assertEqual(padded[:, 3:].abs().max(), 0)

    def test_page_gives_one_unit_vector_for_each_cell_and_prompt_token(self):
        model = tiny.TinyColPali(tiny.Config(vocabulary=50)).eval()
        with torch.no_grad():
            vectors = model.pages(torch.rand(1, 3, 448, 448), torch.tensor([2, 5]), through_language_model=True)[0]
        self.assertEqual(tuple(vectors.shape), (1, 786, 128))
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(1, 786))


class EvaluateTest(unittest.TestCase):
    def frozen(self):
        frozen = evaluate.FrozenSet.__new__(evaluate.FrozenSet)
        frozen.pages = [{"text": t} for t in ("red apple", "green pear", "blue plum")]
        frozen.queries = [{"query": "apple", "kind": "a"}, {"query": "green pear", "kind": "b"}]
        frozen.relevant = [{0}, {1}]
        return frozen

    def test_second_place_earns_a_part(self):
        scores = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 0.5]])
        self.assertEqual(evaluate.figures(scores, self.frozen(), ["a"]), {"queries": 1, "nDCG@5": 0.631, "R@1": 0.0, "R@5": 1.0})
        self.assertEqual(evaluate.figures(scores, self.frozen(), ["b"]), {"queries": 1, "nDCG@5": 1.0, "R@1": 1.0, "R@5": 1.0})

    def test_bm25_finds_the_page_with_the_words(self):
        self.assertEqual(evaluate.bm25_scores(self.frozen()).argmax(1).tolist(), [0, 1])


if __name__ == "__main__":
    unittest.main()
