package module

import (
	"context"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/operator"
)

// model is a running model and where it came from.
type model struct {
	Embedder
	// demo says that it is the one embedded in the binary.
	demo bool
}

// openModel loads the model the operator chose, or the embedded one, and runs it
// once.
func openModel(ctx context.Context, settings config.Runtime, observer vectorizer.Observer) (model, error) {
	opened, demo, err := operator.Open(ctx, settings, observer)
	return model{Embedder: opened, demo: demo}, err
}
