// Package similarity shows where on a page a query matched: the similarity map of
// ColPali (Faysse et al. 2024, section 5; colpali_engine/interpretability), as numbers, as a
// picture of the page, and as a drawing to lay over it.
package similarity

import (
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
)

// ErrShape says that values do not fill the grid they are given for.
var ErrShape = errors.New("values do not fill the grid")

// Map is one value for each patch of a page: how similar it is to what was asked.
type Map struct {
	Width, Height int       // patches in a row and in a column
	Values        []float32 // [Height*Width], row by row from the top left
	// Best are the patches that were matched, as indexes of Values. They are framed.
	Best []int
}

// New checks that there is a finite value for each patch, and that what was matched is one of them.
func New(width, height int, values []float32, best []int) (Map, error) {
	if width <= 0 || height <= 0 || len(values) != width*height {
		return Map{}, fmt.Errorf("%w: %d values, %d x %d patches", ErrShape, len(values), width, height)
	}
	for i, value := range values {
		if math.IsNaN(float64(value)) || math.IsInf(float64(value), 0) {
			return Map{}, fmt.Errorf("%w: patch %d has %v", ErrShape, i, value)
		}
	}
	for _, patch := range best {
		if patch < 0 || patch >= len(values) {
			return Map{}, fmt.Errorf("%w: patch %d is none of %d", ErrShape, patch, len(values))
		}
	}
	return Map{Width: width, Height: height, Values: values, Best: best}, nil
}

// coolShare is the share of patches left unpainted: most of a page matches no query token, and a veil
// over everything would hide the page.
const coolShare = 0.9

// strengths are how strongly each patch is painted, 0 to 1.
func (m Map) strengths() []float32 {
	sorted := slices.Sorted(slices.Values(m.Values))
	low, high := sorted[int(coolShare*float64(len(sorted)-1))], sorted[len(sorted)-1]
	strengths := make([]float32, len(m.Values))
	if low == high { // a page that is the same everywhere
		return strengths
	}
	for i, value := range m.Values {
		strengths[i] = max(0, (value-low)/(high-low))
	}
	return strengths
}

// Box is the part of a page of this size that a patch covers. The grid covers the page edge to edge,
// however the page was scaled for the model; neighbours share their edges.
func (m Map) Box(patch int, page image.Point) image.Rectangle {
	column, row := patch%m.Width, patch/m.Width
	return image.Rect(
		column*page.X/m.Width, row*page.Y/m.Height,
		(column+1)*page.X/m.Width, (row+1)*page.Y/m.Height,
	)
}
