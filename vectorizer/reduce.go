package vectorizer

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Reduction is which vectors of a page are kept where it is stored. The zero value keeps all.
type Reduction struct {
	// DropNonImage leaves out those of the prompt around the image.
	DropNonImage bool
	// PoolFactor is how many times fewer are kept of the others, see [Pool].
	PoolFactor int
}

// Apply reduces the vectors of the pages that have any. Its error is the context's.
func (r Reduction) Apply(ctx context.Context, pages []Embedding) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range pages {
		page := &pages[i]
		if page.Err != nil {
			continue
		}
		if r.DropNonImage {
			page.Vectors = page.OfImage()
		}
		if r.PoolFactor > 1 {
			group.Go(func() error {
				page.Vectors = Pool(page.Vectors, r.PoolFactor)
				return context.Cause(ctx)
			})
		}
	}
	return group.Wait()
}
