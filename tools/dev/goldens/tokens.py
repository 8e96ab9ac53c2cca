"""Goldens for vectorizer/processor: token ids as the tokenizers library gives them.

Run from the repository root: python tools/dev/goldens/tokens.py

Writes to vectorizer/processor/testdata:
    gemma_tokenizer.json   a tokenizer of Gemma's schema, trained here on generated text
    tokens.json            nasty strings and their ids, as it is and with Lowercase in front
    bpe_variants.json      small random tokenizers for the corners of byte-pair encoding
    lowercase.json         every character that Lowercase changes

The oracle is the library with encode_special_tokens on, which reads the literals of special tokens
as plain text, and add_special_tokens off. Seeded: a second run changes no byte unless the library
changed.
"""

import json
import pathlib
import platform
import random

import tokenizers
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, trainers

TESTDATA = pathlib.Path("vectorizer/processor/testdata")
VERSIONS = {"tokenizers": tokenizers.__version__, "python": platform.python_version()}
BYTES = [f"<0x{value:02X}>" for value in range(256)]
SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<image>"]


def write(name, golden, key):
    """One case a line, so that a change shows as a change of cases."""
    cases = golden.pop(key)
    head = json.dumps({"versions": VERSIONS, **golden}, indent=1).removesuffix("\n}")
    lines = ",\n".join("  " + json.dumps(case) for case in cases)
    (TESTDATA / name).write_text(f'{head},\n "{key}": [\n{lines}\n ]\n}}\n')
    print(name, len(cases))


def ids(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False).ids


# --- a tokenizer of Gemma's schema ---

ALPHABETS = [
    ("abcdefghijklmnopqrstuvwxyz", 60),
    ("éèüöäñçßåøæ", 4),
    ("αβγδεζηθικλμνξοπρστυφχψως", 6),
    ("абвгдежзийклмнопрстуфхцчшщыэюя", 6),
    ("אבגדהוזחטיכלמנסעפצקרשת", 3),
    ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", 3),
    ("日本語東京都年度売上利益会社株式報告書", 4),
    ("매출이익보고서연도회사", 2),
]
WORDS = "the of and total net revenue income report annual quarter page table figure what is how many year cost".split()


def training_text(rng):
    for _ in range(4000):
        words = []
        for _ in range(rng.randrange(3, 12)):
            alphabet = rng.choices([a for a, _ in ALPHABETS], [weight for _, weight in ALPHABETS])[0]
            word = rng.choice(WORDS) if rng.random() < 0.5 else "".join(rng.choices(alphabet, k=rng.randrange(1, 9)))
            words.append(rng.choice([word, word.capitalize(), word.upper(), word]))
        line = " ".join(words) + rng.choice([".", "?", "!", ":", "\n", "\n\n", "  ", ""])
        yield line + (str(rng.randrange(10**6)) if rng.random() < 0.3 else "")


def gemma_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    # Training needs words, or the most frequent merges would span them.
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=1024, special_tokens=SPECIAL + BYTES, show_progress=False)
    tokenizer.train_from_iterator(training_text(random.Random(7)), trainer)
    file = json.loads(tokenizer.to_str())
    file["pre_tokenizer"] = {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False}
    # The trainer makes the bytes special; in Gemma they are pieces of the model and nothing more.
    file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] in SPECIAL]
    tokenizer = Tokenizer.from_str(json.dumps(file))
    # As in PaliGemma's file: tokens that are not special, looked for before and after normalizing.
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ["\n\n", "\n\n\n", "▁▁", "▁▁▁", "<table>", "</table>", "<b>"]])
    tokenizer.add_tokens([AddedToken(text, normalized=True) for text in ["<loc0000>", "<loc0001>", "<Seg 1>"]])
    return tokenizer


