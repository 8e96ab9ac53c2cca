package codebook

import (
	"math/rand/v2"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// sample is the rows to train with, in random order.
type sample struct {
	rows    maxsim.Matrix
	inverse []float32 // of each row's norm
	train   []int32   // numbers of rows
	held    []int32   // and of those kept apart, to measure with
}

// The last sixteenth of the rows, at most heldRows, is kept apart. Rows of a page
// that others were trained with lie nearer to their centroids than those of a new
// page, by 0.04 at 16 rows a centroid: more than the drift that calls for a retrain.
const (
	heldRows  = 8192
	heldShare = 16
)

// newSample passes over rows without a direction: those that are zero, that hold
// NaN or an infinity, or whose square overflows.
func newSample(p pace, rows maxsim.Matrix, r *rand.Rand) (*sample, error) {
	s := &sample{rows: rows, inverse: make([]float32, rows.Rows()), train: make([]int32, 0, rows.Rows())}
	for i := range s.inverse {
		if i%chunkRows == 0 {
			if err := p.rest(); err != nil {
				return nil, err
			}
		}
		if norm := vek32.Norm(rows.Row(i)); directed(norm) {
			s.inverse[i] = 1 / norm
			s.train = append(s.train, int32(i))
		}
	}
	keep := len(s.train) - min(heldRows, len(s.train)/heldShare)
	s.train, s.held = s.train[:keep], s.train[keep:]
	for _, numbers := range [][]int32{s.train, s.held} {
		r.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
	}
	return s, nil
}

// directed tells whether a row of this norm has a direction, and a reciprocal.
func directed(norm float32) bool {
	const least, most = 1e-18, 1e18 // their squares are numbers
	return norm >= least && norm <= most
}

// gather copies rows.
func (s *sample) gather(numbers []int32) maxsim.Matrix {
	m := maxsim.Matrix{Data: make([]float32, 0, len(numbers)*s.rows.Dim), Dim: s.rows.Dim}
	for _, i := range numbers {
		m.Data = append(m.Data, s.rows.Row(int(i))...)
	}
	return m
}
