package processor

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestTextsOfTokensAreTheText(t *testing.T) {
	const text = "net revenue, 2023: über 40 % (日本)"
	tokenizers := map[string]*Tokenizer{"gemma": newTestTokenizer(t, gemmaJSON(t))}
	for _, name := range schemas {
		tokenizers[name] = newTestTokenizer(t, readSchema(t, name).Tokenizer)
	}
	for name, tokenizer := range tokenizers {
		var joined strings.Builder
		for _, id := range tokenizer.Encode(nil, "net revenue, 2023 (40 %)") {
			joined.WriteString(tokenizer.Text(id))
		}
		require.Equal(t, "net revenue, 2023 (40 %)", joined.String(), name)
		for _, id := range tokenizer.Encode(nil, text) {
			require.NotContains(t, tokenizer.Text(id), "Ġ", name)
			require.True(t, utf8.ValidString(tokenizer.Text(id)), name)
		}
		require.Empty(t, tokenizer.Text(-1))
		require.Empty(t, tokenizer.Text(1<<40))
	}
}
