package processor

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// schemas are the kinds of tokenizer.json that families of models have, beside Gemma's own.
var schemas = []string{"gemma3", "qwen2", "qwen35", "smollm", "llama3", "modernbert"}

type schemaGolden struct {
	Tokenizer json.RawMessage
	IDs       [][]int64 // of schemaTexts
}

func readSchema(t testing.TB, name string) schemaGolden {
	t.Helper()
	var golden schemaGolden
	readGolden(t, "schema_"+name+".json", &golden)
	return golden
}

type charactersGolden struct {
	NFC     [][2]string // first character of a block, hash of what NFC makes of the block
	Texts   []string
	Classes [][]json.RawMessage // name, then ranges
}

func readCharacters(t testing.TB) charactersGolden {
	t.Helper()
	var golden charactersGolden
	readGolden(t, "characters.json", &golden)
	return golden
}

func schemaTexts(t testing.TB) []string {
	var texts []string
	for _, c := range tokenCases(t) {
		texts = append(texts, c.Text)
	}
	return append(texts, readCharacters(t).Texts...)
}

func TestEncodeOfEverySchemaEqualsLibrary(t *testing.T) {
	texts := schemaTexts(t)
	require.Greater(t, len(texts), 700)
	for _, name := range schemas {
		t.Run(name, func(t *testing.T) {
			golden := readSchema(t, name)
			require.Len(t, golden.IDs, len(texts))
			tokenizer := newTestTokenizer(t, golden.Tokenizer)
			for i, text := range texts {
				require.Equal(t, golden.IDs[i], tokenizer.Encode([]int64{}, text), "%q", text)
			}
		})
	}
}

func TestTextNeverYieldsSpecialTokensOfAnySchema(t *testing.T) {
	for _, name := range schemas {
		t.Run(name, func(t *testing.T) {
			golden := readSchema(t, name)
			var file tokenizerFile
			require.NoError(t, json.Unmarshal(golden.Tokenizer, &file))
			special := file.specialIDs(nil)
			require.Greater(t, len(special), 4)

			// The model's vocabulary may hold the literal, too: then ignore_merges must not find it.
			grown := edited(t, golden.Tokenizer, func(file map[string]any) {
				model := file["model"].(map[string]any)
				model["ignore_merges"] = true
				for _, token := range file["added_tokens"].([]any) {
					if token := token.(map[string]any); token["special"] == true {
						model["vocab"].(map[string]any)[token["content"].(string)] = token["id"]
					}
				}
			})
			for _, tokenizer := range []*Tokenizer{newTestTokenizer(t, golden.Tokenizer), newTestTokenizer(t, grown)} {
				for _, token := range file.AddedTokens {
					if !token.Special {
						continue
					}
					for _, text := range []string{token.Content, "a" + token.Content + "b", " " + token.Content + token.Content} {
						ids := tokenizer.Encode(nil, text)
						require.NotEmpty(t, ids)
						for _, id := range ids {
							require.False(t, special[id], "%q yields %d", text, id)
						}
					}
				}
			}
		})
	}
}

func TestCharacterClassesEqualLibrary(t *testing.T) {
	are := map[string]func(rune) bool{
		"letters": isLetter, "marks": isMark, "numbers": isNumber, "numeric": isNumeric, "spaces": unicode.IsSpace,
	}
	golden := readCharacters(t)
	require.Len(t, golden.Classes, len(are))
	for _, class := range golden.Classes {
		var name string
		require.NoError(t, json.Unmarshal(class[0], &name))
		want := map[rune]bool{}
		for _, text := range class[1:] {
			var borders [2]rune
			require.NoError(t, json.Unmarshal(text, &borders))
			for r := borders[0]; r <= borders[1]; r++ {
				want[r] = true
			}
		}
		for r := range rune(utf8.MaxRune + 1) {
			if is := are[name](r); utf8.ValidRune(r) && is != want[r] {
				require.Equal(t, want[r], is, "%U among %s", r, name)
			}
		}
	}
}

