package codebook

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/maxsim"
)

func TestFromPartsIsTheSameCodebook(t *testing.T) {
	c, _ := small()
	again, err := FromParts(c.Parts())
	require.NoError(t, err)
	rows := unseen(2)
	ids, cosine := c.Assign(nil, rows)
	others, otherCosine := again.Assign(nil, rows)
	require.Equal(t, ids, others)
	require.InDelta(t, cosine, otherCosine, 0)
	require.InDelta(t, c.MeanCosine(), again.MeanCosine(), 0)
	require.Equal(t, c.Int8(), again.Int8())
	require.Equal(t, c.Dim(), again.Dim())
}

// tiny is parts of two cells with one and two centroids.
func tiny() Parts {
	return Parts{
		Cells:     maxsim.Matrix{Data: []float32{1, 0, 0, 1}, Dim: 2},
		Centroids: maxsim.Matrix{Data: []float32{1, 0, 0.6, 0.8, 0, 1}, Dim: 2},
		Offsets:   []uint32{0, 1, 3}, Reach: 0.5, MeanCosine: 0.9,
	}
}

func TestFromPartsRefusesDamage(t *testing.T) {
	_, err := FromParts(tiny())
	require.NoError(t, err)
	nan := float32(math.NaN())
	for name, damage := range map[string]func(p *Parts){
		"nothing":                 func(p *Parts) { *p = Parts{} },
		"no dimensions":           func(p *Parts) { p.Cells.Dim, p.Centroids.Dim = 0, 0 },
		"negative dimensions":     func(p *Parts) { p.Cells.Dim, p.Centroids.Dim = -2, -2 },
		"too many dimensions":     func(p *Parts) { p.Cells.Dim, p.Centroids.Dim = maxsim.MaxDim+1, maxsim.MaxDim+1 },
		"different dimensions":    func(p *Parts) { p.Cells.Dim = 1 },
		"half a centroid":         func(p *Parts) { p.Centroids.Data = p.Centroids.Data[:5] },
		"half a cell":             func(p *Parts) { p.Cells.Data = p.Cells.Data[:3] },
		"no cells":                func(p *Parts) { p.Cells.Data, p.Offsets = nil, []uint32{0} },
		"no centroids":            func(p *Parts) { p.Centroids.Data = nil },
		"more cells than there":   func(p *Parts) { p.Cells.Data = slices.Repeat(p.Cells.Data, 2) },
		"no offsets":              func(p *Parts) { p.Offsets = nil },
		"offsets that begin late": func(p *Parts) { p.Offsets[0] = 1 },
		"offsets that end early":  func(p *Parts) { p.Offsets[2] = 2 },
		"offsets that end late":   func(p *Parts) { p.Offsets[2] = 4 },
		"offsets that fall":       func(p *Parts) { p.Offsets[1] = 4 },
		"an empty cell":           func(p *Parts) { p.Offsets[1] = 0 },
		"a long centroid":         func(p *Parts) { p.Centroids.Data[0] = 1.01 },
		"a zero cell":             func(p *Parts) { p.Cells.Data[0] = 0 },
		"NaN":                     func(p *Parts) { p.Centroids.Data[3] = nan },
		"an infinity":             func(p *Parts) { p.Cells.Data[3] = float32(math.Inf(-1)) },
		"a negative reach":        func(p *Parts) { p.Reach = -0.1 },
		"a reach of NaN":          func(p *Parts) { p.Reach = nan },
		"a reach beyond all":      func(p *Parts) { p.Reach = 2.1 },
		"a cosine of NaN":         func(p *Parts) { p.MeanCosine = nan },
		"a cosine above 1":        func(p *Parts) { p.MeanCosine = 1.1 },
	} {
		t.Run(name, func(t *testing.T) {
			p := tiny()
			damage(&p)
			_, err := FromParts(p)
			require.ErrorIs(t, err, ErrParts)
		})
	}
}

// Whatever FromParts lets through assigns ids that exist.
func FuzzFromParts(f *testing.F) {
	f.Add(2, 2, []byte{0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 63}, []byte{0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0}, float32(0.1), float32(0.5), 4)
	f.Add(1, 1, []byte{0, 0, 128, 63, 0, 0, 128, 63}, []byte{0, 0, 0, 0, 1, 0, 0, 0}, float32(0), float32(1), 1)
	f.Add(-1, 70000, []byte{1, 2, 3}, []byte{255, 255, 255, 255}, float32(math.NaN()), float32(2), -1)
	f.Fuzz(func(t *testing.T, cellDim, dim int, numbers, offsets []byte, reach, cosine float32, cut int) {
		data := floats(numbers)
		cut = max(0, min(cut, len(data)))
		p := Parts{
			Cells:     maxsim.Matrix{Data: data[:cut], Dim: cellDim},
			Centroids: maxsim.Matrix{Data: data[cut:], Dim: dim},
			Reach:     reach, MeanCosine: cosine,
		}
		for _, x := range floats(offsets) {
			p.Offsets = append(p.Offsets, math.Float32bits(x))
		}
		c, err := FromParts(p)
		if err != nil {
			require.ErrorIs(t, err, ErrParts)
			return
		}
		rows := maxsim.Matrix{Data: data[:len(data)/dim*dim], Dim: dim}
		ids, mean := c.Assign(nil, rows)
		for _, id := range ids {
			require.True(t, id == None || int(id) < c.Len())
		}
		require.InDelta(t, 0, mean, 1.01)
	})
}

// floats reads whole numbers of four bytes.
func floats(bytes []byte) []float32 {
	var all []float32
	for four := range slices.Chunk(bytes, 4) {
		if len(four) == 4 {
			all = append(all, math.Float32frombits(uint32(four[0])|uint32(four[1])<<8|uint32(four[2])<<16|uint32(four[3])<<24))
		}
	}
	return all
}
