package maxsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// unitMatrix is rows of norm 1, as models make them.
func unitMatrix(r *rand.Rand, rows, dim int) Matrix {
	m := randomMatrix(r, rows, dim)
	for i := range rows {
		row := m.Row(i)
		scale := float32(1 / math.Sqrt(float64(norm(row)*norm(row))))
		for d := range row {
			row[d] *= scale
		}
	}
	return m
}

// The figures that count are those of tools/dev/bench, which sets them beside the
// processor's limit and beside others. These are for finding out why.
func BenchmarkScore(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, rows := range []int{100, 1030} {
		page := unitMatrix(r, rows, 128)
		coded := Quantize(page)
		half, _ := ToHalf(page)
		for _, queryRows := range []int{8, 20, 32} {
			q := mustQuery(b, unitMatrix(r, queryRows, 128))
			matches := make([]Match, 0, queryRows)
			for name, score := range map[string]func(){
				"float32":       func() { q.Score(page) },
				"float32 match": func() { q.Match(matches, page) },
				"float16":       func() { q.ScoreHalf(half) },
				"int8":          func() { q.ScoreInt8(coded) },
				"int8 match":    func() { q.MatchInt8(matches, coded) },
				"int8 refine":   func() { q.Refine(q.MatchInt8(matches, coded), page) },
			} {
				b.Run(fmt.Sprintf("kernel=%s/rows=%d/query=%d/%s", Kernel(), rows, queryRows, name), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						score()
					}
					products := float64(queryRows) * float64(rows) * 128 * float64(b.N)
					b.ReportMetric(products/1e9/b.Elapsed().Seconds(), "Gmac/s")
				})
			}
		}
	}
}

func BenchmarkQuantize(b *testing.B) {
	page := unitMatrix(rand.New(rand.NewPCG(13, 14)), 1030, 128)
	for b.Loop() {
		Quantize(page)
	}
}

func BenchmarkTable(b *testing.B) {
	r := rand.New(rand.NewPCG(11, 12))
	const documents, each = 10000, 100
	q := mustQuery(b, unitMatrix(r, 20, 128))
	for _, centroids := range []int{8192, 16384} {
		codebook := Quantize(unitMatrix(r, centroids, 128))
		ids, offsets := []uint16{}, []uint32{0}
		for range documents {
			for range each {
				ids = append(ids, uint16(r.IntN(centroids)))
			}
			offsets = append(offsets, uint32(len(ids)))
		}
		codes, _ := NewCodes(ids, offsets, centroids)
		var table CentroidTable
		b.Run(fmt.Sprintf("kernel=%s/centroids=%d/build", Kernel(), centroids), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Build(q, codebook)
			}
		})
		b.Run(fmt.Sprintf("kernel=%s/centroids=%d/scan", Kernel(), centroids), func(b *testing.B) {
			b.ReportAllocs()
			var candidates []Candidate
			for b.Loop() {
				candidates = codes.Top(candidates[:0], &table, 50, nil)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/documents, "ns/page")
		})
	}
}
