package format

import (
	"fmt"
	"io"
	"slices"
)

// Codebook is what one training made.
type Codebook struct {
	Dim       int
	Centroids []float32 // row-major
	Cells     []float32 // coarse cells, row-major
	Children  []uint32  // the centroids of cell i are those from Children[i] to Children[i+1]

	Reach     float32 // how far below the cosine of a row's nearest cell others are searched
	Cosine    float32 // mean cosine of the training sample to its centroids
	Documents uint64  // when the training began
}

// OpenCodebook opens a codebook.
func OpenCodebook(b []byte) (*Codebook, error) {
	parts, err := open(KindCodebook, b)
	if err != nil {
		return nil, err
	}
	c := &Codebook{
		Dim:       int(view[uint32](parts["dim"].bytes)[0]),
		Centroids: view[float32](parts["centroids"].bytes),
		Cells:     view[float32](parts["cells"].bytes),
		Children:  view[uint32](parts["children"].bytes),
		Reach:     view[float32](parts["reach"].bytes)[0],
		Cosine:    view[float32](parts["cosine"].bytes)[0],
		Documents: view[uint64](parts["documents"].bytes)[0],
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return c, nil
}

// WriteCodebook writes a codebook.
func WriteCodebook(w io.Writer, c *Codebook) error {
	if err := c.check(); err != nil {
		return fmt.Errorf("write codebook: %w", err)
	}
	return c.write(w)
}

func (c *Codebook) write(w io.Writer) error {
	out := newWriter(w, KindCodebook)
	put(out, []uint32{uint32(c.Dim)})
	put(out, c.Centroids)
	put(out, c.Cells)
	put(out, c.Children)
	put(out, []float32{c.Reach})
	put(out, []float32{c.Cosine})
	put(out, []uint64{c.Documents})
	return out.close()
}

func (c *Codebook) check() error {
	if c.Dim < 1 || c.Dim > mostDim {
		return misfit("dim", "%d, expected 1 to %d", c.Dim, mostDim)
	}
	if err := checkRows("centroids", c.Centroids, c.Dim); err != nil {
		return err
	}
	if err := checkRows("cells", c.Cells, c.Dim); err != nil {
		return err
	}
	if err := c.checkChildren(); err != nil {
		return err
	}
	if err := checkRows("reach", []float32{c.Reach}, 1); err != nil {
		return err
	}
	return checkRows("cosine", []float32{c.Cosine}, 1)
}

func (c *Codebook) checkChildren() error {
	cells, centroids := len(c.Cells)/c.Dim, len(c.Centroids)/c.Dim
	if len(c.Children) != cells+1 {
		return misfit("children", "%d numbers, expected 1 more than %d cells", len(c.Children), cells)
	}
	if !slices.IsSorted(c.Children) {
		return misfit("children", "a cell ends before it begins")
	}
	if first, last := c.Children[0], c.Children[cells]; first != 0 || int64(last) != int64(centroids) {
		return misfit("children", "from %d to %d, expected 0 to %d", first, last, centroids)
	}
	return nil
}

// checkRows fails unless numbers are one or more rows, and finite.
func checkRows(section string, numbers []float32, dim int) error {
	if len(numbers) == 0 || len(numbers)%dim != 0 {
		return misfit(section, "%d numbers, expected rows of %d", len(numbers), dim)
	}
	for i, x := range numbers {
		if x-x != 0 {
			return misfit(section, "number %d is %g, expected a finite one", i, x)
		}
	}
	return nil
}
