package maxsim

import (
	"errors"
	"fmt"
)

// Matrix is a multi-vector: Rows vectors of Dim numbers each, one after another.
// The zero Matrix is empty.
type Matrix struct {
	Data []float32 // len(Data) is a multiple of Dim
	Dim  int
}

// Rows is the number of vectors.
func (m Matrix) Rows() int {
	if m.Dim == 0 {
		return 0
	}
	return len(m.Data) / m.Dim
}

// Row is the i-th vector. It shares the matrix's memory.
func (m Matrix) Row(i int) []float32 {
	return m.Data[i*m.Dim : (i+1)*m.Dim : (i+1)*m.Dim]
}

// Bounds of a matrix that comes from outside.
const (
	// MaxRows and MaxDim are what Weaviate's queue of vectors can carry: it
	// writes both counts as 16 bits and would cut off more without a word.
	MaxRows = 1<<16 - 1
	MaxDim  = 1<<16 - 1

	// MaxMagnitude bounds every number, so that no score overflows float32:
	// MaxRows * MaxDim * MaxMagnitude² is below 1e34.
	MaxMagnitude = 1e12
)

// What [FromRows] and [Check] refuse.
var (
	// ErrEmpty: no rows, or rows without numbers.
	ErrEmpty = errors.New("the multi-vector is empty")
	// ErrRagged: rows of different lengths.
	ErrRagged = errors.New("the rows of the multi-vector differ in length")
	// ErrTooLarge: more than MaxRows rows or MaxDim numbers in a row.
	ErrTooLarge = errors.New("the multi-vector is too large")
	// ErrNotFinite: NaN, an infinity, or a number beyond MaxMagnitude.
	ErrNotFinite = errors.New("the multi-vector holds a number that cannot be scored")
)

// Check refuses rows that do not make a matrix fit for scoring, naming the first
// thing wrong, and returns the number of dimensions otherwise.
func Check(rows [][]float32) (dim int, err error) {
	if len(rows) == 0 {
		return 0, fmt.Errorf("%w: it has no rows", ErrEmpty)
	}
	if len(rows) > MaxRows {
		return 0, fmt.Errorf("%w: it has %d rows, at most %d are allowed", ErrTooLarge, len(rows), MaxRows)
	}
	dim = len(rows[0])
	if dim == 0 {
		return 0, fmt.Errorf("%w: its first row has no numbers", ErrEmpty)
	}
	if dim > MaxDim {
		return 0, fmt.Errorf("%w: its rows have %d dimensions, at most %d are allowed", ErrTooLarge, dim, MaxDim)
	}
	for i, row := range rows {
		if len(row) != dim {
			return 0, fmt.Errorf("%w: row %d has %d dimensions, row 0 has %d", ErrRagged, i, len(row), dim)
		}
		for j, x := range row {
			// Written so that NaN, which compares false with everything, fails.
			if !(x >= -MaxMagnitude && x <= MaxMagnitude) {
				return 0, fmt.Errorf("%w: %v at row %d, dimension %d; numbers must be finite and at most %g in magnitude",
					ErrNotFinite, x, i, j, MaxMagnitude)
			}
		}
	}
	return dim, nil
}

// FromRows copies rows that pass [Check] into one matrix.
func FromRows(rows [][]float32) (Matrix, error) {
	dim, err := Check(rows)
	if err != nil {
		return Matrix{}, err
	}
	data := make([]float32, 0, len(rows)*dim)
	for _, row := range rows {
		data = append(data, row...)
	}
	return Matrix{Data: data, Dim: dim}, nil
}
