package codebook

import (
	"fmt"
	"slices"
	"sync"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// None stands for the centroid of a row without a direction.
const None = ^uint32(0)

// blockRows is how many rows are assigned at a time: a page, and what they need
// stays in the caches.
const blockRows = 1040

// Assign appends the id of the nearest centroid of each row, or [None], to dst. It
// also tells the mean cosine of rows and centroids, 0 if no row has any.
//
// One row in fourteen gets a centroid that is only nearly the nearest: half of them
// because of the reach, which costs 0.002 of the mean cosine, half because 8-bit codes
// do not tell two apart, which costs less than 0.0001.
func (c *Codebook) Assign(dst []uint32, rows maxsim.Matrix) (ids []uint32, meanCosine float32) {
	return c.AssignInt8(dst, maxsim.Quantize(rows))
}

// AssignInt8 is Assign of rows in 8-bit codes, which is what Assign makes of others.
// The scales do not matter, as the direction of a row is in its codes; that of a row
// that was not finite is zero.
func (c *Codebook) AssignInt8(dst []uint32, rows maxsim.Int8Matrix) (ids []uint32, meanCosine float32) {
	a := takeAssignment(c)
	defer a.free()
	for first := 0; first < rows.Rows(); first += blockRows {
		last := min(first+blockRows, rows.Rows())
		a.block(maxsim.Int8Matrix{
			Codes: rows.Codes[first*rows.Dim : last*rows.Dim], Scales: rows.Scales[first:last], Dim: rows.Dim,
		}, c.parts.Reach)
		dst = append(dst, a.ids...)
	}
	return dst, a.meanCosine()
}

// assignment is what assigning rows needs. It is reused.
type assignment struct {
	book *Codebook

	// Of a block.
	rows    maxsim.Matrix // of norm 1, or zero if they have no direction
	scales  []float32     // that make them of their codes
	packed  maxsim.Int8Rows
	ids     []uint32
	best    []float32 // the cosine of each row and its centroid, as codes tell
	cosines []float32 // of each row and each cell
	members [][]int32 // the rows that reach each cell

	// Of all blocks.
	sum      float64 // of cosines
	directed int

	// Of the rows that reach a cell.
	products []float32
	children []uint32
}

var assignments = sync.Pool{New: func() any { return new(assignment) }}

func takeAssignment(c *Codebook) *assignment {
	a := assignments.Get().(*assignment)
	a.book, a.sum, a.directed = c, 0, 0
	return a
}

// free keeps the memory but not the codebook.
func (a *assignment) free() {
	a.book = nil
	assignments.Put(a)
}

func (a *assignment) meanCosine() float32 {
	if a.directed == 0 {
		return 0
	}
	return float32(a.sum / float64(a.directed))
}

// block assigns rows, as many as the caches hold. Like an index out of range, rows
// of other dimensions are a mistake of the caller.
func (a *assignment) block(rows maxsim.Int8Matrix, reach float32) {
	if rows.Dim != a.book.Dim() {
		panic(fmt.Sprintf("codebook: rows of %d dimensions for centroids of %d", rows.Dim, a.book.Dim()))
	}
	a.take(rows)
	a.reachCells(reach)
	for cell, members := range a.members {
		if len(members) > 0 {
			a.searchCell(cell, members)
		}
	}
	for i, id := range a.ids {
		if id != None {
			a.sum += float64(vek32.Dot(a.rows.Row(i), a.book.parts.Centroids.Row(int(id))))
			a.directed++
		}
	}
}

// take makes unit vectors of rows and packs their codes.
func (a *assignment) take(rows maxsim.Int8Matrix) {
	n := rows.Rows()
	a.packed.Set(rows)
	a.ids = slices.Grow(a.ids[:0], n)[:n]
	a.best = slices.Grow(a.best[:0], n)[:n]
	a.scales = slices.Grow(a.scales[:0], n)[:n]
	a.rows = maxsim.Matrix{Data: slices.Grow(a.rows.Data[:0], len(rows.Codes))[:len(rows.Codes)], Dim: rows.Dim}
	for i := range n {
		a.ids[i], a.best[i] = None, -farthest // less than any cosine
		row := a.rows.Row(i)
		for d, code := range rows.Codes[i*rows.Dim : (i+1)*rows.Dim] {
			row[d] = float32(int(code) - 128)
		}
		a.scales[i] = 0
		if norm := vek32.Norm(row); directed(norm) {
			a.scales[i] = 1 / norm
		}
		vek32.MulNumber_Inplace(row, a.scales[i])
	}
}

// reachCells lists the rows for each cell: those to which no other cell is nearer
// by more than the reach. Rows are put together by cells and not the other way
// round because of the work: the union of the cells that a cell's rows need is
// three times as large as what each of them needs.
func (a *assignment) reachCells(reach float32) {
	cells := a.book.cells.Rows()
	a.members = slices.Grow(a.members[:0], cells)[:cells]
	for i := range a.members {
		a.members[i] = a.members[i][:0]
	}
	a.cosines = a.book.cells.Dots(a.cosines[:0], a.rows)
	for i, scale := range a.scales {
		if scale == 0 {
			continue
		}
		cosines := a.cosines[i*cells : (i+1)*cells]
		least := vek32.Max(cosines) - reach
		for cell, cosine := range cosines {
			if cosine >= least {
				a.members[cell] = append(a.members[cell], int32(i))
			}
		}
	}
}

// searchCell compares rows with the centroids of a cell: by what these have beyond
// their cell, as the rest is the same for all of them.
func (a *assignment) searchCell(cell int, members []int32) {
	cells := a.book.cells.Rows()
	a.products, a.children = a.products[:0], a.children[:0]
	for _, i := range members {
		// What a product must exceed. Packed rows are halves of codes.
		a.products = append(a.products, (a.best[i]-a.cosines[int(i)*cells+cell])/(2*a.scales[i]))
		a.children = append(a.children, None)
	}
	a.packed.Match(members, a.book.beyond[cell], a.products, a.children)
	for j, i := range members {
		if a.children[j] != None {
			a.ids[i] = a.book.parts.Offsets[cell] + a.children[j]
			a.best[i] = a.cosines[int(i)*cells+cell] + a.products[j]*2*a.scales[i]
		}
	}
}
