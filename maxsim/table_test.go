package maxsim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// entry is what the table has for a centroid and a query row.
func (t *CentroidTable) entry(centroid, row int) float64 {
	return float64(t.entries[centroid<<t.shift+row])
}

func TestTableEntriesAreWithinHalfAStep(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(51, 52))
		var table CentroidTable // reused, as a caller would
		for _, shape := range [][3]int{{70, 300, 64}, {20, 500, 128}, {1, 3, 8}, {32, 40, 128}, {33, 40, 128}, {140, 50, 16}, {6, 20, 13}} {
			query, codebook := unitMatrix(r, shape[0], shape[2]), unitMatrix(r, shape[1], shape[2])
			q, centroids := mustQuery(t, query), Quantize(codebook)
			table.Build(q, centroids)
			var clipped int
			for c := range shape[1] {
				for row := range shape[0] {
					e := table.entry(c, row)
					got := e*table.step() - table.most
					// Half a step, and what the codes lose.
					require.InDelta(t, dot64(query.Row(row), codebook.Row(c)), got, table.step()/2+0.03, "%v", shape)
					if e == 0 || e == 255 {
						clipped++
					}
				}
				for lane := shape[0]; lane < 1<<table.shift; lane++ {
					require.Zero(t, table.entries[c<<table.shift+lane], "lanes of no row add nothing")
				}
			}
			require.LessOrEqual(t, clipped, shape[0]*shape[1]/100)
		}
	})
}

func TestTableOfARowThatIsNotFinite(t *testing.T) {
	query := Matrix{Data: []float32{1, 0, float32(math.NaN()), 0}, Dim: 2}
	centroids := Quantize(Matrix{Data: []float32{1, 0, -1, 0}, Dim: 2})
	var table CentroidTable
	table.Build(mustQuery(t, query), centroids)
	require.Equal(t, []float64{255, 0, 0, 0}, []float64{table.entry(0, 0), table.entry(1, 0), table.entry(0, 1), table.entry(1, 1)})
	require.InDelta(t, 1, table.Estimate(255), 1e-6)
	require.InDelta(t, -1, table.Estimate(0), 1e-6)
}

func randomCodes[ID uint16 | uint32](t testing.TB, r *rand.Rand, documents, centroids int) Codes[ID] {
	t.Helper()
	ids, offsets := []ID{}, []uint32{0}
	for range documents {
		for range r.IntN(40) {
			ids = append(ids, ID(r.IntN(centroids)))
		}
		offsets = append(offsets, uint32(len(ids)))
	}
	codes, err := NewCodes(ids, offsets, centroids)
	require.NoError(t, err)
	require.Equal(t, documents, codes.Documents())
	return codes
}

// topByDefinition scores every document number by number.
func topByDefinition[ID uint16 | uint32](table *CentroidTable, codes Codes[ID], n int, documents []uint32) []Candidate {
	var all []Candidate
	for _, document := range documents {
		var sum float64
		for row := range 1 << table.shift {
			var best float64
			for _, id := range codes.ids[codes.offsets[document]:codes.offsets[document+1]] {
				best = max(best, table.entry(int(id), row))
			}
			sum += best
		}
		all = append(all, Candidate{Document: document, Sum: uint32(sum)})
	}
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Document, b.Document))
	})
	return all[:min(n, len(all))]
}

func TestTop(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		testTop[uint16](t, 20)
		testTop[uint32](t, 20)
		testTop[uint16](t, 70)
	})
}

func testTop[ID uint16 | uint32](t *testing.T, queryRows int) {
	t.Helper()
	r := rand.New(rand.NewPCG(53, 54))
	const documents, centroids = 1000, 50 // few centroids: many equal sums
	var table CentroidTable
	table.Build(mustQuery(t, unitMatrix(r, queryRows, 32)), Quantize(unitMatrix(r, centroids, 32)))
	codes := randomCodes[ID](t, r, documents, centroids)
	var all, some []uint32
	for i := range uint32(documents) {
		all = append(all, i)
		if i%3 == 1 {
			some = append(some, i)
		}
	}
	for _, n := range []int{1, 2, 7, 50, 300, 999, 1000, 5000} {
		require.ElementsMatch(t, topByDefinition(&table, codes, n, all), codes.Top(nil, &table, n, nil))
		require.ElementsMatch(t, topByDefinition(&table, codes, n, some), codes.Top(nil, &table, n, some))
	}
	require.Empty(t, codes.Top(nil, &table, 0, nil))
	require.Empty(t, codes.Top(nil, &table, 10, []uint32{}), "a list of no documents is not all of them")
	require.Panics(t, func() { codes.Top(nil, &table, 10, []uint32{3, documents}) })
}

// TestPartition cuts keys in every order and at every place.
func TestPartition(t *testing.T) {
	r := rand.New(rand.NewPCG(57, 59))
	for size := range 40 {
		for range 50 {
			keys := make([]uint64, size)
			for i, key := range r.Perm(size) {
				keys[i] = uint64(key)
			}
			switch r.IntN(4) {
			case 0:
				slices.Sort(keys)
			case 1:
				slices.SortFunc(keys, func(a, b uint64) int { return cmp.Compare(b, a) })
			}
			for n := 1; n <= size; n++ {
				cut := slices.Clone(keys)
				partition(cut, n)
				require.Equal(t, uint64(n-1), cut[n-1])
				require.Equal(t, uint64(n-1), slices.Max(cut[:n]))
				require.ElementsMatch(t, keys, cut)
			}
		}
	}
}

