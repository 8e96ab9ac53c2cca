package vectorizer

import (
	"fmt"
	"math"
)

// normTolerance is how far a vector's length may be from one. Half precision rounds a 128-d vector's
// length by up to 1e-3; overflow and wrong graphs are far out.
const normTolerance = 1e-2

// rows cuts a block of vectors into views and refuses it as a whole if any vector is not finite or
// not of length one: a score is a sum of maxima, in which one NaN or long vector wins every query.
func rows(block []float32, dim int) ([][]float32, error) {
	views := make([][]float32, len(block)/dim)
	for i := range views {
		views[i] = block[i*dim : (i+1)*dim : (i+1)*dim]
		// Written so that NaN fails.
		if length := norm(views[i]); !(math.Abs(length-1) <= normTolerance) {
			return nil, fmt.Errorf("%w: vector %d of %d has length %g instead of 1; if the model computes in float16, export it with --compute bf16 or fp32",
				ErrOutput, i, len(views), length)
		}
	}
	return views, nil
}

// chosen copies these vectors into a block of their own, so that the others can be freed.
func chosen(vectors [][]float32, kept []int) [][]float32 {
	if len(kept) == 0 {
		return nil
	}
	dim := len(vectors[0])
	block, picked := make([]float32, len(kept)*dim), make([][]float32, len(kept))
	for i, row := range kept {
		picked[i] = block[i*dim : (i+1)*dim : (i+1)*dim]
		copy(picked[i], vectors[row])
	}
	return picked
}

func norm(vector []float32) float64 {
	sum := 0.0
	for _, value := range vector {
		sum += float64(value) * float64(value)
	}
	return math.Sqrt(sum)
}
