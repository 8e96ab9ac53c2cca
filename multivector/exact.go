package multivector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"weaviate-colpali/maxsim"
)

// scanned is what scoring documents found.
type scanned struct {
	best       top
	scored     int
	vectorless []uint64 // stored without vectors
}

// scoreAll scores every document exactly and keeps the k best of those that reach
// minScore. It shares the work among as many workers as Go may run at once.
func scoreAll(ctx context.Context, view View, query *maxsim.Query, ids []uint64, k int, minScore *float32) (scanned, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	parts := make([]scanned, min(runtime.GOMAXPROCS(0), len(ids)))
	var next atomic.Int64 // the position in ids that no worker has taken yet
	var workers sync.WaitGroup
	for i := range parts {
		parts[i].best = newTop(k)
		workers.Go(func() {
			if err := parts[i].work(ctx, view, query, ids, &next, minScore); err != nil {
				cancel(err) // stops the others
			}
		})
	}
	workers.Wait()
	// A worker's error, or the caller's own cancellation.
	if ctx.Err() != nil {
		return scanned{}, fmt.Errorf("search: %w", context.Cause(ctx))
	}

	all := scanned{best: newTop(k)}
	for _, part := range parts {
		all.scored += part.scored
		all.vectorless = append(all.vectorless, part.vectorless...)
		for _, result := range part.best.heap {
			all.best.offer(result)
		}
	}
	return all, nil
}

// buffers keeps the workers' memory between searches: for pages, more than half a
// megabyte each.
var buffers = sync.Pool{New: func() any { return new(Buffer) }}

// work scores one document after another until none is left.
func (s *scanned) work(ctx context.Context, view View, query *maxsim.Query, ids []uint64, next *atomic.Int64, minScore *float32) error {
	buffer := buffers.Get().(*Buffer)
	defer buffers.Put(buffer)
	for ctx.Err() == nil {
		i := int(next.Add(1)) - 1
		if i >= len(ids) {
			return nil
		}
		if err := s.score(ctx, view, query, ids[i], buffer, minScore); err != nil {
			return fmt.Errorf("document %d: %w", ids[i], err)
		}
	}
	return nil
}

func (s *scanned) score(ctx context.Context, view View, query *maxsim.Query, id uint64, buffer *Buffer, minScore *float32) error {
	vectors, err := view.Vectors(ctx, id, buffer)
	switch {
	case errors.Is(err, ErrNotStored):
		return nil
	case err != nil:
		return err
	case vectors.Rows() == 0:
		s.vectorless = append(s.vectorless, id)
		return nil
	case vectors.Dim != query.Dim():
		// Admit keeps such documents out, but another replica may have let it in.
		// One bad document must not fail every search.
		return nil
	}
	s.scored++
	result := Result{ID: id, Score: query.ScoreStrided(vectors)}
	if minScore == nil || result.Score >= *minScore {
		s.best.offer(result)
	}
	return nil
}
