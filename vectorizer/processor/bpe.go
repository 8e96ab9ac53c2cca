package processor

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpeSpec is the model section of a tokenizer.json.
type bpeSpec struct {
	Type                    string           `json:"type"`
	Vocab                   map[string]int64 `json:"vocab"`
	Merges                  []mergeRule      `json:"merges"` // best first
	UnkToken                *string          `json:"unk_token"`
	FuseUnk                 bool             `json:"fuse_unk"`
	ByteFallback            bool             `json:"byte_fallback"`
	IgnoreMerges            bool             `json:"ignore_merges"`
	Dropout                 *float64         `json:"dropout"`
	ContinuingSubwordPrefix *string          `json:"continuing_subword_prefix"`
	EndOfWordSuffix         *string          `json:"end_of_word_suffix"`
}

// mergeRule is written as "a b" or, where a piece may hold a space, as ["a", "b"].
type mergeRule struct {
	left, right string
}

// UnmarshalJSON reads both spellings.
func (m *mergeRule) UnmarshalJSON(text []byte) error {
	var parts []string
	if text[0] == '[' {
		if err := json.Unmarshal(text, &parts); err != nil {
			return err
		}
	} else {
		var joined string
		if err := json.Unmarshal(text, &joined); err != nil {
			return err
		}
		parts = strings.Split(joined, " ")
	}
	if len(parts) != 2 {
		return fmt.Errorf("merge of %d pieces, every merge has two", len(parts))
	}
	m.left, m.right = parts[0], parts[1]
	return nil
}

// bpe is byte-pair encoding with the order of work of the tokenizers library.
type bpe struct {
	ids          map[string]int32
	merges       map[pair]int32 // the rank of a pair
	results      []int32        // by rank: what the pair becomes
	byteIDs      [256]int32     // ids of <0x00> to <0xFF>, missing where there is none
	byteFallback bool
	unknown      int32 // missing: unknown characters vanish
	fuseUnknown  bool  // a run of unknown characters is one token
	ignoreMerges bool  // a word that is a token needs no merges
}

// pair is two neighbouring ids in one number, for which maps have a fast path.
type pair uint64

func newPair(left, right int32) pair {
	return pair(left)<<32 | pair(right)
}

// missing is the id of a piece that does not exist, or of a symbol merged into its neighbour.
const missing = -1

