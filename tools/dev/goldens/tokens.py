"""Goldens for vectorizer/processor: token ids as the tokenizers library gives them.

Run from the repository root: python tools/dev/goldens/tokens.py

Writes to vectorizer/processor/testdata:
    gemma_tokenizer.json   a tokenizer of Gemma's schema, trained here on generated text
    tokens.json            nasty strings and their ids, as it is and with Lowercase in front
    bpe_variants.json      small random tokenizers for the corners of byte-pair encoding
    lowercase.json         every character that Lowercase changes
    schema_NAME.json       a tokenizer of the schema of a family, trained here, and the ids of the strings of
                           tokens.json and of characters.json: gemma3, qwen2, qwen35, smollm, llama3, modernbert
    characters.json        strings of characters that Unicode tables disagree about, and which characters are
                           letters, marks, numbers and white space; hashes of what NFC makes of each

The oracle is the library with encode_special_tokens on, which reads the literals of special tokens
as plain text, and add_special_tokens off. Seeded: a second run changes no byte unless the library
changed.
"""

import hashlib
import json
import pathlib
import platform
import random

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

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


# --- the schemas of families ---

# As in the files of the families: transformers' Qwen2Tokenizer and Qwen3_5Tokenizer, and Llama 3's tokenizer.json.
FOLDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?LETTERS+|DIGITS| ?[^\s\p{L}MARKS\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def folding(letters, marks, digits):
    return FOLDING.replace("LETTERS", letters).replace("MARKS", marks).replace("DIGITS", digits)


QWEN2 = folding(r"\p{L}", "", r"\p{N}")
QWEN35 = folding(r"[\p{L}\p{M}]", r"\p{M}", r"\p{N}")
LLAMA3 = folding(r"\p{L}", "", r"\p{N}{1,3}")


def byte_level(use_regex, trim_offsets=True):
    return pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=trim_offsets, use_regex=use_regex)


def split_then_bytes(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)])


QWEN_SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>"]
IDEFICS_SPECIAL = ["<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<image>", "<global-img>", "<row_1_col_1>", "<row_1_col_2>"]
SCHEMAS = {
    "qwen2": {"normalizer": normalizers.NFC(), "pre": split_then_bytes(QWEN2), "special": QWEN_SPECIAL, "plain": ["<tool_call>", "</tool_call>", "<think>", "</think>"]},
    "qwen35": {"normalizer": normalizers.NFC(), "pre": split_then_bytes(QWEN35), "special": QWEN_SPECIAL, "plain": ["<think>", "</think>"]},
    "smollm": {"pre": pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level(True)]), "special": IDEFICS_SPECIAL},
    "llama3": {"pre": split_then_bytes(LLAMA3), "special": ["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>", *IDEFICS_SPECIAL], "ignore_merges": True, "bos": "<|begin_of_text|>"},
    "modernbert": {
        "normalizer": normalizers.NFC(),
        "pre": byte_level(True),
        "special": ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "<|begin_of_text|>", *IDEFICS_SPECIAL],
        "normalized": [" " * 4, " " * 3, " " * 2, "|||IP_ADDRESS|||", "|||EMAIL_ADDRESS|||", "e\u0301te\u0301"],
        "bos": "[CLS]",
    },
}  # fmt: skip


def schema_tokenizer(spec):
    tokenizer = Tokenizer(models.BPE(ignore_merges=spec.get("ignore_merges", False)))
    if "normalizer" in spec:
        tokenizer.normalizer = spec["normalizer"]
    tokenizer.pre_tokenizer = spec["pre"]
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(training_text(random.Random(7)), trainer)
    if spec.get("ignore_merges"):
        # Words that no merges lead to, as Llama 3's vocabulary has some: only ignore_merges yields them.
        file = json.loads(tokenizer.to_str())
        for word in ["Ġunmergeable", "revenueĠ", "QzX", "123", "ĠÐ¶"]:
            file["model"]["vocab"].setdefault(word, len(file["model"]["vocab"]))
        tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in spec["special"]])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in spec.get("plain", [])])
    tokenizer.add_tokens([AddedToken(text, normalized=True) for text in spec.get("normalized", [])])
    if "[CLS]" in spec["special"]:  # as in ModernBERT's file
        tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, normalized=False, special=True)])
    tokenizer.decoder = decoders.ByteLevel()
    after = [processors.ByteLevel(trim_offsets=False)]
    if "bos" in spec:
        after.append(processors.TemplateProcessing(single=f"{spec['bos']} $A", special_tokens=[(spec["bos"], tokenizer.token_to_id(spec["bos"]))]))
    tokenizer.post_processor = processors.Sequence(after)
    return tokenizer


