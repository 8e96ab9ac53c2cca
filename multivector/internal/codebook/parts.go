package codebook

import (
	"errors"
	"fmt"
	"math"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// Parts is a codebook as a file holds it.
type Parts struct {
	Cells     maxsim.Matrix // one row a cell
	Centroids maxsim.Matrix // one row a centroid, those of a cell side by side
	// Offsets has one more entry than there are cells: the centroids of cell i are
	// those from Offsets[i] on, up to Offsets[i+1]. No cell is without.
	Offsets []uint32
	// Reach is how far below the cosine of its nearest cell that of another one may
	// lie for a row to be compared with its centroids, too.
	Reach      float32
	MeanCosine float32 // see [Codebook.MeanCosine]
}

// children is the centroids of a cell.
func (p Parts) children(cell int) maxsim.Matrix {
	dim := p.Centroids.Dim
	return maxsim.Matrix{Data: p.Centroids.Data[int(p.Offsets[cell])*dim : int(p.Offsets[cell+1])*dim], Dim: dim}
}

// ErrParts says that parts cannot be those of a codebook.
var ErrParts = errors.New("the codebook is damaged")

// farthest is a reach that leaves nothing out: cosines differ by 2 at most.
const farthest = 2

// FromParts makes a codebook of what [Codebook.Parts] gave. It does not copy them.
// They may come from a file that anything may have happened to: whatever would make
// [Codebook.Assign] fail or an id reach beyond the centroids is refused.
func FromParts(p Parts) (*Codebook, error) {
	for _, check := range []func() error{p.checkSizes, p.checkOffsets, p.checkNumbers} {
		if err := check(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrParts, err)
		}
	}
	return build(p), nil
}

func (p Parts) checkSizes() error {
	dim := p.Centroids.Dim
	if dim < 1 || dim > maxsim.MaxDim || p.Cells.Dim != dim {
		return fmt.Errorf("cells of %d dimensions, centroids of %d", p.Cells.Dim, dim)
	}
	if len(p.Centroids.Data)%dim != 0 || len(p.Cells.Data)%dim != 0 {
		return fmt.Errorf("%d and %d numbers in rows of %d", len(p.Cells.Data), len(p.Centroids.Data), dim)
	}
	cells, centroids := p.Cells.Rows(), p.Centroids.Rows()
	if cells < 1 || cells > centroids || centroids > MaxCentroids {
		return fmt.Errorf("%d centroids in %d cells", centroids, cells)
	}
	return nil
}

func (p Parts) checkOffsets() error {
	cells, centroids := p.Cells.Rows(), p.Centroids.Rows()
	if len(p.Offsets) != cells+1 || p.Offsets[0] != 0 || int64(p.Offsets[cells]) != int64(centroids) {
		return fmt.Errorf("the offsets do not span %d centroids in %d cells", centroids, cells)
	}
	for i := range cells {
		if p.Offsets[i] >= p.Offsets[i+1] {
			return fmt.Errorf("cell %d begins at centroid %d and ends at %d", i, p.Offsets[i], p.Offsets[i+1])
		}
	}
	return nil
}

func (p Parts) checkNumbers() error {
	// Written so that NaN, which compares false with everything, fails.
	if !(p.Reach >= 0 && p.Reach <= farthest) || !(p.MeanCosine >= -1 && p.MeanCosine <= 1) {
		return fmt.Errorf("a reach of %v and a mean cosine of %v", p.Reach, p.MeanCosine)
	}
	for _, m := range []maxsim.Matrix{p.Cells, p.Centroids} {
		for i := range m.Rows() {
			if norm := vek32.Norm(m.Row(i)); !(math.Abs(float64(norm)-1) < 1e-3) {
				return fmt.Errorf("row %d has a norm of %v, not 1", i, norm)
			}
		}
	}
	return nil
}
