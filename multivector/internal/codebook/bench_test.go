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
	for _, centroids := range []int{benchCentroids, 4 * benchCentroids} {
		c, err := Train(noContext, sampleOf(benchPages, 1, centroids*16/benchPages), Options{Centroids: centroids})
		if err != nil {
			b.Fatal(err)
		}
		pages := make([]maxsim.Int8Matrix, 8)
		for i := range pages {
			pages[i] = maxsim.Quantize(world().Page(100_000 + 50*i))
		}
		b.Run(fmt.Sprintf("centroids=%d", centroids), func(b *testing.B) {
			var codes Codes
			distinct := 0
			for i := 0; b.Loop(); i++ {
				c.CodesInt8(&codes, pages[i%len(pages)])
				distinct += len(codes.IDs)
			}
			b.ReportMetric(float64(distinct)/float64(b.N), "ids/page")
			same, lost := accuracy(b, c)
			b.ReportMetric(same, "same")
			b.ReportMetric(lost, "lost-cosine")
		})
	}
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
