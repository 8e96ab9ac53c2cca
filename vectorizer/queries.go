package vectorizer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"weaviate-colpali/vectorizer/processor"
)

// queryBatch is how many queries go through the text graph at once. Sixteen of them still cost less
// than one page.
const queryBatch = 16

// EmbedQueries returns the vectors of each query, in order: one for each token of the prompt and the
// text, or the error of that query alone, which is [ErrQuery] or [ErrOutput]. A text of more tokens
// than the model's manifest allows is cut, which the embedding says; the prompt around it stays whole.
//
// An error of the whole call is [ErrBusy], [ErrClosed], one of package ort, or the context's.
func (v *Vectorizer) EmbedQueries(ctx context.Context, queries []string) ([]Embedding, error) {
	ctx, leave, err := v.enter(ctx, Queries)
	if err != nil {
		return nil, err
	}
	defer leave()
	embeddings := make([]Embedding, len(queries))
	accepted := make([]tokenized, 0, len(queries))
	for i, query := range queries {
		if err := v.checkQuery(query); err != nil {
			embeddings[i].Err = err
			continue
		}
		ids, cut := v.wrapQuery(query)
		embeddings[i].Tokens, embeddings[i].Cut = v.queryTokens(ids), cut
		accepted = append(accepted, tokenized{i, v.querySequence(ids)})
	}
	for batch := range slices.Chunk(accepted, queryBatch) {
		if err := v.embedQueryBatch(ctx, batch, embeddings); err != nil {
			return nil, err
		}
	}
	return embeddings, nil
}

// tokenized is a query ready for the text graph.
type tokenized struct {
	// index says which query of the call it is.
	index int
	sequence
}

func (v *Vectorizer) querySequence(ids []int64) sequence {
	s := sequence{ids: ids}
	if v.manifest.Graph.Positions == rotaryPositions {
		s.positions = processor.RotaryPositions(ids, v.manifest.Page.ImageTokenID, 1, 1)
	}
	return s
}

func (v *Vectorizer) checkQuery(query string) error {
	if limit := v.options.MaxQueryBytes; len(query) > limit {
		return fmt.Errorf("%w: it has %d bytes, the limit is %d; ask something shorter, or raise COLPALI_MAX_QUERY_BYTES",
			ErrQuery, len(query), limit)
	}
	if strings.TrimSpace(query) == "" {
		return fmt.Errorf("%w: it is empty; give it at least one word", ErrQuery)
	}
	return nil
}

// wrapQuery returns the token ids of the text inside the model's prompt, and how many tokens of the
// text were cut off because they did not fit.
func (v *Vectorizer) wrapQuery(text string) (ids []int64, cut int) {
	prompt := v.manifest.Query
	if prompt.Trim {
		text = strings.TrimRightFunc(text, isPythonSpace)
	}
	whole := v.tokenizer.Encode(slices.Clone(prompt.PrefixIDs), prompt.PrefixText+text)
	kept := whole[:min(len(whole), prompt.MaxTokens-len(prompt.SuffixIDs))]
	return append(kept, prompt.SuffixIDs...), len(whole) - len(kept)
}

// isPythonSpace is what Python's str.strip takes away, and with it the templates: to Go's white space it adds the
// four separators of ASCII.
func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func (v *Vectorizer) embedQueryBatch(ctx context.Context, batch []tokenized, embeddings []Embedding) error {
	sequences := make([]sequence, len(batch))
	for i, query := range batch {
		sequences[i] = query.sequence
	}
	place, release, err := v.turn(ctx, Queries)
	if err != nil {
		return err
	}
	d, dim := v.devices[place], v.model.Dim
	outputs, err := d.queryLimit.split(len(batch), func(from, to int) ([]float32, error) { return d.queries(ctx, sequences[from:to]) })
	release()
	if err != nil {
		return err
	}
	longest := slices.MaxFunc(sequences, func(a, b sequence) int { return cmp.Compare(len(a.ids), len(b.ids)) })
	v.options.Observer.BatchRan(Queries, len(batch), len(batch)*len(longest.ids))
	for place, query := range batch {
		own := outputs[place][:v.rowsOf(query.sequence)*dim]
		embeddings[query.index].Vectors, embeddings[query.index].Err = rows(own, dim)
	}
	return nil
}