def gemma3_tokenizer():
    """Gemma 3's file is Gemma's with runs of line breaks, spaces and HTML tags as tokens, and its own image tokens."""
    file = json.loads(gemma_tokenizer().to_str())
    kept = [token for token in file["added_tokens"] if token["content"] in SPECIAL]
    file["added_tokens"] = kept
    tokenizer = Tokenizer.from_str(json.dumps(file))
    tokenizer.add_special_tokens([AddedToken(text, normalized=False, special=True) for text in ["<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>", "<image_soft_token>"]])
    runs = ["\n" * n for n in range(2, 32)] + ["▁" * n for n in range(2, 32)] + ["[multimodal]", "<unused0>", "<table>", "<b>", "</b>"]
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in runs])
    return tokenizer


SCHEMA_STRINGS = [
    "'S 'T 'RE 'VE 'M 'LL 'D", "'\u017f", "'\u017ft", "it'\u017f", "'lL", "'Re\u0301", "'r", "'l", "'v", "'", "''s", "'st", "x's's", "can'T've",
    "a1b22c333d4444", "12345678901", "1 22 333", "½½½½", "ⅫⅫ", "१२३४५", "1२٣", "a½b", "3e5",
    "  a", " \n a", "\n \n", " \n\n  b", "a \n", "a  \n  ", "\r\n\r\n a", "a\r\nb\r\n", "!\n", "!\r\n\r\n", " !\n\n x", "?? \n", "\t\ta", "\u00a0\u00a0a", " \u3000 a", "a\u2028b", "\x85\x85", "\x1c\x1d",
    "!a", "-a", "--a", "\u0301a", "\u0301\u0301a", "a\u0301\u0302b", " \u0301", "\u0301", "क्षि", "กำ", "à́", "\u200da", "_a_1_b", "#tag", "@user", "e\u0301te\u0301", "été", "e\u0301te\u0301 été",
    "QzX", " unmergeable", "unmergeable", "123", " 123", "revenue ", "ж", " ж",
    *[" " * n + "x" for n in range(1, 9)], *["\n" * n for n in range(4, 9)], "a" + "\u0301" * 40, "q" + "\u0323\u0307" * 35, "\u0345\u0334" * 20, "가각힣", "\u1100\u1161\u11a8", "\u1100\u1161", "한" * 40,
    "\u212b\u2126\u212a", "\u0958", "\u2adc", "\U0001d15e", "\uf900", "\U0002f800", "\u0344", "\u1e9b\u0323", "s\u0307\u0323", "\u1e0b\u0323", "\U00011935\U00011930", "\U00011938", "e\u0898\u0301", "e\U0001e08f\u0301",
    "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>hi<|im_end|>", "<|endoftext|>", "<|begin_of_text|>", "<|eot_id|>", "<end_of_utterance>", "<fake_token_around_image><row_1_col_1><image>", "<global-img>", "[CLS] [SEP] [MASK] x", " [MASK]", "<tool_call>{}</tool_call>", "<think>\n\n</think>", "|||IP_ADDRESS|||x", "<start_of_image><image_soft_token><end_of_image>", "<start_of_turn>user", "<unused0>", "[multimodal]",
    "https://example.com/a_b-c?d=1&e=%20#f", "def f(x):\n    return x**2  # ok\n\n\n", "\t\treturn;\r\n", "  \u00a0  ", "x" * 2000, "ab1" * 300, "é" * 500, "\u0e01\u0e33" * 100, "👩‍👩‍👧‍👦" * 20,
]  # fmt: skip


