package maxsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is MaxSim as its definition says it, in float64.
func reference(query, doc Matrix) (score float64, matches []Match) {
	for i := range query.Rows() {
		best, row := math.Inf(-1), -1
		for j := range doc.Rows() {
			var dot float64
			for d, x := range query.Row(i) {
				dot += float64(x) * float64(doc.Row(j)[d])
			}
			if dot > best {
				best, row = dot, j
			}
		}
		if row < 0 {
			best = 0
		}
		score += best
		matches = append(matches, Match{Row: row, Score: float32(best)})
	}
	return score, matches
}

func randomMatrix(r *rand.Rand, rows, dim int) Matrix {
	m := Matrix{Data: make([]float32, rows*dim), Dim: dim}
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

func mustQuery(t testing.TB, m Matrix) *Query {
	t.Helper()
	q, err := NewQuery(m)
	require.NoError(t, err)
	return q
}

func TestScoreAndMatchEqualTheReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	// Around the group of 4 query rows, the pair of document rows, and the shape
	// of a real page (1030 x 128) and of models with other dimensions.
	for _, queryRows := range []int{1, 2, 3, 4, 5, 7, 8, 9, 20, 65} {
		for _, docRows := range []int{0, 1, 2, 3, 4, 5, 33} {
			for _, dim := range []int{1, 2, 3, 7, 8, 127, 128, 129, 320} {
				name := fmt.Sprintf("query=%d/doc=%d/dim=%d", queryRows, docRows, dim)
				query, doc := randomMatrix(r, queryRows, dim), randomMatrix(r, docRows, dim)
				want, wantMatches := reference(query, doc)
				q := mustQuery(t, query)

				require.InDelta(t, want, q.Score(doc), 1e-5*float64(queryRows*dim), name)

				got := q.Match(nil, doc)
				require.Len(t, got, queryRows, name)
				for i, match := range got {
					require.Equal(t, wantMatches[i].Row, match.Row, "%s row %d", name, i)
					require.InDelta(t, wantMatches[i].Score, match.Score, 1e-5*float64(dim), "%s row %d", name, i)
				}
			}
		}
	}
}

func TestScoreOfAPage(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	query, page := randomMatrix(r, 32, 128), randomMatrix(r, 1030, 128)
	want, _ := reference(query, page)
	require.InEpsilon(t, want, mustQuery(t, query).Score(page), 1e-5)
}

// A page as query adds up a thousand dot products of nearly 1: the sum must not lose decimals.
func TestScoreOfAPageWithAPage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	page, twin := randomMatrix(r, 1030, 128), Matrix{Dim: 128}
	for i := range page.Rows() {
		row := page.Row(i)
		var square float64
		for _, x := range row {
			square += float64(x) * float64(x)
		}
		for d, x := range row {
			row[d] = float32(float64(x) / math.Sqrt(square))
			twin.Data = append(twin.Data, row[d]*0.999)
		}
	}
	want, _ := reference(page, twin)
	require.InEpsilon(t, want, mustQuery(t, page).Score(twin), 2e-7)
}

func TestScoreDependsOnNoNeighbour(t *testing.T) {
	// The last row of an odd count goes another way through the code. A document
	// must score the same to the bit wherever its best row stands.
	r := rand.New(rand.NewPCG(5, 6))
	const dim = 128
	query := randomMatrix(r, 6, dim)
	row := randomMatrix(r, 1, dim).Data
	zeros := make([]float32, dim)
	for i := range row { // make it the best row for query row 0 at least
		row[i] = query.Data[i]
	}
	q := mustQuery(t, query)
	odd := q.Match(nil, Matrix{Data: row, Dim: dim})
	first := q.Match(nil, Matrix{Data: append(append([]float32{}, row...), zeros...), Dim: dim})
	second := q.Match(nil, Matrix{Data: append(append([]float32{}, zeros...), row...), Dim: dim})
	require.InDelta(t, odd[0].Score, first[0].Score, 0)
	require.InDelta(t, odd[0].Score, second[0].Score, 0)
	require.Equal(t, []int{0, 0, 1}, []int{odd[0].Row, first[0].Row, second[0].Row})
}

func TestMatchTakesTheFirstOfEqualRows(t *testing.T) {
	q := mustQuery(t, Matrix{Data: []float32{1, 0}, Dim: 2})
	same := Matrix{Data: []float32{0, 1, 1, 0, 1, 0}, Dim: 2}
	require.Equal(t, []Match{{Row: 1, Score: 1}}, q.Match(nil, same))
}

func TestNumbersThatAreNotFinite(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	q := mustQuery(t, Matrix{Data: []float32{1, 1}, Dim: 1})
	for name, test := range map[string]struct {
		doc  []float32
		want float32
	}{
		"NaN rows are passed over":    {doc: []float32{nan, 3, nan}, want: 6},
		"only NaN adds nothing":       {doc: []float32{nan, nan, nan}, want: 0},
		"an infinity is the largest":  {doc: []float32{1, inf}, want: inf},
		"minus infinity adds nothing": {doc: []float32{-inf}, want: 0},
		"denormal numbers are exact":  {doc: []float32{math.SmallestNonzeroFloat32}, want: 2 * math.SmallestNonzeroFloat32},
		"negative scores are allowed": {doc: []float32{-4, -3}, want: -6},
	} {
		t.Run(name, func(t *testing.T) {
			require.InDelta(t, test.want, q.Score(Matrix{Data: test.doc, Dim: 1}), 0)
		})
	}
}

