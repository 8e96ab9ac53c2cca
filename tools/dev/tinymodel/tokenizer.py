"""Trains the demo model's tokenizer and writes it in the schema of Gemma's tokenizer.json.

    python tokenizer.py WORK

reads WORK/text/train.txt and writes WORK/tokenizer.json. The schema (BPE over
"▁"-joined text, byte fallback, no effective pre-tokenizer) is that of the real
ColPali checkpoints, so that one reader serves both; lowercasing is the only
addition, since the model reads letters without regard to case.
"""

import json
import pathlib
import sys

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

VOCABULARY = 6144
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<image>"]
PAD, EOS, BOS, UNK, IMAGE = range(5)
PROMPT_TEXT = " describe the image."


def normalizer():
    return normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", "▁")])


def train_merges(lines, size):
    """Returns (alphabet and merged pieces in the order of their ids, merges)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer()
    # These splits exist in training only: they keep merges from crossing the start of a word and
    # from joining digits, so that plain BPE over the whole text gives the same pieces later on.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split("▁", "merged_with_next"),
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Split(Regex(r"[^a-z▁]"), "isolated"),
    ])
    alphabet = [chr(c) for c in range(33, 127) if not chr(c).isupper()] + ["▁"]
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=alphabet, limit_alphabet=len(alphabet), show_progress=False))
    trained = json.loads(tokenizer.to_str())["model"]
    pieces = sorted(trained["vocab"], key=trained["vocab"].get)
    return pieces, trained["merges"]


def gemma_schema(pieces, merges):
    vocabulary = SPECIAL + [f"<0x{b:02X}>" for b in range(256)] + pieces
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": i, "content": s, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for i, s in enumerate(SPECIAL)
        ],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
        "pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        "post_processor": None,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
        "model": {
            "type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
            "vocab": {p: i for i, p in enumerate(vocabulary)}, "merges": merges,
        },
    }


class Encoder:
    """Token ids of queries and of the page prompt, as the model is trained on them."""

    def __init__(self, path):
        self.tokenizer = Tokenizer.from_file(str(path))
        self.cache = {}

    def word(self, word):
        """Ids of one word, with the space in front of it."""
        if word not in self.cache:
            self.cache[word] = self.tokenizer.encode(" " + word, add_special_tokens=False).ids
        return self.cache[word]

    def query(self, text):
        return [BOS] + self.tokenizer.encode(" " + text, add_special_tokens=False).ids

    def prompt(self):
        """Ids that follow the image tokens of a page."""
        return [BOS] + self.tokenizer.encode(PROMPT_TEXT, add_special_tokens=False).ids

    def pieces(self):
        vocabulary = self.tokenizer.get_vocab()
        return sorted(vocabulary, key=vocabulary.get)


def check_round_trips(path):
    tokenizer = Tokenizer.from_file(str(path))
    for text in [" quarterly revenue 2024", " naïve café 10 €", " snake_case_name --flag v1.2.3", " 漢字 and tabs\t", " a  b"]:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        back = tokenizer.decode(ids, skip_special_tokens=False)
        if back != text.lower():
            raise SystemExit(f"{text!r} came back as {back!r}")
        if UNK in ids:
            raise SystemExit(f"{text!r} holds an unknown token")
    for word in ["quarterly", "revenue", "chart", "network", "table"]:
        print(tokenizer.encode(" " + word, add_special_tokens=False).tokens)


def main():
    work = pathlib.Path(sys.argv[1])
    lines = (work / "text" / "train.txt").read_text().splitlines()
    pieces, merges = train_merges(lines, VOCABULARY - len(SPECIAL) - 256)
    path = work / "tokenizer.json"
    path.write_text(json.dumps(gemma_schema(pieces, merges), ensure_ascii=False, indent=0) + "\n")
    check_round_trips(path)
    print(f"{path}: {VOCABULARY} pieces, {len(merges)} merges")


if __name__ == "__main__":
    main()
