package vectorizer

import (
	"slices"
	"strings"
)

// Token is one token of an embedded query.
type Token struct {
	// Text is what the token stands for: a word or a part of one, or a name like <bos>.
	Text string
	// Prompt says that the model's prompt has it, not the query.
	Prompt bool
}

// queryTokens describes the ids of a query, whose suffix begins at end.
func (v *Vectorizer) queryTokens(ids []int64, end int) []Token {
	prompt := v.manifest.Query
	// The prompt's words and the query's meet in one text, and the last token of the prompt's alone
	// can be another there: "Question: " ends in a space that belongs to the query's first word.
	prefix := v.tokenizer.Encode(slices.Clip(prompt.PrefixIDs), prompt.PrefixText)
	begin := 0
	for begin < min(len(prefix), end) && ids[begin] == prefix[begin] {
		begin++
	}
	tokens := make([]Token, len(ids))
	for i, id := range ids {
		tokens[i] = Token{
			Text:   strings.ReplaceAll(v.tokenizer.Piece(id), spaceMark, " "),
			Prompt: i < begin || i >= end,
		}
	}
	return tokens
}

// spaceMark is how a vocabulary of SentencePiece's kind writes a space.
const spaceMark = "\u2581"
