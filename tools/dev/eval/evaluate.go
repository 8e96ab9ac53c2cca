package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer"
)

// chunk is how many pages and queries are embedded by one call; no more images are in memory.
const chunk = 32

// report is the outcome of an evaluation.
type report struct {
	Model            string  `json:"model"`
	Provider         string  `json:"provider"`
	Pages            int     `json:"pages"`
	VectorsPerPage   int     `json:"vectors_per_page"` // the most of any page
	Queries          int     `json:"queries"`
	NDCG5            float64 `json:"ndcg_at_5"`
	Recall1          float64 `json:"recall_at_1"`
	Recall5          float64 `json:"recall_at_5"`
	Recall10         float64 `json:"recall_at_10"`
	MRR              float64 `json:"mrr"`
	PagesPerSecond   float64 `json:"pages_per_second"`
	QueriesPerSecond float64 `json:"queries_per_second"`
}

// evaluation is what is known while the pages go by. Vectors of a page live only until it is scored: what stays
// are 4 bytes for each page and query.
type evaluation struct {
	model   *vectorizer.Vectorizer
	options options
	queries []*maxsim.Query
	scores  [][]float32 // [query][page]
	pages   []string    // their ids
	waiting []page
	took    time.Duration // embedding pages
	vectors int
}

func evaluate(ctx context.Context, v *vectorizer.Vectorizer, s set, o options) (report, error) {
	start := time.Now()
	queries, err := embedQueries(ctx, v, s.queries)
	if err != nil {
		return report{}, err
	}
	queryTime := time.Since(start)
	e := &evaluation{model: v, options: o, queries: queries, scores: make([][]float32, len(queries))}
	if err := s.pages(func(p page) error { return e.add(ctx, p) }); err != nil {
		return report{}, err
	}
	if err := e.flush(ctx); err != nil {
		return report{}, err
	}
	if len(e.pages) == 0 {
		return report{}, errors.New("the set has no pages")
	}
	total, err := e.measure(s)
	if err != nil {
		return report{}, err
	}
	n := float64(len(queries))
	return report{
		Model: v.Model().Name, Provider: v.Model().Provider,
		Pages: len(e.pages), VectorsPerPage: e.vectors, Queries: len(queries),
		NDCG5: total.ndcg5 / n, Recall1: total.recall1 / n, Recall5: total.recall5 / n, Recall10: total.recall10 / n, MRR: total.mrr / n,
		PagesPerSecond:   float64(len(e.pages)) / e.took.Seconds(),
		QueriesPerSecond: n / queryTime.Seconds(),
	}, nil
}

func embedQueries(ctx context.Context, v *vectorizer.Vectorizer, queries []query) ([]*maxsim.Query, error) {
	var out []*maxsim.Query
	for start := 0; start < len(queries); start += chunk {
		part := queries[start:min(start+chunk, len(queries))]
		var texts []string
		for _, q := range part {
			texts = append(texts, q.text)
		}
		embeddings, err := v.EmbedQueries(ctx, texts)
		if err != nil {
			return nil, err
		}
		for i, e := range embeddings {
			if e.Err != nil {
				return nil, fmt.Errorf("query %s: %w", part[i].id, e.Err)
			}
			rows, err := maxsim.FromRows(e.Vectors)
			if err != nil {
				return nil, err
			}
			q, err := maxsim.NewQuery(rows)
			if err != nil {
				return nil, err
			}
			out = append(out, q)
		}
	}
	return out, nil
}

func (e *evaluation) add(ctx context.Context, p page) error {
	e.waiting = append(e.waiting, p)
	if len(e.waiting) < chunk {
		return nil
	}
	return e.flush(ctx)
}

// flush embeds and scores the pages that wait. A page that cannot be embedded ends the evaluation: figures without
// it would be of another set.
func (e *evaluation) flush(ctx context.Context) error {
	pages := e.waiting
	e.waiting = nil
	var blobs [][]byte
	for _, p := range pages {
		blobs = append(blobs, p.image)
	}
	start := time.Now()
	embeddings, err := e.model.EmbedPages(ctx, blobs)
	e.took += time.Since(start)
	if err == nil {
		err = vectorizer.Reduction{DropNonImage: e.options.dropNonImage, PoolFactor: e.options.poolFactor}.Apply(ctx, embeddings)
	}
	if err != nil {
		return err
	}
	for i, embedding := range embeddings {
		if embedding.Err != nil {
			return fmt.Errorf("page %s: %w", pages[i].id, embedding.Err)
		}
		e.vectors = max(e.vectors, len(embedding.Vectors))
		rows, err := maxsim.FromRows(embedding.Vectors)
		if err != nil {
			return fmt.Errorf("page %s: %w", pages[i].id, err)
		}
		for j, q := range e.queries {
			e.scores[j] = append(e.scores[j], q.Score(rows))
		}
		e.pages = append(e.pages, pages[i].id)
	}
	return nil
}

// measure sums the metrics of all queries.
func (e *evaluation) measure(s set) (metrics, error) {
	known := make(map[string]bool, len(e.pages))
	for _, id := range e.pages {
		if known[id] {
			return metrics{}, fmt.Errorf("two pages have the id %q", id)
		}
		known[id] = true
	}
	var total metrics
	for i, q := range s.queries {
		for id := range s.relevant[q.id] {
			if !known[id] {
				return metrics{}, fmt.Errorf("query %s names page %q, which the corpus lacks", q.id, id)
			}
		}
		total.add(measure(rank(e.pages, e.scores[i]), s.relevant[q.id]))
	}
	return total, nil
}
