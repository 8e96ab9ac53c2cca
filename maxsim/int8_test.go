package maxsim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// scoreCodes is ScoreInt8 as its comments say it, one number after another.
func scoreCodes(query Matrix, doc Int8Matrix) float32 {
	var score float64
	for i := range query.Rows() {
		row := query.Row(i)
		var most float32
		for d := 0; d < len(row); d += 2 {
			pair := float32(math.Abs(float64(row[d])))
			if d+1 < len(row) {
				pair += float32(math.Abs(float64(row[d+1])))
			}
			most = max(most, pair)
		}
		scale := most / 127
		best := float32(math.Inf(-1))
		for j := range doc.Rows() {
			var sum int32
			for d, x := range row {
				code := int32(math.RoundToEven(float64(x) * (1 / float64(scale))))
				sum += code * (int32(doc.Codes[j*doc.Dim+d]) - 128)
			}
			best = max(best, float32(sum)*doc.Scales[j])
		}
		score += float64(best * scale)
	}
	return float32(score)
}

func TestScoreInt8IsBitExact(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(31, 32))
		for _, shape := range [][3]int{{1, 1, 8}, {5, 40, 16}, {20, 100, 128}, {32, 1030, 128}, {65, 33, 320}, {140, 30, 24}, {3, 3, 2048}, {9, 20, 13}} {
			query, doc := unitMatrix(r, shape[0], shape[2]), Quantize(unitMatrix(r, shape[1], shape[2]))
			q := mustQuery(t, query)
			got := q.ScoreInt8(doc)
			require.InDelta(t, scoreCodes(query, doc), got, 0, "%v", shape)
			var sum float64
			for _, match := range q.MatchInt8(nil, doc) {
				sum += float64(match.Score)
			}
			require.InDelta(t, got, float32(sum), 0, "%v", shape)
		}
	})
}

func TestNoPairOfQueryCodesSaturates(t *testing.T) {
	r := rand.New(rand.NewPCG(33, 34))
	for range 1000 {
		row := randomMatrix(r, 1, 16).Data
		for d := range row {
			if r.IntN(4) == 0 {
				row[d] *= 1e4
			}
		}
		codes := make([]uint8, len(row))
		quantizeRow(kernels, codes, row, largestPair(row))
		for d := 0; d < len(codes); d += 2 {
			require.LessOrEqual(t, math.Abs(float64(codes[d])-128)+math.Abs(float64(codes[d+1])-128), 128.0)
		}
	}
}

// matricesOfAllKinds are what a bound must survive: unit vectors, clusters of
// them, numbers of very different magnitude, zeros, denormal numbers.
func matricesOfAllKinds(r *rand.Rand, rows, dim int) map[string]Matrix {
	kinds := map[string]Matrix{
		"unit":     unitMatrix(r, rows, dim),
		"normal":   randomMatrix(r, rows, dim),
		"zero":     {Data: make([]float32, rows*dim), Dim: dim},
		"wild":     randomMatrix(r, rows, dim),
		"denormal": randomMatrix(r, rows, dim),
		"cluster":  unitMatrix(r, rows, dim),
		"spike":    unitMatrix(r, rows, dim),
	}
	for i := range kinds["wild"].Data {
		kinds["wild"].Data[i] *= float32(math.Pow(10, float64(r.IntN(12)-6)))
		kinds["denormal"].Data[i] *= 1e-44
		kinds["cluster"].Data[i] = kinds["cluster"].Data[i]*0.05 + kinds["cluster"].Data[i%dim]
	}
	for i := range rows {
		kinds["spike"].Row(i)[r.IntN(dim)] = 1e6
	}
	return kinds
}

func TestErrorBoundHolds(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(35, 36))
		for range 20 {
			dim := []int{8, 24, 128, 320}[r.IntN(4)]
			docs := matricesOfAllKinds(r, 1+r.IntN(60), dim)
			for queryName, query := range matricesOfAllKinds(r, 1+r.IntN(40), dim) {
				q := mustQuery(t, query)
				for docName, doc := range docs {
					coded := Quantize(doc)
					bound := float64(q.ErrorBound(coded))
					got := float64(q.ScoreInt8(coded))
					exact, _ := reference(query, doc)
					require.LessOrEqual(t, math.Abs(got-float64(q.Score(doc))), bound, "%s, %s", queryName, docName)
					require.LessOrEqual(t, math.Abs(got-exact), bound, "%s, %s, float64", queryName, docName)
				}
			}
		}
	})
}

