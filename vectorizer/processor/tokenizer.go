package processor

import "strings"

// Tokenizer turns text into token ids by a model's tokenizer.json. It may be used by many
// goroutines at once.
type Tokenizer struct {
	verbatim   addedTokens // matched in the text as it came
	normalized addedTokens // matched in normalized text
	normalize  textNormalizer
	split      wordSplitter
	bpe        *bpe
	pieces     []string // by id
	byteLevel  bool     // pieces are characters that stand for bytes

	special addedTokens        // matched in prompts
	strips  map[int64]bool     // those of them that take spaces around them
	post    *postProcessorSpec // puts some of them around a text
}

// Encode appends the ids of a plain text to dst. They equal those that the tokenizers library gives
// with encode_special_tokens on and add_special_tokens off: neither does a special token's literal
// in the text, such as <image>, become that token, nor is a <bos> put in front. A run of bytes that
// is not UTF-8 counts as one U+FFFD.
//
// The time is in n log n of the text's length, even where it is a single word.
func (t *Tokenizer) Encode(dst []int64, text string) []int64 {
	text = strings.ToValidUTF8(text, "\uFFFD")
	for segment, id := range t.verbatim.cut(text) {
		if id >= 0 {
			dst = append(dst, id)
			continue
		}
		dst = t.encodeNormalized(dst, t.normalize(segment))
	}
	return dst
}

func (t *Tokenizer) encodeNormalized(dst []int64, text string) []int64 {
	for segment, id := range t.normalized.cut(text) {
		if id >= 0 {
			dst = append(dst, id)
			continue
		}
		for _, word := range t.split(segment) {
			dst = t.bpe.encode(dst, word)
		}
	}
	return dst
}

// VocabSize returns one more than the largest token id, added tokens included.
func (t *Tokenizer) VocabSize() int {
	return len(t.pieces)
}

// Piece returns the text that a token stands for, as written in tokenizer.json, and "" for an id
// that does not exist.
func (t *Tokenizer) Piece(id int64) string {
	if id < 0 || id >= int64(len(t.pieces)) {
		return ""
	}
	return t.pieces[id]
}
