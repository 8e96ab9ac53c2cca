package multivector

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

// largePage is 300 rows near ten directions.
func largePage(r *rand.Rand, directions maxsim.Matrix) maxsim.Matrix {
	page := randomMatrix(r, 300, directions.Dim)
	for i := range page.Rows() {
		for d, x := range directions.Row(r.IntN(directions.Rows())) {
			page.Row(i)[d] = x + 0.1*page.Row(i)[d]
		}
	}
	return page
}

// spoil makes nonsense of the rows of a document that cannot be the best one for any row of
// a query, by far.
func spoil(query, page maxsim.Matrix) (spoilt maxsim.Matrix, rows int) {
	products := func(i int) (products []float32) {
		for j := range query.Rows() {
			var sum float32
			for d, x := range query.Row(j) {
				sum += x * page.Row(i)[d]
			}
			products = append(products, sum)
		}
		return products
	}
	best := products(0)
	for i := range page.Rows() {
		for j, x := range products(i) {
			best[j] = max(best[j], x)
		}
	}
	spoilt = maxsim.Matrix{Data: slices.Clone(page.Data), Dim: page.Dim}
	for i := range page.Rows() {
		of := products(i)
		if !slices.ContainsFunc(best, func(x float32) bool { return x <= 0 || of[slices.Index(best, x)] > x/2 }) {
			rows++
			for d := range page.Dim {
				spoilt.Row(i)[d] = 1e6
			}
		}
	}
	return spoilt, rows
}

// TestStoredRowsThatCannotCountAreNotRead of pages in files that were put in order, after
// another start: nonsense in their place does not change a score.
func TestStoredRowsThatCannotCountAreNotRead(t *testing.T) {
	ctx := context.Background()
	few := low
	few.least, few.balanced, few.retrainGrowth = 5, 60, 1000
	r, source := rand.New(rand.NewPCG(111, 112)), newMemory()
	directions := randomMatrix(r, 40, 16)
	o := Options{Source: source, Dir: t.TempDir(), idle: true, limits: &few}
	x, err := Open(o)
	require.NoError(t, err)
	defer func() { require.NoError(t, x.Close(ctx)) }()
	for id := range uint64(70) {
		source.put(id, largePage(r, directions))
		require.NoError(t, x.Add(ctx, source.documents(id)...))
	}
	settle(t, x)
	require.NoError(t, x.Close(ctx))
	for id := range uint64(70) {
		o.Stored = append(o.Stored, id)
	}
	x, err = Open(o)
	require.NoError(t, err)
	settle(t, x)
	asked := maxsim.Matrix{Data: largePage(r, directions).Data[:2*16], Dim: 16}
	query := pack(t, asked)
	for _, p := range x.parts {
		require.NotZero(t, p.file)
		require.True(t, p.coded.Load().ordered())
		for row := range p.Documents() {
			id := p.ID(row)
			ranked := pick{place: place{p, row}, id: id}.rankWithPeaks(query)
			require.True(t, ranked.sound)
			page := source.documents(id)[0].Vectors
			spoilt, rows := spoil(asked, page)
			require.Greater(t, rows, 100)
			source.put(id, spoilt)
			got, err := score(ctx, source, query, ranked)
			require.NoError(t, err)
			require.Equal(t, Result{ID: id, Score: query.Score(page)}, got)
			require.NotEqual(t, query.Score(page), query.Score(spoilt)) //nolint:testifylint // nonsense
			source.put(id, page)
		}
	}
	for range 20 {
		query := pack(t, maxsim.Matrix{Data: largePage(r, directions).Data[:2*16], Dim: 16})
		var trace Trace
		got, err := x.Search(ctx, query, 5, SearchOptions{Trace: &trace})
		require.NoError(t, err)
		require.NotZero(t, trace.Skimmed)
		require.Subset(t, source.bruteForce(query, slices.Collect(x.IDs), x.Len(), nil, nil), got, "with their exact scores")
	}
}

// TestCodesOfOtherVectorsAreNotTrusted with what is read of them.
func TestCodesOfOtherVectorsAreNotTrusted(t *testing.T) {
	r, source := rand.New(rand.NewPCG(113, 114)), newMemory()
	directions := randomMatrix(r, 40, 16)
	page := largePage(r, directions)
	source.put(1, page)
	stored, err := source.Vectors(context.Background(), 1, nil)
	require.NoError(t, err)
	query := pack(t, maxsim.Matrix{Data: page.Data[:2*16], Dim: 16})
	elsewhere := maxsim.Quantize(page)
	for row := range page.Rows() {
		elsewhere.Origins = append(elsewhere.Origins, uint16((row+7)%page.Rows()))
	}
	for name, codes := range map[string]maxsim.Int8Matrix{
		"of its rows in another order": elsewhere,
		"of another page":              maxsim.Quantize(largePage(r, directions)),
	} {
		p := newPart(&inMemory{ids: []uint64{1}, vectors: []maxsim.Int8Matrix{codes}}, 0)
		ranked := pick{place: place{p, 0}, id: 1}.rankWithPeaks(query)
		require.Greater(t, query.Score(page), query.Rescore(codes, ranked.peaks, stored), name)
		require.Equal(t, query.Score(page), ranked.rescore(query, stored), name) //nolint:testifylint // to the last bit
	}
}
