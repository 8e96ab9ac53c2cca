package maxsim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

func widenAll(halves []uint16) []float32 {
	wide := make([]float32, len(halves))
	kernels.Widen(wide, halves)
	return wide
}

func TestToHalfKeepsEveryHalf(t *testing.T) {
	var halves []uint16
	for bits := range 1 << 16 {
		if bits&0x7c00 != 0x7c00 { // finite
			halves = append(halves, uint16(bits))
		}
	}
	got, err := ToHalf(Matrix{Data: widenAll(halves), Dim: 1})
	require.NoError(t, err)
	require.Equal(t, halves, got.Data)
}

func TestToHalfRoundsToTheNearestTiesToEven(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 42))
	for range 100_000 {
		low := uint16(r.IntN(0x7bff)) // and the next one
		pair := widenAll([]uint16{low, low + 1, 0, 0, 0, 0, 0, 0})
		middle := (float64(pair[0]) + float64(pair[1])) / 2 // exact in float32
		even := low + low&1
		for x, want := range map[float32]uint16{
			float32(middle):                           even,
			math.Nextafter32(float32(middle), 0):      low,
			math.Nextafter32(float32(middle), 1e9):    low + 1,
			-float32(middle):                          even | 1<<15,
			math.Nextafter32(-float32(middle), -1e12): (low + 1) | 1<<15,
		} {
			require.Equal(t, want, half(x), "%v", x)
		}
	}
}

func TestToHalfRefusesWhatItCannotHold(t *testing.T) {
	for _, x := range []float32{65504.01, -65520, float32(math.NaN()), float32(math.Inf(1))} {
		_, err := ToHalf(Matrix{Data: []float32{1, 2, 3, x}, Dim: 2})
		require.ErrorIs(t, err, ErrNotFinite)
		require.ErrorContains(t, err, "row 1, dimension 1; the largest magnitude is 65504")
	}
}

func TestScoreHalfIsTheScoreOfWhatItStandsFor(t *testing.T) {
	everyKernel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(43, 44))
		for _, shape := range [][3]int{{1, 1, 8}, {20, 100, 128}, {20, 1030, 128}, {150, 77, 128}, {5, 9, 2048}, {7, 40, 13}, {3, 0, 8}} {
			doc, err := ToHalf(unitMatrix(r, shape[1], shape[2]))
			require.NoError(t, err)
			require.Equal(t, shape[1], doc.Rows())
			q := mustQuery(t, unitMatrix(r, shape[0], shape[2]))
			wide := make([]float32, len(doc.Data))
			kernelsFor(doc.Dim).Widen(wide, doc.Data)
			require.InDelta(t, q.Score(Matrix{Data: wide, Dim: doc.Dim}), q.ScoreHalf(doc), 0, "%v", shape)
		}
	})
}
