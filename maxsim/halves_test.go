package maxsim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// matchHalves is Match of one row as its comments say it.
func matchHalves(rows Int8Matrix, i int, doc Int8Matrix, best float32, row uint32) (float32, uint32) {
	for j := range doc.Rows() {
		var sum int32
		for d := range rows.Dim {
			sum += int32(math.RoundToEven((float64(rows.Codes[i*rows.Dim+d])-128)/2)) * (int32(doc.Codes[j*doc.Dim+d]) - 128)
		}
		if product := float32(sum) * doc.Scales[j]; product > best {
			best, row = product, uint32(j)
		}
	}
	return best, row
}

func TestInt8RowsMatch(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(71, 72))
		var packed Int8Rows // reused, as a caller would
		for _, shape := range [][3]int{{100, 1, 8}, {70, 256, 128}, {1, 30, 16}, {30, 20, 13}, {5, 40, 320}} {
			rows, doc := Quantize(unitMatrix(r, shape[0], shape[2])), Quantize(unitMatrix(r, shape[1], shape[2]))
			packed.Set(rows)
			for some := 0; some <= shape[0]; some += 1 + r.IntN(4) {
				which, best, row := make([]int32, some), make([]float32, some), make([]uint32, some)
				wantBest, wantRow := make([]float32, some), make([]uint32, some)
				for i := range which {
					which[i], best[i], row[i] = int32(r.IntN(shape[0])), r.Float32()*20, 77
					wantBest[i], wantRow[i] = matchHalves(rows, int(which[i]), doc, best[i], row[i])
				}
				packed.Match(which, doc, best, row)
				require.Equal(t, wantBest, best, "%v", shape)
				require.Equal(t, wantRow, row, "%v", shape)
			}
		}
	})
}

// The largest codes of all: neither a half nor a pair of them is too large.
func TestInt8RowsMatchOfTheLargestCodes(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		m := Matrix{Dim: 16}
		for _, x := range []float32{1, -1} {
			for range m.Dim {
				m.Data = append(m.Data, x)
			}
		}
		rows := Quantize(m)
		var packed Int8Rows
		packed.Set(rows)
		best, row := []float32{none, none}, make([]uint32, 2)
		packed.Match([]int32{0, 1}, rows, best, row)
		require.Equal(t, []uint32{0, 1}, row)
		require.InDeltaSlice(t, []float32{64 * 16, 64 * 16}, best, 1e-3)
		require.Panics(t, func() { packed.Match([]int32{0}, Quantize(Matrix{Data: m.Data, Dim: 8}), best, row) })
	})
}
