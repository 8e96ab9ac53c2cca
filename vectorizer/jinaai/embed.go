package jinaai

import (
	"context"

	"weaviate-colpali/vectorizer"
)

// answer is the whole of the work between a body and what it gets.
func (h *Handler) answer(ctx context.Context, body []byte) (response, error) {
	asked, err := parse(body)
	if err != nil {
		return response{}, err
	}
	running := h.embedder.Model()
	if err := asked.check(running); err != nil {
		return response{}, err
	}
	work, err := asked.sort(h.options.MaxImageBytes)
	if err != nil {
		return response{}, err
	}
	embeddings, err := h.embed(ctx, work, len(asked.Input))
	if err != nil {
		return response{}, err
	}
	return newResponse(running.Name, embeddings), nil
}

// embed does the queries first: they take a hundredth of the time of a page.
func (h *Handler) embed(ctx context.Context, w work, n int) ([]vectorizer.Embedding, error) {
	all := make([]vectorizer.Embedding, n)
	if len(w.queries) > 0 {
		embeddings, err := h.embedder.EmbedQueries(ctx, w.queries)
		if err := place(all, w.queryAt, embeddings, err); err != nil {
			return nil, err
		}
	}
	if len(w.pages) > 0 {
		embeddings, err := h.embedder.EmbedPages(ctx, w.pages)
		if err == nil {
			err = h.options.Keep.Apply(ctx, embeddings)
		}
		if err := place(all, w.pageAt, embeddings, err); err != nil {
			return nil, err
		}
	}
	for _, e := range all {
		if e.Cut > 0 {
			h.options.Log.Warn("the last tokens of a query are more than the model takes and were not searched", "tokens", e.Cut)
		}
	}
	return all, nil
}

// place puts embeddings where their inputs were. One that failed fails the request: the protocol has no place for
// the error of one input, and the module sends one alone.
func place(all []vectorizer.Embedding, at []int, embeddings []vectorizer.Embedding, err error) error {
	if err != nil {
		return err
	}
	for i, e := range embeddings {
		if e.Err != nil {
			return refuse(statusOf(e.Err), "input %d: %w", at[i], e.Err)
		}
		all[at[i]] = e
	}
	return nil
}