// A bound that is never near would hold, too. On unit vectors it is below 0.02 for
// every row of the query: a score of 20 rows is known to 0.4.
func TestErrorBoundIsOfUse(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 38))
	q := mustQuery(t, unitMatrix(r, 20, 128))
	require.Less(t, float64(q.ErrorBound(Quantize(unitMatrix(r, 1030, 128)))), 20*0.02)
}

// clusteredPage is unit vectors around 60 centres, and a query that asks for some
// of them: neighbours are as hard to tell apart as on a page. Made up, not a
// model's.
func clusteredPage(r *rand.Rand, queryRows, rows int) (query, page Matrix) {
	const dim = 128
	centres, noise := unitMatrix(r, 60, dim), unitMatrix(r, rows+queryRows, dim)
	all := Matrix{Dim: dim}
	for i := range rows + queryRows {
		row, centre := noise.Row(i), centres.Row(r.IntN(60))
		for d := range row {
			row[d] = 0.4*row[d] + centre[d]
		}
		length := float32(norm(row))
		for _, x := range row {
			all.Data = append(all.Data, x/length)
		}
	}
	return Matrix{Data: all.Data[rows*dim:], Dim: dim}, Matrix{Data: all.Data[:rows*dim], Dim: dim}
}

func TestRefinedScoreIsWithinAThousandth(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(39, 40))
		equal := 0
		for i := range 60 {
			query, doc := clusteredPage(r, 20, 300)
			if i%2 == 0 {
				query, doc = unitMatrix(r, 20, 128), unitMatrix(r, 300, 128)
			}
			q := mustQuery(t, query)
			exact := q.Score(doc)
			refined := q.Refine(q.MatchInt8(nil, Quantize(doc)), doc)
			require.InEpsilon(t, exact, refined, 1e-3)
			require.LessOrEqual(t, refined, exact+1e-5)
			if exact-refined < 1e-5 {
				equal++
			}
		}
		require.Greater(t, equal, 10, "often all rows that are best by codes are best")
		require.Less(t, equal, 60, "codes do lose something")
	})
}

func TestQuantizeRowsThatAreNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	m := Matrix{Data: []float32{1, 2, nan, 5, inf, 1, 0, 0, 3, -4}, Dim: 2}
	doc := Quantize(m)
	require.Equal(t, 5, doc.Rows())
	for i, finite := range []bool{true, false, false, true, true} {
		require.Equal(t, finite, !math.IsNaN(float64(doc.Scales[i])), "row %d", i)
	}
	require.Equal(t, []uint8{128, 128}, doc.Codes[6:8], "zeros")
	require.Equal(t, []uint8{223, 1}, doc.Codes[8:], "95 * 4/127 is 2.99")
	require.InDeltaSlice(t, []float32{7, 3, -4}, doc.AppendRow([]float32{7}, 4), 4.0/254)
	q := mustQuery(t, Matrix{Data: []float32{1, 1}, Dim: 2})
	require.Equal(t, 0, q.MatchInt8(nil, doc)[0].Row, "rows that are not finite are passed over")
}

func TestScoreInt8Runs(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(63, 64))
		page := unitMatrix(r, 100, 128)
		q, doc := mustQuery(t, unitMatrix(r, 45, 128)), Quantize(page)
		require.InDelta(t, q.ScoreInt8(doc), q.ScoreInt8Runs(doc, []Run{{0, 60}, {60, 40}}), 0)
		for _, n := range []int{0, 1, 7, 30} {
			some := Matrix{Dim: 128}
			var runs []Run
			for range n {
				run := Run{First: r.IntN(98), Rows: 1 + r.IntN(3)}
				runs = append(runs, run)
				some.Data = append(some.Data, page.Data[run.First*128:(run.First+run.Rows)*128]...)
			}
			doc.Prefetch(runs)
			require.InDelta(t, q.ScoreInt8(Quantize(some)), q.ScoreInt8Runs(doc, runs), 0)
			require.LessOrEqual(t, q.ScoreInt8Runs(doc, runs), q.ScoreInt8(doc)+float32(45*(1-min(1, n))))
		}
		require.Panics(t, func() { q.ScoreInt8Runs(doc, []Run{{99, 2}}) })
		require.Panics(t, func() { doc.Prefetch([]Run{{99, 2}}) })
	})
}
