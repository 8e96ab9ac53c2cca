package module

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"weaviate-colpali/config"
	"weaviate-colpali/vectorizer"
)

// reduce leaves of each page the vectors that the collection keeps: those of its image, if it says dropNonImage,
// and of them poolFactor times fewer. It is for pages that are stored; a query by an image keeps its vectors.
func reduce(ctx context.Context, pages []vectorizer.Embedding, settings config.Vectorizer) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range pages {
		page := &pages[i]
		if page.Err != nil {
			continue
		}
		if settings.DropNonImage {
			page.Vectors = page.OfImage()
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
