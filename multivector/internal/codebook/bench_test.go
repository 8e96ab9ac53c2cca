package codebook

import (
	"fmt"
	"testing"

	"weaviate-colpali/maxsim"
)

// With 16 rows for each centroid, as it should be.
const (
	benchPages     = 1000
	benchEach      = 131
	benchCentroids = 8192
)

func BenchmarkTrain(b *testing.B) {
	sample := sampleOf(benchPages, 1, benchEach)
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("centroids=%d/workers=%d", benchCentroids, workers), func(b *testing.B) {
			var c *Codebook
			var err error
			for b.Loop() {
				if c, err = Train(noContext, sample, Options{Centroids: benchCentroids, Workers: workers}); err != nil {
					b.Fatal(err)
				}
			}
			perRow := b.Elapsed().Seconds() / float64(b.N) / float64(sample.Rows())
			b.ReportMetric(perRow*1e8, "ms/100k-rows")
			b.ReportMetric(float64(c.MeanCosine()), "cosine")
		})
	}
}

func BenchmarkAssign(b *testing.B) {
	c, err := Train(noContext, sampleOf(benchPages, 1, benchEach), Options{Centroids: benchCentroids})
	if err != nil {
		b.Fatal(err)
	}
	page := unseen(1)
	coded := maxsim.Quantize(page)
	ids := make([]uint32, 0, page.Rows())
	b.Run(fmt.Sprintf("centroids=%d/float32", benchCentroids), func(b *testing.B) {
		for b.Loop() {
			ids, _ = c.Assign(ids[:0], page)
		}
		same, lost := accuracy(b, c)
		b.ReportMetric(same, "same")
		b.ReportMetric(lost, "lost-cosine")
	})
	b.Run(fmt.Sprintf("centroids=%d/int8", benchCentroids), func(b *testing.B) {
		for b.Loop() {
			ids, _ = c.CodesInt8(ids[:0], coded)
		}
		b.ReportMetric(float64(len(ids)), "ids/page")
	})
}

// accuracy is the share of rows of new pages that get their nearest centroid, and
// what all lose in mean cosine.
func accuracy(b *testing.B, c *Codebook) (same, lost float64) {
	rows := unseen(20)
	ids, cosine := c.Assign(nil, rows)
	exact := exactly(b, c, rows)
	for i, id := range ids {
		if int(id) == exact[i].Row {
			same++
		}
	}
	return same / float64(len(ids)), meanScore(exact) - float64(cosine)
}
