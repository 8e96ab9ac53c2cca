package maxsim

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// shuffled is the codes of a document with its rows in another order.
func shuffled(r *rand.Rand, doc Matrix) Int8Matrix {
	coded := Quantize(doc)
	moved := coded
	moved.Codes, moved.Scales, moved.Origins = nil, nil, []uint16{}
	for _, row := range r.Perm(doc.Rows()) {
		moved.Codes = append(moved.Codes, coded.Codes[row*doc.Dim:(row+1)*doc.Dim]...)
		moved.Scales = append(moved.Scales, coded.Scales[row])
		moved.Origins = append(moved.Origins, uint16(row))
	}
	return moved
}

// recordOf is rows as Weaviate keeps them, two bytes before each.
func recordOf(doc Matrix) Strided {
	record := []byte{}
	for i := range doc.Rows() {
		record = append(record, 0xff, 0xff)
		for _, x := range doc.Row(i) {
			record = binary.LittleEndian.AppendUint32(record, math.Float32bits(x))
		}
	}
	return Strided{Data: record[min(2, len(record)):], Dim: doc.Dim, Stride: 4*doc.Dim + 2}
}

// requireRescored compares bits, as scores may be NaN.
func requireRescored(t *testing.T, query, doc Matrix, coded Int8Matrix, of string) {
	t.Helper()
	q, stored := mustQuery(t, query), recordOf(doc)
	var peaks Peaks
	got, want := q.ScoreInt8Peaks(coded, &peaks), q.ScoreInt8(coded)
	require.Equal(t, math.Float32bits(want), math.Float32bits(got), of)
	got, want = q.Rescore(coded, &peaks, stored), q.ScoreStrided(stored)
	require.Equal(t, math.Float32bits(want), math.Float32bits(got), of)
}

func TestRescoreIsTheScoreOfAllRows(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(71, 72))
		for range 5 {
			dim := []int{8, 24, 128, 320}[r.IntN(4)]
			docs := matricesOfAllKinds(r, leastPeaked-1+r.IntN(100), dim)
			for queryName, query := range matricesOfAllKinds(r, 1+r.IntN(80), dim) {
				for docName, doc := range docs {
					requireRescored(t, query, doc, shuffled(r, doc), queryName+", "+docName)
					requireRescored(t, query, doc, Quantize(doc), queryName+", in order, "+docName)
				}
			}
		}
		for _, rows := range []int{1, 22, 64, 65, 140} {
			query, page := clusteredPage(r, rows, 1030)
			requireRescored(t, query, page, shuffled(r, page), "page")
		}
		requireRescored(t, unitMatrix(r, 3, 8), Matrix{Dim: 8}, Int8Matrix{Dim: 8}, "empty")
	})
}

// TestRescoreDoesNotReadRowsThatCannotCount, told by making nonsense of them.
func TestRescoreDoesNotReadRowsThatCannotCount(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(73, 74))
		query, page := clusteredPage(r, 22, 1030)
		q, coded := mustQuery(t, query), shuffled(r, page)
		want := q.Score(page)
		least := make([]float64, query.Rows())
		for i, match := range q.MatchInt8(nil, coded) {
			least[i] = float64(match.Score) - 2.1*q.errorOf(q.i8().codes[i], coded)
		}
		var peaks Peaks
		q.ScoreInt8Peaks(coded, &peaks)
		nonsense := 0
		for i := range coded.Rows() {
			of := coded.AppendRow(nil, i)
			counts := false
			for j := range query.Rows() {
				counts = counts || dot64(query.Row(j), of) > least[j]
			}
			if !counts {
				nonsense++
				for d := range page.Dim {
					page.Row(int(coded.Origins[i]))[d] = 1e9
				}
			}
		}
		require.Greater(t, nonsense, 700)
		require.InDelta(t, want, q.Rescore(coded, &peaks, recordOf(page)), 0)
		require.NotEqual(t, want, q.Score(page))
	})
}

// TestRescoreReadsAllWhereCodesDoNotTell which stored rows they are of.
func TestRescoreReadsAllWhereCodesDoNotTell(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(75, 76))
		query, page := clusteredPage(r, 22, 500)
		for name, change := range map[string]func(page *Matrix, coded *Int8Matrix){
			"unknown origins": func(_ *Matrix, coded *Int8Matrix) {
				coded.Origins = slices.Repeat([]uint16{NoOrigin}, coded.Rows())
			},
			"origins behind the end": func(_ *Matrix, coded *Int8Matrix) {
				for i := range coded.Origins {
					coded.Origins[i] += 500
				}
			},
			"fewer stored rows": func(page *Matrix, _ *Int8Matrix) { page.Data = page.Data[:400*128] },
			"more stored rows":  func(page *Matrix, _ *Int8Matrix) { page.Data = append(page.Data, page.Data...) },
			"no stored rows":    func(page *Matrix, _ *Int8Matrix) { page.Data = nil },
			"an infinite row": func(page *Matrix, coded *Int8Matrix) {
				page.Row(7)[3] = float32(math.Inf(1))
				*coded = shuffled(r, *page)
			},
			"a row of NaN": func(page *Matrix, coded *Int8Matrix) {
				page.Row(7)[3] = float32(math.NaN())
				*coded = shuffled(r, *page)
			},
			"an endless norm":     func(_ *Matrix, coded *Int8Matrix) { coded.Norm = float32(math.Inf(1)) },
			"an endless residual": func(_ *Matrix, coded *Int8Matrix) { coded.Residual = float32(math.Inf(1)) },
		} {
			doc := Matrix{Data: slices.Clone(page.Data), Dim: page.Dim}
			coded := shuffled(r, doc)
			change(&doc, &coded)
			requireRescored(t, query, doc, coded, name)
		}
		q := mustQuery(t, query)
		var peaks Peaks
		require.InDelta(t, q.Score(page), q.Rescore(shuffled(r, page), &peaks, recordOf(page)), 0, "no peaks")
		require.Panics(t, func() { q.Rescore(Int8Matrix{Dim: 8}, &peaks, recordOf(unitMatrix(r, 3, 8))) })
		query.Row(3)[0] = float32(math.NaN())
		requireRescored(t, query, page, shuffled(r, page), "a query row of NaN")
		clear(query.Row(3))
		requireRescored(t, query, page, shuffled(r, page), "a query row of zeros")
	})
}
