package processor

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a tokenizer.json may ask for and this package does not do is refused, by its name.
func TestNewTokenizerRefuses(t *testing.T) {
	type object = map[string]any
	model := func(key string, value any) func(object) {
		return func(file object) { file["model"].(object)[key] = value }
	}
	for name, c := range map[string]struct {
		edit func(object)
		want string
	}{
		"NFKC": {
			func(file object) { file["normalizer"] = object{"type": "NFKC"} },
			`normalizer "NFKC" is not implemented`,
		},
		"normalizer within a sequence": {
			func(file object) {
				file["normalizer"] = object{"type": "Sequence", "normalizers": []any{object{"type": "Lowercase"}, object{"type": "StripAccents"}}}
			},
			`normalizer "StripAccents" is not implemented`,
		},
		"replacing a regular expression": {
			func(file object) {
				file["normalizer"] = object{"type": "Replace", "pattern": object{"Regex": " +"}, "content": "_"}
			},
			"Replace of a regular expression",
		},
		"other pre-tokenizer": {
			func(file object) { file["pre_tokenizer"] = object{"type": "Metaspace"} },
			`pre-tokenizer "Metaspace" is not implemented`,
		},
		"pre-tokenizer within a sequence": {
			func(file object) {
				file["pre_tokenizer"] = object{"type": "Sequence", "pretokenizers": []any{object{"type": "Punctuation"}}}
			},
			`pre-tokenizer "Punctuation" is not implemented`,
		},
		"byte level with a space in front": {
			func(file object) { file["pre_tokenizer"] = object{"type": "ByteLevel", "add_prefix_space": true} },
			"add_prefix_space",
		},
		"runs of digits": {
			func(file object) { file["pre_tokenizer"] = object{"type": "Digits", "individual_digits": false} },
			"Digits without individual_digits",
		},
		"split on another regular expression": {
			func(file object) {
				file["pre_tokenizer"] = object{"type": "Split", "pattern": object{"Regex": `\p{L}+`}, "behavior": "Isolated"}
			},
			`regular expression "\\p{L}+" is not implemented; known are those of GPT-2`,
		},
		"split that removes": {
			func(file object) {
				file["pre_tokenizer"] = object{"type": "Split", "pattern": object{"Regex": gpt2Pattern}, "behavior": "Removed"}
			},
			`behavior "Removed"`,
		},
		"split without a pattern": {
			func(file object) { file["pre_tokenizer"] = object{"type": "Split", "behavior": "Isolated"} },
			"Split has no pattern",
		},
		"other post-processor": {
			func(file object) { file["post_processor"] = object{"type": "Shuffle"} },
			`post-processor "Shuffle" is not implemented`,
		},
		"post-processor within a sequence": {
			func(file object) {
				file["post_processor"] = object{"type": "Sequence", "processors": []any{object{"type": "ByteLevel"}, object{"type": "Shuffle"}}}
			},
			`post-processor "Shuffle" is not implemented`,
		},
		"endless added token": {
			func(file object) {
				file["added_tokens"] = []any{object{"id": 1, "content": strings.Repeat("x", 1025)}}
			},
			"has 1025 bytes, the limit is 1024",
		},
		"other behavior of split": {
			func(file object) {
				file["pre_tokenizer"] = object{"type": "Split", "pattern": object{"String": " "}, "behavior": "Isolated"}
			},
			`behavior "Isolated"`,
		},
		"other model":                {model("type", "Unigram"), `model type "Unigram" is not implemented`},
		"no vocabulary":              {model("vocab", object{}), "vocabulary is empty"},
		"dropout":                    {model("dropout", 0.1), "dropout"},
		"continuing_subword_prefix":  {model("continuing_subword_prefix", "##"), "continuing_subword_prefix"},
		"end_of_word_suffix":         {model("end_of_word_suffix", "</w>"), "end_of_word_suffix"},
		"unknown token not in vocab": {model("unk_token", "[UNK]"), `unk_token "[UNK]" is not in the vocabulary`},
		"merge of one piece":         {model("merges", []any{"ab"}), "merge of 1 pieces"},
		"merge of three pieces":      {model("merges", []any{[]any{"a", "b", "c"}}), "merge of 3 pieces"},
		"merge of a missing piece":   {model("merges", []any{[]any{"a", "Ω"}}), `merge 0 needs the token "aΩ"`},
		"merge to a missing piece":   {model("merges", []any{[]any{"▁t", "▁t"}}), `merge 0 needs the token "▁t▁t"`},
		"negative id":                {model("vocab", object{"a": -1}), `token "a" has id -1`},
		"huge id":                    {model("vocab", object{"a": 1 << 40}), `token "a" has id 1099511627776`},
		"huge id of an added token": {
			func(file object) { file["added_tokens"] = []any{object{"id": 1 << 40, "content": "x"}} },
			`token "x" has id 1099511627776`,
		},
		"added token that strips": {
			func(file object) {
				file["added_tokens"] = []any{object{"id": 1, "content": "<mask>", "lstrip": true}}
			},
			`added token "<mask>" has single_word, lstrip or rstrip`,
		},
		"long names are cut": {
			model("unk_token", strings.Repeat("é", 500)),
			`unk_token "` + strings.Repeat("é", 20) + `..." is not`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewTokenizer(edited(t, gemmaJSON(t), c.edit))
			require.ErrorIs(t, err, ErrTokenizer)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestNewTokenizerRefusesOtherFiles(t *testing.T) {
	for name, text := range map[string]string{
		"empty":        "",
		"not JSON":     "tokenizer",
		"not object":   "[]",
		"cut off":      string(gemmaJSON(t)[:1000]),
		"null":         "null",
		"wrong kind":   `{"model": {"type": "BPE", "vocab": {"a": "b"}}}`,
		"null merge":   `{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [null]}}`,
		"deep nesting": `{"normalizer":` + strings.Repeat(`{"type":"Sequence","normalizers":[`, 20000),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewTokenizer([]byte(text))
			require.ErrorIs(t, err, ErrTokenizer)
		})
	}
}

// Special tokens are never matched, so how they would be matched need not be implemented.
func TestNewTokenizerAcceptsStrippingSpecialTokens(t *testing.T) {
	stripping := edited(t, gemmaJSON(t), func(file map[string]any) {
		for _, token := range file["added_tokens"].([]any) {
			if token := token.(map[string]any); token["special"] == true {
				token["lstrip"] = true
			}
		}
	})
	require.Equal(t,
		newTestTokenizer(t, gemmaJSON(t)).Encode(nil, "a <image> b"),
		newTestTokenizer(t, stripping).Encode(nil, "a <image> b"))
}
