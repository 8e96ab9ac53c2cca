package maxsim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// nearestByDefinition sorts all centroids for each query row.
func nearestByDefinition(table *CentroidTable, rows, n int) []uint32 {
	var found []uint32
	for row := range rows {
		var all []uint32
		for c := range table.centroids {
			all = append(all, uint32(c))
		}
		slices.SortFunc(all, func(a, b uint32) int {
			return cmp.Or(cmp.Compare(table.entry(int(b), row), table.entry(int(a), row)), cmp.Compare(a, b))
		})
		found = append(found, all[:min(n, len(all))]...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestNearest(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(61, 62))
		var table CentroidTable // reused, as a caller would
		// Of 8 dimensions and 3,000 centroids many entries are equal.
		for _, shape := range [][3]int{{20, 300, 128}, {1, 3, 8}, {33, 3000, 8}, {140, 50, 16}, {32, 40, 128}} {
			table.Build(mustQuery(t, unitMatrix(r, shape[0], shape[2])), Quantize(unitMatrix(r, shape[1], shape[2])))
			for _, n := range []int{1, 2, 7, 64, 5000} {
				require.Equal(t, nearestByDefinition(&table, shape[0], n), table.Nearest(nil, n), "%v, %d", shape, n)
			}
			require.Equal(t, []uint32{9}, table.Nearest([]uint32{9}, 0))
		}
	})
	var table CentroidTable
	require.Empty(t, table.Nearest(nil, 3))
}

func TestNearestOfRowsThatSayNothing(t *testing.T) {
	nan := float32(math.NaN())
	centroids := Quantize(Matrix{Data: []float32{1, 0, -1, 0, 0, 1}, Dim: 2})
	var table CentroidTable
	table.Build(mustQuery(t, Matrix{Data: []float32{nan, 0, 1, 0, nan, 0}, Dim: 2}), centroids)
	require.Equal(t, []uint32{0}, table.Nearest(nil, 1), "rows that are not finite have none")
	table.Build(mustQuery(t, Matrix{Data: []float32{0, 0}, Dim: 2}), centroids)
	require.Equal(t, []uint32{0, 1}, table.Nearest(nil, 2), "all entries are equal")
	table.Build(mustQuery(t, Matrix{Data: []float32{nan, 0}, Dim: 2}), centroids)
	require.Empty(t, table.Nearest(nil, 2))
}

func BenchmarkNearest(b *testing.B) {
	r := rand.New(rand.NewPCG(63, 64))
	q := mustQuery(b, unitMatrix(r, 20, 128))
	for _, centroids := range []int{8192, 65536} {
		var table CentroidTable
		table.Build(q, Quantize(unitMatrix(r, centroids, 128)))
		b.Run(fmt.Sprintf("centroids=%d", centroids), func(b *testing.B) {
			b.ReportAllocs()
			var nearest []uint32
			for b.Loop() {
				nearest = table.Nearest(nearest[:0], 64)
			}
			b.ReportMetric(float64(len(nearest)), "centroids")
		})
	}
}
