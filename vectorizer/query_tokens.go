package vectorizer

import "slices"

// Token is one token of an embedded query.
type Token struct {
	// Text is what the token stands for: a word or a part of one, or a name like <bos>.
	Text string
	// Prompt says that the model's prompt has it, not the query.
	Prompt bool
}

// queryTokens describes the ids of a query. A query of one vector has no tokens to tell apart.
func (v *Vectorizer) queryTokens(ids []int64) []Token {
	if v.manifest.Graph.Rows == oneRow {
		return nil
	}
	prompt := v.manifest.Query
	end := len(ids) - len(prompt.SuffixIDs)
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
			Text:   v.tokenizer.Text(id),
			Prompt: i < begin || i >= end,
		}
	}
	return tokens
}