// TestNear compares marks with their definition, for queries of one and of three chunks.
func TestNear(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		testNear[uint16](t, 20)
		testNear[uint32](t, 20)
		testNear[uint16](t, 70)
	})
}

func testNear[ID uint16 | uint32](t *testing.T, queryRows int) {
	t.Helper()
	r := rand.New(rand.NewPCG(61, 62))
	var table CentroidTable
	table.Build(mustQuery(t, unitMatrix(r, queryRows, 32)), Quantize(unitMatrix(r, 300, 32)))
	codes := randomCodes[ID](t, r, 50, 300)
	for document := range codes.Documents() {
		ids := codes.ids[codes.offsets[document]:codes.offsets[document+1]]
		for _, margin := range []int{1, 5, 30} {
			want := make([]uint8, len(ids))
			for row := range queryRows {
				best := 0.0
				for _, id := range ids {
					best = max(best, table.entry(int(id), row))
				}
				for i, id := range ids {
					if table.entry(int(id), row) > max(0, best-float64(margin)) {
						want[i] = 1
					}
				}
			}
			got := slices.Repeat([]uint8{9}, len(ids)+1)
			codes.Near(got, &table, document, margin)
			require.Equal(t, append(want, 9), got)
		}
	}
}

func TestTopNeedsATableOfAllCentroids(t *testing.T) {
	r := rand.New(rand.NewPCG(55, 56))
	var table CentroidTable
	table.Build(mustQuery(t, unitMatrix(r, 3, 8)), Quantize(unitMatrix(r, 9, 8)))
	codes := randomCodes[uint16](t, r, 5, 10)
	require.Panics(t, func() { codes.Top(nil, &table, 1, nil) })
	require.Panics(t, func() { codes.Near(make([]uint8, 99), &table, 0, 1) })
}

// The table's order is the order of the best centroids' exact dot products, but for
// what a byte and the codes lose.
func TestEstimateIsNearTheExactCentroidScore(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(57, 58))
		query, codebook := unitMatrix(r, 20, 128), unitMatrix(r, 200, 128)
		q := mustQuery(t, query)
		var table CentroidTable
		table.Build(q, Quantize(codebook))
		codes := randomCodes[uint16](t, r, 100, 200)
		for _, candidate := range codes.Top(nil, &table, 100, nil) {
			doc := Matrix{Dim: 128}
			for _, id := range codes.ids[codes.offsets[candidate.Document]:codes.offsets[candidate.Document+1]] {
				doc.Data = append(doc.Data, codebook.Row(int(id))...)
			}
			if doc.Rows() == 0 {
				require.Zero(t, candidate.Sum)
				continue
			}
			require.InDelta(t, q.Score(doc), table.Estimate(candidate.Sum), 20*0.005)
		}
	})
}

func TestNewCodesRefusesDamage(t *testing.T) {
	for name, test := range map[string]struct {
		ids     []uint16
		offsets []uint32
		message string
	}{
		"no offsets":         {ids: nil, offsets: nil, message: "do not span the 0 ids"},
		"begins late":        {ids: []uint16{1, 2}, offsets: []uint32{1, 2}, message: "do not span"},
		"ends early":         {ids: []uint16{1, 2}, offsets: []uint32{0, 1}, message: "do not span the 2 ids"},
		"ends late":          {ids: []uint16{1, 2}, offsets: []uint32{0, 3}, message: "do not span"},
		"goes back":          {ids: []uint16{1, 2}, offsets: []uint32{0, 2, 1, 2}, message: "document 1 ends before it begins"},
		"names no centroid":  {ids: []uint16{1, 9}, offsets: []uint32{0, 2}, message: "id 9 at 1, but there are 9 centroids"},
		"no centroid at all": {ids: []uint16{0}, offsets: []uint32{0, 1}, message: "id 0"},
	} {
		t.Run(name, func(t *testing.T) {
			centroids := 9
			if name == "no centroid at all" {
				centroids = 0
			}
			_, err := NewCodes(test.ids, test.offsets, centroids)
			require.ErrorIs(t, err, ErrCodes)
			require.ErrorContains(t, err, test.message)
		})
	}
	codes, err := NewCodes([]uint16{}, []uint32{0}, 0)
	require.NoError(t, err)
	require.Zero(t, codes.Documents())
	require.Zero(t, Codes[uint16]{}.Documents())
}

func FuzzCodes(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{0, 1, 3}, uint8(4))
	f.Add([]byte{}, []byte{0}, uint8(0))
	f.Add([]byte{1}, []byte{0, 9, 1}, uint8(200))
	r := rand.New(rand.NewPCG(59, 60))
	q, codebook := mustQuery(f, unitMatrix(r, 5, 8)), unitMatrix(r, 255, 8)
	f.Fuzz(func(t *testing.T, idBytes, offsetBytes []byte, centroids uint8) {
		ids, offsets := make([]uint32, len(idBytes)), make([]uint32, len(offsetBytes))
		for i, b := range idBytes {
			ids[i] = uint32(b)
		}
		for i, b := range offsetBytes {
			offsets[i] = uint32(b)
		}
		codes, err := NewCodes(ids, offsets, int(centroids))
		if err != nil {
			require.ErrorIs(t, err, ErrCodes)
			return
		}
		var table CentroidTable
		table.Build(q, Quantize(Matrix{Data: codebook.Data[:int(centroids)*8], Dim: 8}))
		require.Len(t, codes.Top(nil, &table, 300, nil), min(300, codes.Documents()))
	})
}
