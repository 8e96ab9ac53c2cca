"""What surrounds the image tokens of a page and the words of a query.

The official implementations disagree about it for the very same weights, so it is
data: a preset named by its behaviour, resolved to token ids in the manifest.
"""

from dataclasses import dataclass

from tokenizers import Tokenizer


@dataclass(frozen=True)
class Prompt:
    """Special tokens are written literally; the tokenizer recognises them.

    name              goes into the manifest's source
    page_suffix       follows the image tokens of a page
    query_prefix      plain text, tokenized together with the user's words
    query_suffix      follows the user's words; ColPali's "query augmentation" pads
                      live here and are attended to like any other token
    max_query_tokens  the user's words are cut to fit, the suffix never is
    """

    name: str
    page_suffix: str
    query_prefix: str
    query_suffix: str
    max_query_tokens: int = 128

    def page_suffix_ids(self, tokenizer: Tokenizer) -> list[int]:
        return _encode(tokenizer, self.page_suffix)

    def query_prefix_ids(self, tokenizer: Tokenizer) -> list[int]:
        return [_special(tokenizer, BOS)]

    def query_suffix_ids(self, tokenizer: Tokenizer) -> list[int]:
        return _encode(tokenizer, self.query_suffix)

    def query_ids(self, tokenizer: Tokenizer, words: str) -> list[int]:
        """The whole query as the reference processor builds it: one string, one pass."""
        return _encode(tokenizer, BOS + self.query_prefix + words + self.query_suffix)


BOS = "<bos>"
PAD = "<pad>"

PRESETS = {
    prompt.name: prompt
    for prompt in (
        # transformers' ColPaliProcessor and colpali-engine <= 0.3.3: the "-hf" checkpoints.
        Prompt("colpali-question", "<bos>Describe the image.\n", "Question: ", PAD * 10 + "\n"),
        # colpali-engine 0.3.4 to 0.3.10 and fastembed.
        Prompt("colpali-query", "<bos>Describe the image.\n", "Query: ", PAD * 10 + "\n"),
        # colpali-engine >= 0.3.11: no words of its own.
        Prompt("colpali-bare", "<bos>Describe the image.\n", "", PAD * 10),
        # The same as it really runs: PaliGemmaProcessor puts another <bos> before the engine's own, so
        # that a page has 1031 vectors.
        Prompt("colpali-bos2", "<bos><bos>Describe the image.\n", "", PAD * 10),
    )
}


def _encode(tokenizer: Tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False).ids


def _special(tokenizer: Tokenizer, token: str) -> int:
    token_id = tokenizer.token_to_id(token)
    if token_id is None:
        raise ValueError(f"tokenizer.json has no token {token!r}, which every ColPali prompt starts with")
    return token_id
