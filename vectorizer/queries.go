package vectorizer

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// queryBatch is how many queries go through the text graph at once. Sixteen of them still cost less
// than one page.
const queryBatch = 16

// EmbedQueries returns the vectors of each query, in order: one for each token of the prompt and the
// text, or the error of that query alone, which is [ErrQuery] or [ErrOutput]. A text of more tokens
// than the model's manifest allows is cut; the prompt around it stays whole.
//
// An error of the whole call is [ErrBusy], [ErrClosed], one of package ort, or the context's.
func (v *Vectorizer) EmbedQueries(ctx context.Context, queries []string) ([]Embedding, error) {
	ctx, leave, err := v.enter(ctx, queryKind)
	if err != nil {
		return nil, err
	}
	defer leave()
	embeddings := make([]Embedding, len(queries))
	accepted := make([]tokenized, 0, len(queries))
	for i, query := range queries {
		ids, err := v.tokenize(query)
		if err != nil {
			embeddings[i].Err = err
			continue
		}
		accepted = append(accepted, tokenized{i, ids})
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
	ids   []int64
}

func (v *Vectorizer) tokenize(query string) ([]int64, error) {
	if limit := v.options.MaxQueryBytes; len(query) > limit {
		return nil, fmt.Errorf("%w: it has %d bytes, the limit is %d; ask something shorter, or raise COLPALI_MAX_QUERY_BYTES",
			ErrQuery, len(query), limit)
	}
	if strings.TrimSpace(query) == "" {
		return nil, fmt.Errorf("%w: it is empty; give it at least one word", ErrQuery)
	}
	return v.wrapQuery(query)
}

// wrapQuery returns the token ids of the text inside the model's prompt.
func (v *Vectorizer) wrapQuery(text string) ([]int64, error) {
	prompt, imageToken := v.manifest.Query, v.manifest.Page.ImageTokenID
	ids := slices.Clone(prompt.PrefixIDs)
	ids = v.tokenizer.Encode(ids, prompt.PrefixText+text)
	ids = ids[:min(len(ids), prompt.MaxTokens-len(prompt.SuffixIDs))]
	// Only a tokenizer.json that does not call its image token special lets a text spell it. The
	// graph would then look for an image that is not there.
	if slices.Contains(ids, imageToken) {
		return nil, fmt.Errorf("%w: it spells the model's image token %q; leave that out", ErrQuery, v.tokenizer.Piece(imageToken))
	}
	return append(ids, prompt.SuffixIDs...), nil
}

func (v *Vectorizer) embedQueryBatch(ctx context.Context, batch []tokenized, embeddings []Embedding) error {
	longest := 0
	for _, query := range batch {
		longest = max(longest, len(query.ids))
	}
	release, err := v.queue.turn(ctx, queryKind)
	if err != nil {
		return err
	}
	block, err := v.graphs.queries(ctx, batch, longest)
	release()
	if err != nil {
		return err
	}
	dim := v.model.Dim
	for place, query := range batch {
		own := block[place*longest*dim:][:len(query.ids)*dim]
		embeddings[query.index].Vectors, embeddings[query.index].Err = rows(own, dim)
	}
	return nil
}
