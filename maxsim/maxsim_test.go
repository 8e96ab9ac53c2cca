package maxsim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim/internal/kernel"
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

// everyKernel runs a test with each set of kernels that this processor has.
func everyKernel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	before := kernels
	defer func() { kernels = before }()
	for _, set := range kernel.Sets() {
		kernels = set
		t.Run(set.Name, test)
	}
}

func TestKernelIsTheFirstThatTheProcessorHas(t *testing.T) {
	require.Equal(t, kernel.Sets()[0].Name, Kernel())
	require.Equal(t, kernels, kernelsFor(128))
	require.Equal(t, "portable", kernelsFor(127).Name, "dimensions that no other kernel can score")
}

func TestScoreAndMatchEqualTheReference(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for queryRows := 1; queryRows <= 65; queryRows++ {
			for _, docRows := range []int{0, 1, 2, 3, 4, 5, 33} {
				testScoreAndMatch(t, r, queryRows, docRows, 8)
			}
		}
		// Longer than a block and than a pass, the shape of a page, of models with
		// other dimensions, and dimensions that only the portable kernels score.
		for _, shape := range [][3]int{
			{130, 300, 32},
			{257, 25, 16},
			{40, 700, 128},
			{20, 1030, 128},
			{32, 1030, 128},
			{33, 400, 128},
			{20, 100, 320},
			{3, 30, 2048},
			{65, 30, 2048},
			{5, 33, 1},
			{5, 33, 3},
			{9, 33, 127},
			{9, 33, 129},
		} {
			testScoreAndMatch(t, r, shape[0], shape[1], shape[2])
		}
	})
}

func testScoreAndMatch(t *testing.T, r *rand.Rand, queryRows, docRows, dim int) {
	t.Helper()
	name := fmt.Sprintf("query=%d/doc=%d/dim=%d", queryRows, docRows, dim)
	query, doc := unitMatrix(r, queryRows, dim), unitMatrix(r, docRows, dim)
	want, wantMatches := reference(query, doc)
	q := mustQuery(t, query)
	require.InDelta(t, want, float64(q.Score(doc)), 1e-6*float64(queryRows), name)

	got := q.Match(nil, doc)
	require.Len(t, got, queryRows, name)
	for i, match := range got {
		require.Equal(t, wantMatches[i].Row, match.Row, "%s row %d", name, i)
		require.InDelta(t, wantMatches[i].Score, match.Score, 1e-6, "%s row %d", name, i)
	}

	dots := q.Dots([]float32{7}, doc)
	require.Len(t, dots, 1+docRows*queryRows)
	for i := range docRows {
		for j := range queryRows {
			require.InDelta(t, dot64(query.Row(j), doc.Row(i)), float64(dots[1+i*queryRows+j]), 1e-6, name)
		}
	}
}

// Weaviate keeps two bytes before each row, so that nothing is aligned.
func TestScoreStridedIsTheScoreOfTheMatrix(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 24))
		for _, shape := range [][3]int{{1, 1, 8}, {20, 100, 128}, {32, 1030, 128}, {50, 300, 64}, {5, 9, 2048}, {7, 40, 13}} {
			q, doc := mustQuery(t, unitMatrix(r, shape[0], shape[2])), unitMatrix(r, shape[1], shape[2])
			rows := recordOf(doc)
			require.Equal(t, doc.Rows(), rows.Rows())
			require.InDelta(t, q.Score(doc), q.ScoreStrided(rows), 0, "%v", shape)
			require.Equal(t, doc, rows.Matrix())
		}
		q := mustQuery(t, unitMatrix(r, 3, 8))
		require.Zero(t, q.ScoreStrided(Strided{}))
		require.Zero(t, q.ScoreStrided(Strided{Dim: 8, Stride: 34, Data: make([]byte, 31)}))
		require.Panics(t, func() { q.ScoreStrided(Strided{Dim: 4, Stride: 16, Data: make([]byte, 32)}) })
	})
}

