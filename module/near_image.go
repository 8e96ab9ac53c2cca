package module

import (
	"context"
	"fmt"

	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/entities/moduletools"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearImage"

	"weaviate-colpali/vectorizer/blob"
)

// vectorForImage embeds the image of a nearImage query as a page, so that it
// finds the pages that look like it.
func (m *Module) vectorForImage(ctx context.Context, params any, class string,
	_ modulecapabilities.FindVectorFn[[][]float32], cfg moduletools.ClassConfig,
) ([][]float32, error) {
	query, ok := params.(*nearImage.NearImageParams)
	if !ok {
		return nil, fmt.Errorf("nearImage: unexpected parameters of type %T", params)
	}
	if query.Certainty != 0 {
		return nil, refused(fmt.Errorf("nearImage: %w", errCertainty))
	}
	if err := m.checkModel(class, cfg); err != nil {
		return nil, fmt.Errorf("nearImage: %w", err)
	}
	page, err := blob.Decode(query.Image, m.settings.MaxImageBytes)
	if err != nil {
		return nil, refused(fmt.Errorf("nearImage: %w", err))
	}
	vectors, err := m.embedPage(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("nearImage: %w", err)
	}
	return vectors, nil
}
