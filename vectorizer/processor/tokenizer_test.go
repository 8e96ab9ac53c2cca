package processor

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func gemmaJSON(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/gemma_tokenizer.json")
	require.NoError(t, err)
	return text
}

// lowercaseJSON is the same tokenizer as the embedded model's kind: lower-cased before all else.
func lowercaseJSON(t testing.TB) []byte {
	return edited(t, gemmaJSON(t), func(file map[string]any) {
		file["normalizer"] = map[string]any{
			"type":        "Sequence",
			"normalizers": []any{map[string]any{"type": "Lowercase"}, file["normalizer"]},
		}
	})
}

// edited returns the JSON object with a change.
func edited(t testing.TB, object []byte, edit func(map[string]any)) []byte {
	t.Helper()
	var file map[string]any
	require.NoError(t, json.Unmarshal(object, &file))
	edit(file)
	changed, err := json.Marshal(file)
	require.NoError(t, err)
	return changed
}

func newTestTokenizer(t testing.TB, tokenizerJSON []byte, reserved ...int64) *Tokenizer {
	t.Helper()
	tokenizer, err := NewTokenizer(tokenizerJSON, reserved...)
	require.NoError(t, err)
	return tokenizer
}

type tokenCase struct {
	Text         string
	IDs          []int64
	LowercaseIDs []int64 `json:"lowercase_ids"`
}

func tokenCases(t testing.TB) []tokenCase {
	var golden struct{ Cases []tokenCase }
	readGolden(t, "tokens.json", &golden)
	require.Greater(t, len(golden.Cases), 400)
	return golden.Cases
}

func TestEncodeEqualsLibrary(t *testing.T) {
	asIs, lower := newTestTokenizer(t, gemmaJSON(t)), newTestTokenizer(t, lowercaseJSON(t))
	for _, c := range tokenCases(t) {
		require.Equal(t, c.IDs, asIs.Encode([]int64{}, c.Text), "%q", c.Text)
		require.Equal(t, c.LowercaseIDs, lower.Encode([]int64{}, c.Text), "lower-cased %q", c.Text)
	}
}

func TestEncodeVariantsEqualLibrary(t *testing.T) {
	var golden struct {
		Variants []struct {
			Name      string
			Tokenizer json.RawMessage
			Texts     []string
			IDs       [][]int64
		}
	}
	readGolden(t, "bpe_variants.json", &golden)
	require.NotEmpty(t, golden.Variants)
	for _, variant := range golden.Variants {
		t.Run(variant.Name, func(t *testing.T) {
			tokenizer := newTestTokenizer(t, variant.Tokenizer)
			for i, text := range variant.Texts {
				require.Equal(t, variant.IDs[i], tokenizer.Encode([]int64{}, text), "%q", text)
			}
		})
	}
}

// The golden lists every character that changes, so this looks at all that do not as well.
func TestLowercaseEqualsLibrary(t *testing.T) {
	var golden struct{ Pairs [][][2]string }
	readGolden(t, "lowercase.json", &golden)
	want := map[string]string{}
	for _, line := range golden.Pairs {
		for _, pair := range line {
			want[pair[0]] = pair[1]
		}
	}
	require.NotEmpty(t, want)
	for r := range rune(utf8.MaxRune + 1) {
		if !utf8.ValidRune(r) {
			continue
		}
		character := string(r)
		expected, changes := want[character]
		if !changes {
			expected = character
		}
		if got := lowercase(character); got != expected {
			require.Equal(t, expected, got, "lower case of %U", r)
		}
	}
}

