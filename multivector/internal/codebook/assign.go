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
// One row in thirty gets a centroid that is only nearly the nearest. All in all that
// costs 0.002 of the mean cosine.
func (c *Codebook) Assign(dst []uint32, rows maxsim.Matrix) (ids []uint32, meanCosine float32) {
	a := takeAssignment(c)
	defer a.free()
	for first := 0; first < rows.Rows(); first += blockRows {
		last := min(first+blockRows, rows.Rows())
		a.block(maxsim.Matrix{Data: rows.Data[first*rows.Dim : last*rows.Dim], Dim: rows.Dim}, c.parts.Reach)
		dst = append(dst, a.ids...)
	}
	return dst, a.meanCosine()
}

// assignInt8 is Assign of rows in 8-bit codes. Their scales do not matter, as the
// direction of a row is in its codes; that of a row that was not finite is zero.
func (c *Codebook) assignInt8(dst []uint32, rows maxsim.Int8Matrix) (ids []uint32, meanCosine float32) {
	a := takeAssignment(c)
	defer a.free()
	for first := 0; first < rows.Rows(); first += blockRows {
		last := min(first+blockRows, rows.Rows())
		a.widened = a.widened[:0]
		for _, code := range rows.Codes[first*rows.Dim : last*rows.Dim] {
			a.widened = append(a.widened, float32(int(code)-128))
		}
		a.block(maxsim.Matrix{Data: a.widened, Dim: rows.Dim}, c.parts.Reach)
		dst = append(dst, a.ids...)
	}
	return dst, a.meanCosine()
}

// assignment is what assigning rows needs. It is reused.
type assignment struct {
	book *Codebook

	// Of a block.
	rows    maxsim.Matrix
	norms   []float32 // 0: no direction
	ids     []uint32
	best    []float32 // the dot product of each row with its centroid
	members [][]int32 // the rows that reach each cell

	// Of all blocks.
	cosines  float64
	directed int

	widened, gathered, products []float32
}

var assignments = sync.Pool{New: func() any { return new(assignment) }}

func takeAssignment(c *Codebook) *assignment {
	a := assignments.Get().(*assignment)
	a.book, a.cosines, a.directed = c, 0, 0
	return a
}

// free keeps the memory but not what the caller lent.
func (a *assignment) free() {
	a.book, a.rows = nil, maxsim.Matrix{}
	assignments.Put(a)
}

func (a *assignment) meanCosine() float32 {
	if a.directed == 0 {
		return 0
	}
	return float32(a.cosines / float64(a.directed))
}

// block assigns rows, as many as the caches hold. Like an index out of range, rows
// of other dimensions are a mistake of the caller.
func (a *assignment) block(rows maxsim.Matrix, reach float32) {
	if rows.Dim != a.book.Dim() {
		panic(fmt.Sprintf("codebook: rows of %d dimensions for centroids of %d", rows.Dim, a.book.Dim()))
	}
	n := rows.Rows()
	a.rows = rows
	a.norms = slices.Grow(a.norms[:0], n)[:n]
	a.best = slices.Grow(a.best[:0], n)[:n]
	a.ids = slices.Grow(a.ids[:0], n)[:n]
	for i := range n {
		if a.norms[i] = vek32.Norm(rows.Row(i)); !directed(a.norms[i]) {
			a.norms[i] = 0
		}
		a.ids[i], a.best[i] = None, -2*a.norms[i] // less than any dot product
	}
	a.reachCells(reach)
	for cell, members := range a.members {
		if len(members) > 0 {
			a.searchCell(cell, members)
		}
	}
	for i, norm := range a.norms {
		if norm > 0 {
			a.cosines += float64(a.best[i] / norm)
			a.directed++
		}
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
	a.products = a.book.cells.Dots(a.products[:0], a.rows)
	for i, norm := range a.norms {
		if norm == 0 {
			continue
		}
		products := a.products[i*cells : (i+1)*cells]
		least := vek32.Max(products) - reach*norm
		for cell, product := range products {
			if product >= least {
				a.members[cell] = append(a.members[cell], int32(i))
			}
		}
	}
}

// batchProducts is how many dot products of rows and centroids are made at a time.
// They are read once more and should not leave the second level of cache.
const batchProducts = 32 << 10

// searchCell compares rows with the centroids of a cell.
func (a *assignment) searchCell(cell int, members []int32) {
	children := a.book.children[cell]()
	for batch := range slices.Chunk(members, max(16, batchProducts/children.Rows())) {
		a.gathered = a.gathered[:0]
		for _, i := range batch {
			a.gathered = append(a.gathered, a.rows.Row(int(i))...)
		}
		a.products = children.Dots(a.products[:0], maxsim.Matrix{Data: a.gathered, Dim: a.rows.Dim})
		for j, i := range batch {
			products := a.products[j*children.Rows() : (j+1)*children.Rows()]
			nearest := vek32.ArgMax(products)
			if products[nearest] > a.best[i] {
				a.best[i], a.ids[i] = products[nearest], a.book.parts.Offsets[cell]+uint32(nearest)
			}
		}
	}
}
