package workload

import (
	"math/rand/v2"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// add adds a multiple of x to a vector.
func add(to []float32, factor float32, x []float32) {
	for d := range to {
		to[d] += factor * x[d]
	}
}

// unit scales a vector to norm 1.
func unit(x []float32) []float32 {
	vek32.DivNumber_Inplace(x, vek32.Norm(x))
	return x
}

func units(m maxsim.Matrix) maxsim.Matrix {
	for i := range m.Rows() {
		unit(m.Row(i))
	}
	return m
}

func newMatrix(rows int) maxsim.Matrix {
	return maxsim.Matrix{Data: make([]float32, rows*Dim), Dim: Dim}
}

// gaussian is rows of independent standard normal numbers.
func gaussian(r *rand.Rand, rows int) maxsim.Matrix {
	m := newMatrix(rows)
	for i := range m.Data {
		m.Data[i] = float32(r.NormFloat64())
	}
	return m
}

// mixer multiplies rows by a square matrix. It is a packed query because all dot
// products of two sets of rows are a product of matrices, here at 40 times the
// speed of a loop: half of the time of a page would be spent in it.
type mixer struct{ columns *maxsim.Query }

func newMixer(columns maxsim.Matrix) mixer {
	query, err := maxsim.NewQuery(columns)
	if err != nil {
		panic(err) // it has Dim columns
	}
	return mixer{columns: query}
}

func (m mixer) draw(r *rand.Rand, rows int) maxsim.Matrix {
	return maxsim.Matrix{Data: m.columns.Dots(make([]float32, 0, rows*Dim), gaussian(r, rows)), Dim: Dim}
}
