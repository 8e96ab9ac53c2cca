package module

import (
	"context"

	"weaviate-colpali/module/explain"
	"weaviate-colpali/vectorizer"
)

// embedPages embeds the images of a chunk of a batch.
func (m *Module) embedPages(ctx context.Context, pages [][]byte) ([]vectorizer.Embedding, error) {
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	embeddings, err := loaded.EmbedPages(ctx, pages)
	m.metrics.Embedded(vectorizer.Pages, len(pages), embeddings, err)
	return embeddings, err
}

// embedPage embeds the image of a query.
func (m *Module) embedPage(ctx context.Context, page []byte) ([][]float32, error) {
	embeddings, err := m.embedPages(ctx, [][]byte{page})
	if err == nil {
		err = embeddings[0].Err
	}
	if err != nil {
		return nil, classify(err)
	}
	return embeddings[0].Vectors, nil
}

// embedQuery embeds the text of a query.
func (m *Module) embedQuery(ctx context.Context, text string) ([][]float32, error) {
	embedding, err := m.embedText(ctx, text)
	return embedding.Vectors, err
}

// embedText embeds the text of a query. A text that the model cannot take whole is searched as far as
// it goes, and the log says so, without repeating what a user asked.
func (m *Module) embedText(ctx context.Context, text string) (vectorizer.Embedding, error) {
	loaded, err := m.running()
	if err != nil {
		return vectorizer.Embedding{}, err
	}
	embeddings, err := loaded.EmbedQueries(ctx, []string{text})
	m.metrics.Embedded(vectorizer.Queries, 1, embeddings, err)
	if err == nil {
		err = embeddings[0].Err
	}
	if err != nil {
		return vectorizer.Embedding{}, classify(err)
	}
	if cut := embeddings[0].Cut; cut > 0 {
		m.log.WithField("action", "vectorize_query").WithField("module", Name).
			Warnf("the last %d tokens of a query are more than model %s takes and were not searched", cut, loaded.Model().Name)
	}
	explain.Keep(ctx, text, embeddings[0])
	return embeddings[0], nil
}
