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

// embedQuery embeds the text of a query. A text that the model cannot take whole is searched as far as
// it goes, and the log says so, without repeating what a user asked.
func (m *Module) embedQuery(ctx context.Context, text string) ([][]float32, error) {
	loaded, err := m.running()
	if err != nil {
		return nil, err
	}
	embeddings, err := loaded.EmbedQueries(ctx, []string{text})
	if err == nil && embeddings[0].Cut > 0 {
		m.log.WithField("action", "vectorize_query").WithField("module", Name).
			Warnf("the last %d tokens of a query are more than model %s takes and were not searched", embeddings[0].Cut, loaded.Model().Name)
	}
	return only(embeddings, err)
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