// Each character alone, and where it is reordered, composed with, or in the way: see nfc_hashes() in
// tools/dev/goldens/tokens.py.
func TestNFCOfEveryCharacterEqualsLibrary(t *testing.T) {
	blocks := readCharacters(t).NFC
	require.Greater(t, len(blocks), 60)
	for _, block := range blocks {
		first, err := strconv.ParseInt(block[0], 16, 32)
		require.NoError(t, err)
		var lines []string
		for r := rune(first); r < rune(first)+0x1000; r++ {
			if utf8.ValidRune(r) {
				lines = append(lines, nfc(fmt.Sprintf("%c q\u0345%c\u0334 e%c\u0301 %c\u0338\u3099", r, r, r, r)))
			}
		}
		sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
		require.Equal(t, block[1], hex.EncodeToString(sum[:])[:len(block[1])], "U+%s and on", block[0])
	}
}

func TestNFCBreaksNoRunOfMarks(t *testing.T) {
	require.Equal(t, "á"+strings.Repeat("\u0301", 99), nfc("a"+strings.Repeat("\u0301", 100)))
}

// FuzzEncodeBytes checks that byte-level ids spell the text they came from: nothing is lost.
func FuzzEncodeBytes(f *testing.F) {
	for _, text := range readCharacters(f).Texts {
		f.Add(text)
	}
	f.Add("a\xff\xfeb")
	tokenizers := map[string]*Tokenizer{}
	special := map[string]map[int64]bool{}
	for _, name := range []string{"qwen2", "qwen35", "smollm", "llama3"} {
		golden := readSchema(f, name)
		tokenizers[name] = newTestTokenizer(f, golden.Tokenizer)
		var file tokenizerFile
		require.NoError(f, json.Unmarshal(golden.Tokenizer, &file))
		special[name] = file.specialIDs(nil)
	}
	value := map[rune]byte{}
	for b, r := range byteCharacters {
		value[r] = byte(b)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, tokenizer := range tokenizers {
			var spelled []byte
			for _, id := range tokenizer.Encode(nil, text) {
				require.False(t, special[name][id], "%q yields %d", text, id)
				for _, r := range tokenizer.Piece(id) {
					spelled = append(spelled, value[r])
				}
			}
			want := strings.ToValidUTF8(text, "\uFFFD")
			if strings.HasPrefix(name, "qwen") && !strings.Contains(want, "<") { // tokens of its own are not normalized
				want = nfc(want)
			} else if strings.HasPrefix(name, "qwen") {
				continue
			}
			require.Equal(t, want, string(spelled), name)
		}
	})
}

// FuzzNFC checks what the standard demands of a normal form where x/text and the library agree: without
// characters of newer Unicode and long runs of marks.
func FuzzNFC(f *testing.F) {
	for _, text := range readCharacters(f).Texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		once := nfc(text)
		require.True(t, utf8.ValidString(once))
		require.Equal(t, once, nfc(once), "%+q", text)
	})
}

func BenchmarkEncodeSchema(b *testing.B) {
	for _, name := range schemas {
		tokenizer := newTestTokenizer(b, readSchema(b, name).Tokenizer)
		for kind, text := range map[string]string{
			"question":   "What is the total revenue of 2023?",
			"1KB-words":  strings.Repeat("revenue ", 128),
			"64KB-word":  strings.Repeat("revenue", 1<<16/7),
			"1MB-word":   strings.Repeat("revenue", 1<<20/7),
			"64KB-space": strings.Repeat(" ", 1<<16),
			"64KB-marks": "a" + strings.Repeat("\u0323\u0301", 1<<14),
		} {
			b.Run("schema="+name+"/text="+kind, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				var ids []int64
				for b.Loop() {
					ids = tokenizer.Encode(ids[:0], text)
				}
			})
		}
	}
}
