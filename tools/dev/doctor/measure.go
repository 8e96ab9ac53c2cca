package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"
	"time"

	"weaviate-colpali/vectorizer"
)

// times prints the median time of a page and of a query by batch size, decoding included, and returns the best of
// a page.
func times(ctx context.Context, w io.Writer, v *vectorizer.Vectorizer, page []byte, batches []int, runs int) (time.Duration, error) {
	best := time.Duration(math.MaxInt64)
	for _, size := range batches {
		pages := slices.Repeat([][]byte{page}, size)
		perPage, err := median(runs, size, func() error { return failure(v.EmbedPages(ctx, pages)) })
		if err != nil {
			return 0, err
		}
		queries := slices.Repeat([]string{"What is the total revenue of 2023?"}, size)
		perQuery, err := median(runs, size, func() error { return failure(v.EmbedQueries(ctx, queries)) })
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

// failure is the first error of a call or of one of its items.
func failure(embeddings []vectorizer.Embedding, err error) error {
	for _, e := range embeddings {
		if err == nil {
			err = e.Err
		}
	}
	return err
}

// letter is a page of 850 x 1100 pixels, letter size at 100 dpi, with bars where words would be.
func letter() ([]byte, error) {
	page := image.NewGray(image.Rect(0, 0, 850, 1100))
	for i := range page.Pix {
		x, y := i%850, i/850
		page.Pix[i] = 255
		if x > 80 && x < 770 && y > 80 && y < 1020 && y%22 < 11 && (x*7+y/22*31)%97 < 80 {
			page.SetGray(x, y, color.Gray{Y: 20})
		}
	}
	var b bytes.Buffer
	err := png.Encode(&b, page)
	return b.Bytes(), err
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