func TestCheckedMatricesCannotOverflow(t *testing.T) {
	largest := float64(MaxRows) * float64(MaxDim) * MaxMagnitude * MaxMagnitude
	require.Less(t, largest, float64(math.MaxFloat32))
}

func TestNewQueryRefusesAnEmptyMatrix(t *testing.T) {
	_, err := NewQuery(Matrix{Dim: 128})
	require.ErrorIs(t, err, ErrEmpty)
	_, err = NewQuery(Matrix{})
	require.ErrorIs(t, err, ErrEmpty)
}

func TestScorePanicsOnOtherDimensions(t *testing.T) {
	q := mustQuery(t, Matrix{Data: []float32{1, 2}, Dim: 2})
	doc := Matrix{Data: []float32{1, 2, 3}, Dim: 3}
	require.Panics(t, func() { q.Score(doc) })
	require.Panics(t, func() { q.Match(nil, doc) })
}

func TestFromRows(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for name, test := range map[string]struct {
		rows    [][]float32
		want    error
		message string
	}{
		"nil":                  {rows: nil, want: ErrEmpty, message: "no rows"},
		"no rows":              {rows: [][]float32{}, want: ErrEmpty, message: "no rows"},
		"rows without numbers": {rows: [][]float32{{}, {}}, want: ErrEmpty, message: "first row"},
		"ragged":               {rows: [][]float32{{1, 2}, {3}}, want: ErrRagged, message: "row 1 has 1 dimensions, row 0 has 2"},
		"ragged by an empty":   {rows: [][]float32{{1, 2}, {}}, want: ErrRagged, message: "row 1 has 0"},
		"NaN":                  {rows: [][]float32{{1, 2}, {3, nan}}, want: ErrNotFinite, message: "NaN at row 1, dimension 1"},
		"Inf":                  {rows: [][]float32{{inf, 2}}, want: ErrNotFinite, message: "+Inf at row 0, dimension 0"},
		"-Inf":                 {rows: [][]float32{{1, -inf}}, want: ErrNotFinite},
		"beyond the magnitude": {rows: [][]float32{{1, -2e12}}, want: ErrNotFinite, message: "1e+12"},
		"too many rows":        {rows: make([][]float32, MaxRows+1), want: ErrTooLarge, message: "65536 rows"},
		"too many dimensions":  {rows: [][]float32{make([]float32, MaxDim+1)}, want: ErrTooLarge, message: "65536 dimensions"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := FromRows(test.rows)
			require.ErrorIs(t, err, test.want)
			require.ErrorContains(t, err, test.message)
			_, err = Check(test.rows)
			require.ErrorIs(t, err, test.want)
		})
	}

	rows := [][]float32{{1, 2, 3}, {4, 5, 6}}
	m, err := FromRows(rows)
	require.NoError(t, err)
	require.Equal(t, Matrix{Data: []float32{1, 2, 3, 4, 5, 6}, Dim: 3}, m)
	require.Equal(t, 2, m.Rows())
	require.Equal(t, []float32{4, 5, 6}, m.Row(1))

	rows[0][0] = 9
	require.Equal(t, []float32{1, 2, 3}, m.Row(0), "the matrix is a copy")
}

func TestScoringAllocatesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	q, doc := mustQuery(t, randomMatrix(r, 21, 64)), randomMatrix(r, 51, 64)
	matches := make([]Match, 0, q.Rows())
	require.Zero(t, testing.AllocsPerRun(10, func() { q.Score(doc) }))
	require.Zero(t, testing.AllocsPerRun(10, func() { q.Match(matches, doc) }))
}

func FuzzScore(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(5), uint8(8), float32(1))
	f.Add(uint64(2), uint8(4), uint8(0), uint8(1), float32(-1e12))
	f.Add(uint64(3), uint8(33), uint8(2), uint8(127), float32(math.NaN()))
	f.Fuzz(func(t *testing.T, seed uint64, queryRows, docRows, dim uint8, odd float32) {
		if queryRows == 0 || dim == 0 {
			return
		}
		r := rand.New(rand.NewPCG(seed, seed))
		query, doc := randomMatrix(r, int(queryRows), int(dim)), randomMatrix(r, int(docRows), int(dim))
		if len(doc.Data) > 0 {
			doc.Data[r.IntN(len(doc.Data))] = odd
		}
		q := mustQuery(t, query)
		got := q.Score(doc)

		if math.Abs(float64(odd)) <= MaxMagnitude {
			want, _ := reference(query, doc)
			scale := float64(queryRows) * float64(dim) * max(1, math.Abs(float64(odd)))
			require.InDelta(t, want, got, 1e-5*scale)
		}
		var sum float64
		for _, match := range q.Match(nil, doc) {
			require.Less(t, match.Row, int(docRows))
			sum += float64(match.Score)
		}
		if !math.IsInf(sum, 0) && !math.IsNaN(sum) {
			require.InDelta(t, sum, got, 1e-5*max(1, math.Abs(sum))*float64(queryRows))
		}
	})
}

func BenchmarkScore(b *testing.B) {
	r := rand.New(rand.NewPCG(9, 10))
	page := randomMatrix(r, 1030, 128)
	for _, queryRows := range []int{8, 20, 32} {
		b.Run(fmt.Sprintf("kernel=portable/query=%d/doc=1030/dim=128", queryRows), func(b *testing.B) {
			q := mustQuery(b, randomMatrix(r, queryRows, 128))
			b.ReportAllocs()
			for b.Loop() {
				q.Score(page)
			}
			products := float64(queryRows) * 1030 * 128 * float64(b.N)
			b.ReportMetric(products/1e9/b.Elapsed().Seconds(), "Gmac/s")
		})
	}
}
