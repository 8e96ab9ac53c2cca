package processor

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDecodeImage(f *testing.F) {
	for _, c := range decodeCases(f) {
		f.Add(readImageFile(f, c.File))
	}
	for _, name := range []string{"exif6.jpg", "exif5.png", "exif2.webp", "exif6_alpha.webp"} {
		f.Add(readImageFile(f, name))
	}
	f.Add(pngHeader(65535, 65535))
	f.Add(tiffHeader(map[uint16]uint32{256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 322: 8, 323: 8, 324: 8, 325: 64}))
	f.Add([]byte("%PDF-1.7"))
	for _, blob := range hostileFiles(f) {
		if len(blob) < 1<<16 { // a fuzzer that copies megabytes tries little else
			f.Add(blob)
		}
	}
	limits := Limits{MaxBytes: 1 << 16, MaxPixels: 1 << 14}
	f.Fuzz(func(t *testing.T, blob []byte) {
		im, err := DecodeImage(blob, limits)
		upright, viewErr := View{Alpha: AlphaWhite, Upright: true}.DecodeImage(blob, limits)
		require.Equal(t, err == nil, viewErr == nil)
		if err == nil {
			require.Len(t, upright.Pix, len(im.Pix))
		}
		if err != nil {
			require.Nil(t, im)
			require.True(t, errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNotImage) || errors.Is(err, ErrUndecodable), err)
			return
		}
		require.LessOrEqual(t, int64(len(blob)), limits.MaxBytes)
		require.LessOrEqual(t, int64(im.Width)*int64(im.Height), limits.MaxPixels)
		require.Positive(t, im.Width*im.Height)
		require.Len(t, im.Pix, 3*im.Width*im.Height)
	})
}

func FuzzNewTokenizer(f *testing.F) {
	var golden struct {
		Variants []struct{ Tokenizer json.RawMessage }
	}
	readGolden(f, "bpe_variants.json", &golden)
	for _, variant := range golden.Variants {
		f.Add([]byte(variant.Tokenizer))
	}
	f.Add(lowercaseJSON(f))
	for _, name := range schemas {
		f.Add([]byte(readSchema(f, name).Tokenizer))
	}
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}`))
	f.Fuzz(func(t *testing.T, tokenizerJSON []byte) {
		tokenizer, err := NewTokenizer(tokenizerJSON)
		if err != nil {
			require.ErrorIs(t, err, ErrTokenizer)
			return
		}
		for _, text := range []string{"", "abcab", "a b", "é😀 <image>\n\n"} {
			for _, id := range tokenizer.Encode(nil, text) {
				require.GreaterOrEqual(t, id, int64(0))
				require.Less(t, id, int64(tokenizer.VocabSize()))
			}
		}
	})
}

// FuzzEncode checks that ids spell the text they came from: byte fallback loses nothing.
func FuzzEncode(f *testing.F) {
	for _, c := range tokenCases(f) {
		f.Add(c.Text)
	}
	f.Add("a\xff\xfeb")
	tokenizer := newTestTokenizer(f, gemmaJSON(f))
	const specials = 5 // the tokenizer's first ids
	f.Fuzz(func(t *testing.T, text string) {
		var spelled strings.Builder
		for _, id := range tokenizer.Encode(nil, text) {
			require.GreaterOrEqual(t, id, int64(specials))
			spelled.WriteString(spell(tokenizer.Piece(id)))
		}
		visible := func(s string) string { return strings.ReplaceAll(s, " ", "▁") }
		require.Equal(t, visible(strings.ToValidUTF8(text, "\uFFFD")), visible(spelled.String()))
	})
}

// spell returns the byte of a byte token, and other pieces as they are.
func spell(piece string) string {
	if len(piece) == len("<0x00>") && strings.HasPrefix(piece, "<0x") {
		if value, err := strconv.ParseUint(piece[3:5], 16, 8); err == nil {
			return string([]byte{byte(value)})
		}
	}
	return piece
}