func TestTextNeverYieldsSpecialTokens(t *testing.T) {
	const image = 4
	literals := []string{"<pad>", "<eos>", "<bos>", "<image>"}
	special := map[int64]bool{}
	tokenizer := newTestTokenizer(t, gemmaJSON(t))
	for id := range int64(tokenizer.VocabSize()) {
		for _, literal := range literals {
			special[id] = special[id] || tokenizer.Piece(id) == literal
		}
	}
	require.True(t, special[image])

	// A vocabulary whose merges lead to the image token, as a hostile or careless file may.
	merging := edited(t, gemmaJSON(t), func(file map[string]any) {
		model := file["model"].(map[string]any)
		vocabulary := model["vocab"].(map[string]any)
		for i, piece := range []string{"<", ">", "<i", "<im", "ag", "age", "<image"} {
			vocabulary[piece] = 2000 + i
		}
		model["merges"] = []string{"< i", "<i m", "a g", "ag e", "<im age", "<image >"}
	})
	unflagged := edited(t, merging, func(file map[string]any) {
		for _, token := range file["added_tokens"].([]any) {
			token.(map[string]any)["special"] = false
		}
	})
	for name, tokenizer := range map[string]*Tokenizer{
		"as it is":      tokenizer,
		"with merges":   newTestTokenizer(t, merging),
		"only reserved": newTestTokenizer(t, unflagged, 0, 1, 2, image),
	} {
		t.Run(name, func(t *testing.T) {
			for _, text := range append(literals, strings.Join(literals, ""), "a<image>b", "<<image>>", "<bos>Question: <image>") {
				ids := tokenizer.Encode(nil, text)
				require.NotEmpty(t, ids)
				for _, id := range ids {
					require.False(t, special[id], "%q yields %d", text, id)
				}
			}
		})
	}
	require.Contains(t, newTestTokenizer(t, unflagged).Encode(nil, "<image>"), int64(image),
		"without the flag and the reservation the literal is the token, or this test proves nothing")
}

func TestEncodeInvalidUTF8(t *testing.T) {
	tokenizer := newTestTokenizer(t, gemmaJSON(t))
	require.Equal(t, tokenizer.Encode(nil, "a\uFFFDb"), tokenizer.Encode(nil, "a\xff\xfe\xc0b"))
}

func TestEncodeAppends(t *testing.T) {
	tokenizer := newTestTokenizer(t, gemmaJSON(t))
	alone := tokenizer.Encode(nil, "total revenue")
	require.Equal(t, append([]int64{2, 7}, alone...), tokenizer.Encode([]int64{2, 7}, "total revenue"))
}

func TestPiecesOfTokenizer(t *testing.T) {
	tokenizer := newTestTokenizer(t, gemmaJSON(t))
	require.Equal(t, 1033, tokenizer.VocabSize(), "1024 trained and 9 added")
	require.Equal(t, "<bos>", tokenizer.Piece(2))
	require.Equal(t, "<Seg 1>", tokenizer.Piece(1032), "an added token has its text from before normalizing")
	require.Empty(t, tokenizer.Piece(1033))
	require.Empty(t, tokenizer.Piece(-1))

	var spelled strings.Builder
	for _, id := range tokenizer.Encode(nil, "annual report") {
		spelled.WriteString(tokenizer.Piece(id))
	}
	require.Equal(t, "annual▁report", spelled.String())
}

func TestEncodeFromManyGoroutines(t *testing.T) {
	tokenizer := newTestTokenizer(t, lowercaseJSON(t))
	cases := tokenCases(t)
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := worker; i < len(cases); i += 2 {
				if got := tokenizer.Encode([]int64{}, cases[i].Text); !slices.Equal(got, cases[i].LowercaseIDs) {
					t.Errorf("%q: got %v, want %v", cases[i].Text, got, cases[i].LowercaseIDs)
				}
			}
		})
	}
	wait.Wait()
}

func BenchmarkEncode(b *testing.B) {
	tokenizer := newTestTokenizer(b, gemmaJSON(b))
	for name, text := range map[string]string{
		"question":  "What is the total revenue of 2023?",
		"1MB-words": strings.Repeat("total revenue of the company ", 1<<20/29),
		"1MB-word":  strings.Repeat("revenue", 1<<20/7),
		"1MB-angle": strings.Repeat("<", 1<<20),
	} {
		b.Run("text="+name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var ids []int64
			for b.Loop() {
				ids = tokenizer.Encode(ids[:0], text)
			}
		})
	}
}