def character_strings(rng, classes):
    """Around the borders of the tables: each range that came with a newer Unicode, and marks in any order."""
    yield from SCHEMA_STRINGS
    for name in ["letters", "marks", "numbers", "numeric"]:
        for low, high in rng.sample(classes[name], 12):
            yield f"a{chr(high)}b {chr(low)}1{chr(min(high + 1, 0x10FFFF))}".encode("utf-8", "ignore").decode()
    for code in [0x1C89, 0xA7CB, 0xA7DA, 0x105C0, 0x10D4A, 0x10EC2, 0x11380, 0x11BC0, 0x13460, 0x16100, 0x16D40, 0x1E5D0, 0x2EBF0, 0x897, 0x113B8, 0x1611E, 0x10D40, 0x116D0, 0x11DE0, 0x16FF4, 0x1CCF0, 0x323B0, 0x378, 0xE0100]:
        yield f"x{chr(code)}{chr(code)}y {chr(code)}7 '{chr(code)}"
    marks = [chr(code) for low, high in classes["marks"] for code in range(low, high + 1)]
    bases = "aeosAEOS가나\u1100\u1161\u1112क\u0958\u05d0\u212bǆṡé"
    for _ in range(80):
        yield "".join(rng.choice(bases) + "".join(rng.choices("\u0301\u0323\u0307\u0308\u0327\u0345\u0334" + rng.choice(marks), k=rng.randrange(0, 6))) for _ in range(4))


# --- what characters are ---

EVERY = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def ranges(codes):
    found = []
    for code in sorted(codes):
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def matching(regex):
    """The characters that a regular expression matches: what Split leaves when it removes them, the other way round."""
    text = "".join(map(chr, EVERY))
    left = pre_tokenizers.Split(Regex(regex), "removed").pre_tokenize_str(text)
    missed = {EVERY[at] for _, (start, end) in left for at in range(start, end)}
    return ranges(set(EVERY) - missed)


def numeric():
    text = "".join("a" + chr(code) for code in EVERY)
    pieces = pre_tokenizers.Digits(False).pre_tokenize_str(text)
    return ranges(EVERY[start // 2] for _, (start, end) in pieces if end - start == 1 and start % 2 == 1)


def nfc_hashes():
    """One hash for 4,096 characters, each alone and among marks that it is moved over, composed with, or blocks."""
    normalize = normalizers.NFC().normalize_str
    for block in range(0, 0x110000, 0x1000):
        if block in range(0x40000, 0xE0000) or block >= 0xE1000:
            continue  # unassigned, surrogates, private use
        text = "\n".join(
            normalize(f"{chr(code)} q\u0345{chr(code)}\u0334 e{chr(code)}\u0301 {chr(code)}\u0338\u3099")
            for code in range(block, block + 0x1000)
            if not 0xD800 <= code <= 0xDFFF
        )
        yield [block, hashlib.sha256(text.encode()).hexdigest()[:16]]


def schemas():
    classes = {"letters": matching(r"\p{L}"), "marks": matching(r"\p{M}"), "numbers": matching(r"\p{N}"), "spaces": matching(r"\s"), "numeric": numeric()}
    assert matching(r"\S") == ranges(set(EVERY) - {code for low, high in classes["spaces"] for code in range(low, high + 1)})
    extra = list(character_strings(random.Random(31), classes))
    texts = [case["text"] for case in json.loads((TESTDATA / "tokens.json").read_text())["cases"]] + extra
    hashes = [[f"{block:x}", digest] for block, digest in nfc_hashes()]
    lines = [[name, *found] for name, found in classes.items()]
    write("characters.json", {"nfc": hashes, "texts": extra, "classes": lines}, "classes")
    tokenizers_by_name = {name: schema_tokenizer(spec) for name, spec in SCHEMAS.items()} | {"gemma3": gemma3_tokenizer()}
    for name, tokenizer in tokenizers_by_name.items():
        file = json.loads(tokenizer.to_str())
        tokenizer = Tokenizer.from_str(json.dumps(file))
        tokenizer.encode_special_tokens = True
        special = {token["id"] for token in file["added_tokens"] if token["special"]}
        rows = [ids(tokenizer, text) for text in texts]
        assert not any(special & set(row) for row in rows), name
        write(f"schema_{name}.json", {"tokenizer": file, "ids": rows}, "ids")


if __name__ == "__main__":
    gemma()
    bpe_variants()
    lowercase()
    schemas()