// newBPE keeps special ids out of reach of text: no character and no merge yields one. The token
// for unknown characters is the exception, wherever it is.
func newBPE(spec bpeSpec, special map[int64]bool) (*bpe, error) {
	if err := spec.check(); err != nil {
		return nil, err
	}
	b := &bpe{
		ids:          make(map[string]int32, len(spec.Vocab)),
		merges:       make(map[pair]int32, len(spec.Merges)),
		results:      make([]int32, len(spec.Merges)),
		byteFallback: spec.ByteFallback,
		unknown:      missing,
		fuseUnknown:  spec.FuseUnk,
		ignoreMerges: spec.IgnoreMerges,
	}
	for piece, id := range spec.Vocab {
		if !special[id] {
			b.ids[piece] = int32(id)
		}
	}
	for value := range b.byteIDs {
		b.byteIDs[value] = b.id(fmt.Sprintf("<0x%02X>", value))
	}
	if spec.UnkToken != nil {
		id, ok := spec.Vocab[*spec.UnkToken]
		if !ok {
			return nil, fmt.Errorf("unk_token %q is not in the vocabulary", shorten(*spec.UnkToken))
		}
		b.unknown = int32(id)
	}
	for rank, merge := range spec.Merges {
		if err := b.addMerge(rank, merge, spec.Vocab); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (s bpeSpec) check() error {
	isSet := func(text *string) bool { return text != nil && *text != "" }
	switch {
	case s.Type != "BPE":
		return fmt.Errorf("model type %q is not implemented; %s", s.Type, supportedTokenizers)
	case len(s.Vocab) == 0:
		return errors.New("the model's vocabulary is empty")
	case s.Dropout != nil && *s.Dropout != 0:
		return errors.New("the model's dropout is not implemented, it makes ids random")
	case isSet(s.ContinuingSubwordPrefix):
		return errors.New("the model's continuing_subword_prefix is not implemented")
	case isSet(s.EndOfWordSuffix):
		return errors.New("the model's end_of_word_suffix is not implemented")
	}
	for piece, id := range s.Vocab {
		if id < 0 || id >= maxTokenID {
			return fmt.Errorf("token %q has id %d, ids must be within 0..%d", shorten(piece), id, maxTokenID-1)
		}
	}
	return nil
}

func (b *bpe) addMerge(rank int, merge mergeRule, vocab map[string]int64) error {
	for _, piece := range []string{merge.left, merge.right, merge.left + merge.right} {
		if _, ok := vocab[piece]; !ok {
			return fmt.Errorf("merge %d needs the token %q, which is not in the vocabulary", rank, shorten(piece))
		}
	}
	result := b.id(merge.left + merge.right)
	b.results[rank] = result
	if result != missing {
		// Of two equal merges the last one counts.
		b.merges[newPair(int32(vocab[merge.left]), int32(vocab[merge.right]))] = int32(rank)
	}
	return nil
}

func (b *bpe) id(piece string) int32 {
	if id, ok := b.ids[piece]; ok {
		return id
	}
	return missing
}

// symbol is a token in the making, in a list linked by position.
type symbol struct {
	id             int32
	previous, next int32 // missing at the ends
}

// encode appends the ids of one word.
func (b *bpe) encode(dst []int64, word string) []int64 {
	if b.ignoreMerges {
		if id := b.id(word); id != missing {
			return append(dst, int64(id))
		}
	}
	symbols := b.characters(word)
	b.mergeAll(symbols)
	for _, s := range symbols {
		if s.id != missing {
			dst = append(dst, int64(s.id))
		}
	}
	return dst
}

// characters looks up each character: its own token, else the tokens of its bytes, else unknown.
//
// An unknown token is held back until the next character with a token of its own. That reorders it
// behind byte tokens where only some bytes have one; the library does the same.
func (b *bpe) characters(word string) []symbol {
	symbols := make([]symbol, 0, len(word))
	add := func(id int32) {
		at := int32(len(symbols))
		symbols = append(symbols, symbol{id: id, previous: at - 1, next: at + 1})
	}
	heldBack := false
	for at := 0; at < len(word); {
		_, size := utf8.DecodeRuneInString(word[at:])
		character := word[at : at+size]
		at += size

		if id := b.id(character); id != missing {
			if heldBack {
				add(b.unknown)
				heldBack = false
			}
			add(id)
			continue
		}
		if b.byteFallback && b.hasAllBytes(character) {
			for i := range len(character) {
				add(b.byteIDs[character[i]])
			}
			continue
		}
		if b.unknown == missing {
			continue
		}
		if heldBack && !b.fuseUnknown {
			add(b.unknown)
		}
		heldBack = true
	}
	if heldBack {
		add(b.unknown)
	}
	if len(symbols) > 0 {
		symbols[len(symbols)-1].next = missing
	}
	return symbols
}

func (b *bpe) hasAllBytes(character string) bool {
	for i := range len(character) {
		if b.byteIDs[character[i]] == missing {
			return false
		}
	}
	return true
}

// mergeAll joins neighbours, best rank first and leftmost among equals, until no merge applies.
func (b *bpe) mergeAll(symbols []symbol) {
	queue := make(mergeQueue, 0, len(symbols))
	for at := range symbols {
		if rank, ok := b.rankAt(symbols, int32(at)); ok {
			queue = append(queue, newCandidate(rank, int32(at)))
		}
	}
	queue.order()

	for len(queue) > 0 {
		candidate := queue.pop()
		at := candidate.position()
		rank, ok := b.rankAt(symbols, at)
		// The neighbourhood may have changed since the candidate was queued. Like the library, ask
		// whether the result is still the same, not whether the pair is.
		if !ok || b.results[rank] != b.results[candidate.rank()] {
			continue
		}
		symbols[at].id = b.results[rank]
		removeNext(symbols, at)

		for _, changed := range []int32{symbols[at].previous, at} {
			if rank, ok := b.rankAt(symbols, changed); ok {
				queue.push(newCandidate(rank, changed))
			}
		}
	}
}

// rankAt returns the rank of the merge of a symbol with its right neighbour.
func (b *bpe) rankAt(symbols []symbol, at int32) (rank int32, ok bool) {
	if at == missing || symbols[at].id == missing || symbols[at].next == missing {
		return 0, false
	}
	rank, ok = b.merges[newPair(symbols[at].id, symbols[symbols[at].next].id)]
	return rank, ok
}

func removeNext(symbols []symbol, at int32) {
	gone := symbols[at].next
	symbols[gone].id = missing
	symbols[at].next = symbols[gone].next
	if symbols[at].next != missing {
		symbols[symbols[at].next].previous = at
	}
}
