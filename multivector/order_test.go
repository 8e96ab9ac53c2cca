package multivector

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

func TestRowsAreFirstThoseOfTheFirstCentroid(t *testing.T) {
	doc := maxsim.Int8Matrix{Codes: []uint8{1, 2, 3, 4, 5, 6, 7, 8}, Scales: []float32{1, 2, 3, 4}, Dim: 2, Residual: 5, Norm: 6}
	codes := codebook.Codes{IDs: []uint32{3, 9}, Counts: []uint16{2, 1}, Rows: []uint16{1, 3, 0}} // row 2 has none
	ordered, of := inOrder(doc, codes)
	require.Equal(t, maxsim.Int8Matrix{
		Codes: []uint8{3, 4, 7, 8, 1, 2, 5, 6}, Scales: []float32{2, 4, 1, 3}, Dim: 2, Residual: 5, Norm: 6,
		Origins: []uint16{1, 3, 0, 2},
	}, ordered)
	require.Equal(t, codebook.Codes{IDs: codes.IDs, Counts: codes.Counts, Rows: []uint16{0, 1, 2}}, of)
	require.Equal(t, []uint16{1, 3, 0}, codes.Rows, "which may lie in a file")
	again, of := inOrder(ordered, of)
	require.Equal(t, ordered, again)
	require.Equal(t, []uint16{0, 1, 2}, of.Rows)
	of.Rows = []uint16{2, 1, 0}
	again, _ = inOrder(ordered, of)
	require.Equal(t, []uint16{0, 3, 1, 2}, again.Origins, "in the document as it was quantized")
}

// TestFilesHaveRowsInTheOrderOfTheirCentroids after the background came to its end, those
// that were written before there were centroids, too, and again after another training.
func TestFilesHaveRowsInTheOrderOfTheirCentroids(t *testing.T) {
	ctx := context.Background()
	few := low
	few.retrainGrowth = 2
	source, r := newMemory(), rand.New(rand.NewPCG(96, 97))
	o := Options{Source: source, Dir: t.TempDir(), idle: true, limits: &few}
	x, err := Open(o)
	require.NoError(t, err)
	generations := map[*generation]bool{}
	for id := range uint64(100) {
		source.put(id, topic(r, id%3))
		require.NoError(t, x.Add(ctx, source.documents(id)...))
		if id%7 == 0 {
			settle(t, x)
			generations[x.generation] = true
		}
	}
	settle(t, x)
	require.Greater(t, len(generations), 2)
	inFiles := 0
	for _, p := range x.parts {
		if p.file == 0 {
			continue
		}
		c := p.coded.Load()
		require.Same(t, x.generation, c.generation)
		require.True(t, c.ordered())
		require.False(t, p.unordered(x.generation))
		for i := range p.Documents() {
			inFiles++
			require.True(t, ascending(c.of(i).Rows))
			requireOrigins(t, p.Document(i), maxsim.Quantize(source.documents(p.ID(i))[0].Vectors))
			assigned, _ := c.generation.codebook.AssignInt8(nil, p.Document(i))
			require.True(t, slices.IsSortedFunc(assigned, cmp.Compare[uint32]), "none is the largest")
		}
	}
	require.Greater(t, inFiles, 50)
	require.NoError(t, x.Close(ctx))
}

// requireOrigins compares the rows of a document, in whatever order, with those that they
// come from.
func requireOrigins(t *testing.T, doc, quantized maxsim.Int8Matrix) {
	t.Helper()
	require.Equal(t, quantized.Rows(), doc.Rows())
	for i := range doc.Rows() {
		require.Equal(t, quantized.AppendRow(nil, int(doc.Origin(i))), doc.AppendRow(nil, i))
	}
}
