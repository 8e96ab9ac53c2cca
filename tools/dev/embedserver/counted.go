package main

import (
	"context"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/metrics"
)

// counted is a vectorizer whose failures are counted; everything else it counts as its observer.
type counted struct {
	*vectorizer.Vectorizer
	metrics *metrics.Metrics
}

// EmbedPages is the vectorizer's, counted, and so is EmbedQueries.
func (c counted) EmbedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	embeddings, err := c.Vectorizer.EmbedPages(ctx, pages)
	c.metrics.Embedded(vectorizer.Pages, len(pages), embeddings, err)
	return embeddings, err
}

func (c counted) EmbedQueries(ctx context.Context, queries []string) ([]vectorizer.Embedding, error) {
	embeddings, err := c.Vectorizer.EmbedQueries(ctx, queries)
	c.metrics.Embedded(vectorizer.Queries, len(queries), embeddings, err)
	return embeddings, err
}

// show answers with the vectorizer's metrics and those of the process.
func show(counts *metrics.Metrics) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), counts.Register(registry)
}
