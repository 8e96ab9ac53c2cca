package processor

import (
	"encoding/json"
	"fmt"
	"strings"
)

const (
	// maxTokenizerBytes bounds a tokenizer.json. The largest in use, Gemma's, has 34 MB.
	maxTokenizerBytes = 256 << 20
	// maxTokenID bounds the table of pieces. The largest vocabulary in use has 262,145 tokens.
	maxTokenID = 1 << 22
	// maxAddedTokenBytes bounds what is compared at each byte of a text. The longest in use, a run of
	// 31 of Gemma's spaces, has 93 bytes.
	maxAddedTokenBytes = 1 << 10
)

const supportedTokenizers = "supported are BPE tokenizers with the normalizers NFC, Lowercase, Replace, Prepend and " +
	"Sequence, and the pre-tokenizers Split, Digits, ByteLevel and Sequence"

// tokenizerFile is the part of a tokenizer.json that decides the ids of a plain text. Truncation and
// padding are left out: a model's manifest holds its templates. So is the decoder: nothing here turns
// ids into text. Of post-processors only the type is read.
type tokenizerFile struct {
	AddedTokens   []addedToken       `json:"added_tokens"`
	Normalizer    *normalizerSpec    `json:"normalizer"`
	PreTokenizer  *preTokenizerSpec  `json:"pre_tokenizer"`
	PostProcessor *postProcessorSpec `json:"post_processor"`
	Model         bpeSpec            `json:"model"`
}

// NewTokenizer reads a Hugging Face tokenizer.json. Whatever it asks for that is not implemented is
// refused by name, since ids that are nearly right are worse than none.
//
// Reserved ids are treated as special tokens whether or not the file says so: a model's image token
// belongs here, because a text must not be able to produce it.
func NewTokenizer(tokenizerJSON []byte, reserved ...int64) (*Tokenizer, error) {
	t, err := newTokenizer(tokenizerJSON, reserved)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTokenizer, err)
	}
	return t, nil
}

func newTokenizer(tokenizerJSON []byte, reserved []int64) (*Tokenizer, error) {
	if len(tokenizerJSON) > maxTokenizerBytes {
		return nil, fmt.Errorf("tokenizer.json has %d bytes, the limit is %d", len(tokenizerJSON), maxTokenizerBytes)
	}
	var file tokenizerFile
	if err := json.Unmarshal(tokenizerJSON, &file); err != nil {
		return nil, fmt.Errorf("tokenizer.json is not what it should be: %w", err)
	}

	special := file.specialIDs(reserved)
	normalize, err := file.Normalizer.build()
	if err != nil {
		return nil, err
	}
	split, err := file.PreTokenizer.build()
	if err != nil {
		return nil, err
	}
	if err := file.PostProcessor.check(); err != nil {
		return nil, err
	}
	model, err := newBPE(file.Model, special)
	if err != nil {
		return nil, err
	}
	t := &Tokenizer{
		normalize: normalize, split: split, bpe: model, byteLevel: file.PreTokenizer.writesBytes(),
		strips: map[int64]bool{}, post: file.PostProcessor,
	}
	if t.pieces, err = file.pieces(); err != nil {
		return nil, err
	}
	if err := t.addTokens(file.AddedTokens, special); err != nil {
		return nil, err
	}
	return t, nil
}

func (f tokenizerFile) specialIDs(reserved []int64) map[int64]bool {
	special := map[int64]bool{}
	for _, id := range reserved {
		special[id] = true
	}
	for _, token := range f.AddedTokens {
		if token.Special {
			special[token.ID] = true
		}
	}
	return special
}

// pieces lists the text of every id.
func (f tokenizerFile) pieces() ([]string, error) {
	byID := map[int64]string{}
	for piece, id := range f.Model.Vocab {
		byID[id] = piece
	}
	for _, token := range f.AddedTokens {
		byID[token.ID] = token.Content
	}
	size := int64(0)
	for id, piece := range byID {
		if id < 0 || id >= maxTokenID {
			return nil, fmt.Errorf("token %q has id %d, ids must be within 0..%d", shorten(piece), id, maxTokenID-1)
		}
		size = max(size, id+1)
	}
	pieces := make([]string, size)
	for id, piece := range byID {
		pieces[id] = piece
	}
	return pieces, nil
}

func (t *Tokenizer) addTokens(tokens []addedToken, special map[int64]bool) error {
	for _, token := range tokens {
		isSpecial := special[token.ID]
		if token.Content == "" { // the tokenizers library ignores it, too
			continue
		}
		if len(token.Content) > maxAddedTokenBytes {
			return fmt.Errorf("added token %q has %d bytes, the limit is %d", shorten(token.Content), len(token.Content), maxAddedTokenBytes)
		}
		if !isSpecial && (token.SingleWord || token.Lstrip || token.Rstrip) {
			return fmt.Errorf("added token %q has single_word, lstrip or rstrip set, which is not implemented", shorten(token.Content))
		}
		id := token.ID
		if isSpecial {
			t.special.add(token.Content, id)
			t.strips[id] = token.SingleWord || token.Lstrip || token.Rstrip
			id = plainText
		}
		if token.Normalized {
			t.normalized.add(t.normalize(token.Content), id)
		} else {
			t.verbatim.add(token.Content, id)
		}
	}
	return nil
}

// shorten keeps a name from a foreign file printable in an error.
func shorten(name string) string {
	const limit = 40
	if len(name) <= limit {
		return name
	}
	return strings.ToValidUTF8(name[:limit], "") + "..."
}
