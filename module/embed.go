package module

import (
	"context"

	"weaviate-colpali/vectorizer"
)

// embedPages embeds the images of a chunk of a batch.
func (m *Module) embedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	return loaded.EmbedPages(ctx, pages)
}

// embedPage embeds the image of a query.
func (m *Module) embedPage(ctx context.Context, page []byte) ([][]float32, error) {
	return only(m.embedPages(ctx, [][]byte{page}))
}

// embedQuery embeds the text of a query.
func (m *Module) embedQuery(ctx context.Context, text string) ([][]float32, error) {
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	return only(loaded.EmbedQueries(ctx, []string{text}))
}

// only unpacks the answer to a single page or query.
func only(embeddings []vectorizer.Embedding, err error) ([][]float32, error) {
	if err == nil {
		err = embeddings[0].Err
	}
	if err != nil {
		return nil, classify(err)
	}
	return embeddings[0].Vectors, nil
}