func dot64(x, y []float32) float64 {
	var sum float64
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

// All kernels but the portable ones add in one order, with one rounding a step.
func TestScoresAreTheSameOnEveryProcessor(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	query, page := unitMatrix(r, 21, 128), unitMatrix(r, 333, 128)
	coded := Quantize(page)
	var exact, codes []float32
	everyKernel(t, func(t *testing.T) {
		q := mustQuery(t, query)
		if Kernel() != "portable" {
			exact = append(exact, q.Score(page))
		}
		codes = append(codes, q.ScoreInt8(coded))
		for _, score := range exact {
			require.InDelta(t, exact[0], score, 0)
		}
		for _, score := range codes {
			require.InDelta(t, codes[0], score, 0)
		}
	})
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
	everyKernel(t, testScoreDependsOnNoNeighbour)
}

func testScoreDependsOnNoNeighbour(t *testing.T) {
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
	tests := map[string]struct {
		doc  []float32
		want float32
	}{
		"NaN rows are passed over":    {doc: []float32{nan, 3, nan}, want: 6},
		"only NaN adds nothing":       {doc: []float32{nan, nan, nan}, want: 0},
		"an infinity is the largest":  {doc: []float32{1, inf}, want: inf},
		"minus infinity adds nothing": {doc: []float32{-inf}, want: 0},
		"denormal numbers are exact":  {doc: []float32{math.SmallestNonzeroFloat32}, want: 2 * math.SmallestNonzeroFloat32},
		"negative scores are allowed": {doc: []float32{-4, -3}, want: -6},
	}
	everyKernel(t, func(t *testing.T) {
		for name, test := range tests {
			require.InDelta(t, test.want, q.Score(Matrix{Data: test.doc, Dim: 1}), 0, name)

			// The same in the first of eight dimensions, which every kernel scores.
			query, doc := Matrix{Data: make([]float32, 16), Dim: 8}, Matrix{Data: make([]float32, 8*len(test.doc)), Dim: 8}
			query.Data[0], query.Data[8] = 1, 1
			for i, x := range test.doc {
				doc.Data[8*i] = x
			}
			wide := mustQuery(t, query)
			require.InDelta(t, test.want, wide.Score(doc), 0, name)
			var sum float32
			for _, match := range wide.Match(nil, doc) {
				sum += match.Score
			}
			require.InDelta(t, test.want, sum, 0, name)
		}
	})
}

func TestAQueryRowWithoutNumbersAddsNothing(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		query := Matrix{Data: make([]float32, 3*8), Dim: 8}
		query.Data[0], query.Data[8], query.Data[16] = 1, float32(math.NaN()), 1
		page := Matrix{Data: []float32{2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0}, Dim: 8}
		q := mustQuery(t, query)
		require.InDelta(t, 6, q.Score(page), 0)
		require.InDelta(t, 6, q.ScoreInt8(Quantize(page)), 1e-6)
		require.Equal(t, []Match{{1, 3}, {-1, 0}, {1, 3}}, q.Match(nil, page))
		matches := q.MatchInt8(nil, Quantize(page))
		require.Equal(t, Match{Row: -1}, matches[1])
		require.InDelta(t, 6, q.Refine(matches, page), 0)
	})
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
	require.Panics(t, func() { q.Dots(nil, doc) })
	require.Panics(t, func() { q.ScoreInt8(Quantize(doc)) })
	require.Panics(t, func() { q.MatchInt8(nil, Quantize(doc)) })
	require.Panics(t, func() { q.Refine(nil, doc) })
	half, err := ToHalf(doc)
	require.NoError(t, err)
	require.Panics(t, func() { q.ScoreHalf(half) })
	require.Panics(t, func() { new(CentroidTable).Build(q, Quantize(doc)) })
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
	if raceDetector {
		t.Skip("with the race detector sync.Pool forgets at random what it was given")
	}
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		q, doc := mustQuery(t, randomMatrix(r, 21, 64)), randomMatrix(r, 51, 64)
		half, err := ToHalf(doc)
		require.NoError(t, err)
		coded := Quantize(doc)
		codes, err := NewCodes([]uint16{0, 50, 3, 7}, []uint32{0, 2, 3, 4}, 51)
		require.NoError(t, err)
		var table CentroidTable
		table.Build(q, coded)
		var peaks Peaks
		matches, dots, candidates := make([]Match, 0, q.Rows()), make([]float32, 0, 21*51), make([]Candidate, 0, 3)
		for name, score := range map[string]func(){
			"Score":     func() { q.Score(doc) },
			"ScoreHalf": func() { q.ScoreHalf(half) },
			"Match":     func() { q.Match(matches, doc) },
			"Dots":      func() { q.Dots(dots, doc) },
			"ScoreInt8": func() { q.ScoreInt8(coded) },
			"Rescore": func() {
				q.ScoreInt8Peaks(coded, &peaks)
				q.Rescore(coded, &peaks, doc.strided())
			},
			"Refine": func() { q.Refine(q.MatchInt8(matches, coded), doc) },
			"Build":  func() { table.Build(q, coded) },
			"Top":    func() { codes.Top(candidates, &table, 3, nil) },
		} {
			require.Zero(t, testing.AllocsPerRun(100, score), name)
		}
	})
}

