package module

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
)

// reduce leaves of each page the vectors that the collection keeps: those of its patches, if it says dropNonImage,
// and of them poolFactor times fewer. It is for pages that are stored; a query by an image keeps its vectors.
func (m *Module) reduce(ctx context.Context, pages []vectorizer.Embedding, settings config.Vectorizer) error {
	loaded, err := m.running()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range pages {
		page := &pages[i]
		if page.Err != nil {
			continue
		}
		if settings.DropNonImage {
			page.Vectors = loaded.Model().Patches(page.Vectors)
		}
		if settings.PoolFactor > 1 {
			group.Go(func() error {
				page.Vectors = vectorizer.Pool(page.Vectors, settings.PoolFactor)
				return context.Cause(ctx)
			})
		}
	}
	return group.Wait()
}
