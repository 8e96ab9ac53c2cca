package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"

	"weaviate-colpali/tools/dev/rest"
)

const (
	className  = "DemoPage"
	vectorName = "colpali"
	batchPages = 8 // keeps the progress bar moving: the demo model needs about 50 ms a page
	topK       = 3
)

// collection is the demo's collection on a running server.
type collection struct {
	client *rest.Client
}

// hit is one page of an answer.
type hit struct {
	file  string
	score float64 // MaxSim: the negative of Weaviate's distance
	why   explanation
}

// create declares the collection the way the README shows it and drops what an earlier run left.
func (c collection) create(ctx context.Context) error {
	schema := map[string]any{
		"class": className,
		"properties": []map[string]any{
			{"name": "file", "dataType": []string{"text"}},
			{"name": "title", "dataType": []string{"text"}},
			{"name": "page", "dataType": []string{"blob"}},
		},
		"vectorConfig": map[string]any{
			vectorName: map[string]any{
				"vectorizer":      map[string]any{"multi2multivec-colpali": map[string]any{"imageFields": []string{"page"}}},
				"vectorIndexType": "hnsw",
				"vectorIndexConfig": map[string]any{
					"multivector": map[string]any{"enabled": true, "plaid": map[string]any{"enabled": true}},
				},
			},
		},
	}
	if err := c.client.Do(ctx, http.MethodDelete, "/schema/"+className, nil, nil); err != nil {
		return err
	}
	return c.client.Do(ctx, http.MethodPost, "/schema", schema, nil)
}

// importPages sends the pages as base64 blobs and reports each batch to done.
func (c collection) importPages(ctx context.Context, pages []page, done func(n int)) error {
	for start := 0; start < len(pages); start += batchPages {
		batch := pages[start:min(start+batchPages, len(pages))]
		if err := c.importBatch(ctx, batch); err != nil {
			return err
		}
		done(len(batch))
	}
	return nil
}

func (c collection) importBatch(ctx context.Context, batch []page) error {
	objects := make([]map[string]any, len(batch))
	for i, p := range batch {
		objects[i] = map[string]any{
			"class": className,
			"id":    p.id(),
			"properties": map[string]any{
				"file": p.File, "title": p.Title, "page": base64.StdEncoding.EncodeToString(p.blob),
			},
		}
	}
	var results []struct {
		Result struct {
			Errors struct {
				Error []struct{ Message string }
			}
		}
	}
	if err := c.client.Do(ctx, http.MethodPost, "/batch/objects", map[string]any{"objects": objects}, &results); err != nil {
		return err
	}
	for i, r := range results {
		for _, e := range r.Result.Errors.Error {
			return fmt.Errorf("import %s: %s", batch[i].File, e.Message)
		}
	}
	return nil
}

// ask runs one nearText query, and asks where each page matched.
func (c collection) ask(ctx context.Context, query string) ([]hit, error) {
	var data struct {
		Get map[string][]struct {
			File       string
			Additional struct {
				Distance float64
				ColPali  explanation
			} `json:"_additional"`
		}
	}
	graphql := fmt.Sprintf(`{ Get { %s(nearText: {concepts: [%q]}, limit: %d) { file _additional {
		distance colpali(format: PNG) { tokens { prompt column row } map { width height } image } } } } }`,
		className, query, topK)
	if err := c.client.GraphQL(ctx, graphql, &data); err != nil {
		return nil, fmt.Errorf("nearText %q: %w", query, err)
	}
	var hits []hit
	for _, o := range data.Get[className] {
		hits = append(hits, hit{file: o.File, score: -o.Additional.Distance, why: o.Additional.ColPali})
	}
	return hits, nil
}