// Whoever scores first packs the rows; the others wait for it.
func TestScoreByManyAtOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(27, 28))
	query, doc := unitMatrix(r, 140, 64), unitMatrix(r, 50, 64)
	coded := Quantize(doc)
	want, want8 := mustQuery(t, query).Score(doc), mustQuery(t, query).ScoreInt8(coded)
	q := mustQuery(t, query)
	var scores [16]float32
	var workers sync.WaitGroup
	for i := range scores {
		workers.Go(func() {
			if i%2 == 0 {
				scores[i] = q.Score(doc)
			} else {
				scores[i] = q.ScoreInt8(coded)
			}
		})
	}
	workers.Wait()
	for i, score := range scores {
		require.InDelta(t, [2]float32{want, want8}[i%2], score, 0)
	}
}

func FuzzScore(f *testing.F) {
	f.Add(uint64(1), uint8(3), uint8(5), uint8(8), float32(1))
	f.Add(uint64(2), uint8(4), uint8(0), uint8(1), float32(-1e12))
	f.Add(uint64(3), uint8(33), uint8(2), uint8(127), float32(math.NaN()))
	f.Add(uint64(4), uint8(41), uint8(30), uint8(64), float32(math.Inf(-1)))
	f.Fuzz(func(t *testing.T, seed uint64, queryRows, docRows, dim uint8, odd float32) {
		if queryRows == 0 || dim == 0 {
			return
		}
		r := rand.New(rand.NewPCG(seed, seed))
		query, doc := randomMatrix(r, int(queryRows), int(dim)), randomMatrix(r, int(docRows), int(dim))
		if len(doc.Data) > 0 {
			doc.Data[r.IntN(len(doc.Data))] = odd
		}
		everyKernel(t, func(t *testing.T) { testFuzzed(t, query, doc, odd) })
	})
}

func testFuzzed(t *testing.T, query, doc Matrix, odd float32) {
	t.Helper()
	q, coded := mustQuery(t, query), Quantize(doc)
	got := q.Score(doc)
	if math.Abs(float64(odd)) <= MaxMagnitude {
		want, _ := reference(query, doc)
		scale := float64(len(query.Data)) * max(1, math.Abs(float64(odd)))
		require.InDelta(t, want, got, 1e-5*scale)
		require.InDelta(t, got, q.ScoreInt8(coded), float64(q.ErrorBound(coded)))
	}
	var sum float64
	for _, match := range q.Match(nil, doc) {
		require.Less(t, match.Row, doc.Rows())
		sum += float64(match.Score)
	}
	if !math.IsInf(sum, 0) && !math.IsNaN(sum) {
		require.InDelta(t, sum, got, 1e-5*max(1, math.Abs(sum))*float64(query.Rows()))
	}
	for _, match := range q.MatchInt8(nil, coded) {
		require.Less(t, match.Row, doc.Rows())
	}
	requireRescored(t, query, doc, coded, "")
}
