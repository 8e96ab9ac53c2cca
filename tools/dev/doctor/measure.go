package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"weaviate-colpali/tools/dev/trial"
	"weaviate-colpali/vectorizer"
)

// times prints the median time of a page and of a query by batch size, decoding included, and returns the best of
// a page.
func times(ctx context.Context, w io.Writer, v *vectorizer.Vectorizer, page []byte, batches []int, runs int) (time.Duration, error) {
	best := time.Duration(math.MaxInt64)
	for _, size := range batches {
		pages := slices.Repeat([][]byte{page}, size)
		perPage, err := median(runs, size, func() error { return trial.Failure(v.EmbedPages(ctx, pages)) })
		if err != nil {
			return 0, err
		}
		queries := slices.Repeat([]string{"What is the total revenue of 2023?"}, size)
		perQuery, err := median(runs, size, func() error { return trial.Failure(v.EmbedQueries(ctx, queries)) })
		if err != nil {
			return 0, err
		}
		fmt.Fprintf(w, "batch %-3d %.2f ms a page, %.2f ms a query (median of %d)\n", size, ms(perPage), ms(perQuery), runs)
		best = min(best, perPage)
	}
	return best, nil
}

// median is that of runs timings of f, for each of its size items. The first call is not timed: memory is
// allocated in it.
func median(runs, size int, f func() error) (time.Duration, error) {
	if err := f(); err != nil {
		return 0, err
	}
	took := make([]time.Duration, runs)
	for i := range took {
		start := time.Now()
		if err := f(); err != nil {
			return 0, err
		}
		took[i] = time.Since(start) / time.Duration(size)
	}
	slices.Sort(took)
	return took[runs/2], nil
}

// size of a page's vectors. Models that read pages at their own size give more for larger ones.
type size struct{ vectors, dim int }

func sizeOf(page [][]float32) size { return size{len(page), len(page[0])} }

func (s size) bytes() int { return 4 * s.vectors * s.dim }

// indexBytes is what the plaid index keeps of a page: of each vector 8-bit codes and 5 bytes of scale and centroids
// (multivector/FORMAT.md; 137 KB for ColPali).
func (s size) indexBytes() int { return s.vectors * (s.dim + 5) }

// cost prints what a million pages take on this machine.
func cost(w io.Writer, s size, page time.Duration) {
	const million, gb = 1e6, 1e9
	fmt.Fprintf(w, "1M pages  %.0f GB of vectors on disk and %.0f GB of index, which is fastest in memory; %.1f hours to embed\n",
		million*float64(s.bytes())/gb, million*float64(s.indexBytes())/gb, million*page.Hours())
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