def with_lowercase(tokenizer):
    # Loaded anew: the library does not normalize its added tokens again when a normalizer is set.
    file = json.loads(tokenizer.to_str())
    file["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, file["normalizer"]]}
    return Tokenizer.from_str(json.dumps(file))


# --- nasty strings ---

HAND_WRITTEN = [
    "", " ", "  ", "   ", " a", "a ", " a ", "a  b", "a   b    c", "\t", "\n", "\n\n", "\n\n\n", "\n\n\n\n", "\r\n", "a\nb", "a\tb", "\v\f\x1c\x85",
    "\u00a0", "a\u00a0b", "\u2003", "\u200b", "\u200d", "\u2028\u2029", "\u202f", "\u3000", "\ufeff", "\ufeffa", "\u00ad", "\x00", "a\x00b", "\x01\x02\x03", "\x7f",
    "hello world", "Hello World", "HELLO", "What is the total revenue of 2023?", "Question: what is it?", "naïve café", "Ünïcödé", "ß ẞ", "ﬁ ﬂ ﬀ", "ŉ ǰ ΐ",
    "İstanbul", "ISTANBUL ıstanbul", "ΑΣ ΟΔΟΣ", "ΣΑΣ", "σς", "Ⅷ Ⓐ", "K Å", "ǅ ǈ ǋ", "Ꭰ ꭰ", "𐐀𐐨", "Ა ა", "ꟋꟌꟚꟜ", "𐵐𐵥", "Ᲊ", "𖺠𖺸",
    "日本語", "東京都の売上", "中文字符，标点。", "한국어 매출", "각 각", "ไทยภาษา", "हिन्दी में", "বাংলা", "தமிழ்", "မြန်မာ", "ភាសាខ្មែរ",
    "שלום עולם", "مرحبا بالعالم", "\u202eabc\u202c", "\u2067שלום\u2069", "a\u0301", "á", "e\u0301\u0327", "Z\u0351\u036b\u0343", "a" + "\u0301" * 40, "ｆｕｌｌ ｗｉｄｔｈ",
    "😀", "😀😀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "1️⃣", "a😀b", "❤️", "🫠🫡", "𝒜𝓑𝕮", "𠀀𠮷", "\U0010ffff", "\ue000", "\uffff", "\ufffd", "\ufdd0",
    "<image>", "<bos>", "<pad>", "<eos>", "<unk>", "<image><image>", "a<image>b", " <image> ", "<bos>Question: x<pad><pad>", "<IMAGE>", "<Image>", "< image>", "<image", "image>", "<<image>>", "<image>\n\n<bos>",
    "<table>", "</table>", "<TABLE>", "<b>bold</b>", "a<b>c", "<b><image><b>", "<loc0000>", "<LOC0000>", "<loc0000><loc0001>", "<loc0002>", "<Seg 1>", "<seg 1>", "<Seg▁1>", "<seg▁1>", "<image><loc0000>", "<0x41>", "<0x0A>", "<0xFF>", "<0x4", "<unk", "<s>", "</s>", "<|endoftext|>", "<mask>", "[CLS]",
    "▁", "▁▁", "▁▁▁", "▁▁▁▁▁", "▁a", "a▁b", " ▁ ", "  ▁▁  ",
    "0", "00", "0123456789", "1" * 50, "3.14159", "1,234,567.89", "$1,000", "50%", "1e-10", "2023-11-23", "१२३", "٣٤", "Ⅻ", "½", "²",
    "a" * 300, "ab" * 200, "A" * 100, " " * 100, "\n" * 50, "é" * 100, "日" * 100, "😀" * 40, "\x00" * 30, "the" * 80, "the " * 80, "total net revenue " * 20,
    "!@#$%^&*()_+-=[]{}|;':\",./<>?`~", "...", "?!?!", "---", "___", "'s 't 're 've 'm 'll 'd", "don't", "l'été", "“quoted” ‘text’", "a—b–c", "http://example.com/a?b=c&d=%20", "x@y.z", "C:\\path\\file", "{\"a\": [1, null]}", "def f(x):\n    return x**2\n", "<p class='x'>html &amp; entities</p>", "SELECT * FROM t; --", "${jndi}", "%s%n%x", "../../etc",
]  # fmt: skip


def random_strings(rng, count):
    """Characters from everywhere, mixed with spaces, literals and known words."""
    ranges = [(0x20, 0x7F), (0x00, 0x20), (0x80, 0x250), (0x300, 0x370), (0x370, 0x530), (0x590, 0x700), (0x900, 0xE00), (0x1E00, 0x2000), (0x2000, 0x2070), (0x3040, 0x3100), (0x4E00, 0x9FFF), (0xAC00, 0xD7A4), (0xE000, 0xE010), (0x10000, 0x10D80), (0x1F300, 0x1FAFF), (0xE0001, 0xE0080)]  # fmt: skip
    literals = SPECIAL + ["<table>", "<b>", "<loc0000>", "<Seg 1>", "\n\n", "▁▁", " ", "  ", "<0x20>"] + WORDS
    for _ in range(count):
        parts = []
        for _ in range(rng.randrange(1, 14)):
            if rng.random() < 0.4:
                parts.append(rng.choice(literals))
            else:
                low, high = rng.choice(ranges)
                parts.append("".join(chr(rng.randrange(low, high)) for _ in range(rng.randrange(1, 5))))
        yield "".join(parts)


def check_stripped_oracle(tokenizer, texts):
    """Where a text holds no literal of an added token, stripping all of them changes nothing."""
    file = json.loads(tokenizer.to_str())
    normalize = tokenizer.normalizer.normalize_str
    literals = [token["content"] for token in file["added_tokens"] if not token["special"]]

    def is_plain(text):
        return not any(literal in text or normalize(literal) in normalize(text) for literal in literals)

    file["added_tokens"] = []
    stripped = Tokenizer.from_str(json.dumps(file))
    plain = [text for text in texts if is_plain(text)]
    for text in plain:
        assert ids(stripped, text) == ids(tokenizer, text), repr(text)
    print("equal with all added tokens stripped:", len(plain), "of", len(texts))


def gemma():
    tokenizer = gemma_tokenizer()
    tokenizer.save(str(TESTDATA / "gemma_tokenizer.json"), pretty=False)
    lower = with_lowercase(tokenizer)
    texts = HAND_WRITTEN + list(random_strings(random.Random(11), 260))
    for oracle in (tokenizer, lower):
        oracle.encode_special_tokens = True
        check_stripped_oracle(oracle, texts)
    cases = [{"text": text, "ids": ids(tokenizer, text), "lowercase_ids": ids(lower, text)} for text in texts]
    special_ids = {tokenizer.token_to_id(token) for token in SPECIAL}
    for case in cases:
        assert not special_ids & set(case["ids"] + case["lowercase_ids"]), case
    write("tokens.json", {"cases": cases}, "cases")


# --- corners of byte-pair encoding ---


def random_model(rng, **options):
    """A vocabulary of random merges over four letters: many ways to the same piece."""
    pieces = list("abcd")
    merges = []
    while len(merges) < 25:
        left, right = rng.choice(pieces), rng.choice(pieces)
        if len(left + right) <= 6 and (left, right) not in merges:
            merges.append((left, right))
            if left + right not in pieces:
                pieces.append(left + right)
    pieces += options.pop("extra", [])
    rng.shuffle(pieces)
    vocab = {piece: number for number, piece in enumerate(pieces)}
    return Tokenizer(models.BPE(vocab=vocab, merges=merges, **options))


def variants(rng):
    half_of_the_bytes = [f"<0x{value:02X}>" for value in range(256) if value % 3]
    for number in range(12):
        yield f"merges {number}", random_model(rng)
    for fuse in (False, True):
        yield f"unknown, fuse {fuse}", random_model(rng, extra=["<unk>"], unk_token="<unk>", fuse_unk=fuse)
        yield f"some bytes, fuse {fuse}", random_model(rng, extra=["<unk>", *half_of_the_bytes], unk_token="<unk>", fuse_unk=fuse, byte_fallback=True)
    yield "some bytes, no unknown", random_model(rng, extra=half_of_the_bytes, byte_fallback=True)
    unknown_merges = models.BPE(
        vocab={"a": 0, "<unk>": 1, "a<unk>": 2, "<unk>a": 3}, merges=[("<unk>", "a"), ("a", "<unk>")], unk_token="<unk>"
    )
    yield "merges of the unknown token", Tokenizer(unknown_merges)
    for name, normalizer in [
        ("split fires", None),
        ("prepend", normalizers.Prepend("b")),
        ("prepend twice, replace", normalizers.Sequence([normalizers.Prepend("a "), normalizers.Replace(" ", "b"), normalizers.Prepend("c")])),
        ("replace overlapping", normalizers.Replace("aa", "a")),
        ("replace by nothing", normalizers.Replace("b", "")),
    ]:
        tokenizer = random_model(rng, extra=[" "])
        if normalizer:
            tokenizer.normalizer = normalizer
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
        tokenizer.add_tokens([AddedToken("dad", normalized=True), AddedToken("bcb", normalized=False)])
        yield name, Tokenizer.from_str(tokenizer.to_str())


def bpe_variants():
    rng = random.Random(23)
    cases = []
    for name, tokenizer in variants(rng):
        texts = ["".join(rng.choices("abcd", k=rng.randrange(1, 24))) for _ in range(12)]
        texts += ["".join(rng.choices("abcd é😀x", k=rng.randrange(1, 16))) for _ in range(12)]
        file = json.loads(tokenizer.to_str())
        if rng.random() < 0.5:
            file["model"]["merges"] = [" ".join(merge) for merge in file["model"]["merges"]]
        cases.append({"name": name, "tokenizer": file, "texts": texts, "ids": [ids(tokenizer, text) for text in texts]})
    write("bpe_variants.json", {"variants": cases}, "variants")


# --- lower case ---


def lowercase():
    normalizer = normalizers.Lowercase()
    pairs = []
    for code in range(0x110000):
        if not 0xD800 <= code <= 0xDFFF and normalizer.normalize_str(chr(code)) != chr(code):
            pairs.append([chr(code), normalizer.normalize_str(chr(code))])
    write("lowercase.json", {"pairs": [pairs[at : at + 20] for at in range(0, len(pairs), 20)]}, "pairs")


if __name__ == "__main__":
    gemma()
    bpe_variants()
    lowercase()
