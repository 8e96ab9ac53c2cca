package maxsim

import (
	"fmt"
	"slices"

	"weaviate-colpali/maxsim/internal/kernel"
)

// Int8Rows is the rows of a document in 8-bit codes, ready to be compared with
// others, such as centroids, some at a time. To pack a few of them takes a tenth of
// the time that [NewQuery] would, as the codes are there: they are only halved, so
// that no pair exceeds what [kernel.I8] demands. The zero Int8Rows is ready for
// [Int8Rows.Set].
type Int8Rows struct {
	set    *kernel.Set
	dim    int
	stride int
	codes  []int8  // halves, rows stride apart
	bias   []int32 // of each row

	// Of one group.
	q        []int8
	laneBias [maxLanes]int32
	best     [maxLanes]float32
	row      [maxLanes]uint32
}

// maxLanes is the most lanes that a kernel has.
const maxLanes = 32

// halves is half of what each code stands for, ties to even: -64 to 64.
var halves = func() (table [256]int8) {
	for code := range table {
		signed := code - 128
		table[code] = int8((signed + signed>>1&1) >> 1)
	}
	return table
}()

// Set takes new rows, reusing memory. Their scales do not matter.
func (h *Int8Rows) Set(rows Int8Matrix) {
	n := rows.Rows()
	h.set, h.dim, h.stride = kernelsFor(rows.Dim), rows.Dim, (rows.Dim+3)/4*4
	h.codes = slices.Grow(h.codes[:0], n*h.stride)[:n*h.stride]
	h.bias = slices.Grow(h.bias[:0], n)[:n]
	for i := range n {
		to, sum := h.codes[i*h.stride:(i+1)*h.stride], int32(0)
		for d, code := range rows.Codes[i*rows.Dim : (i+1)*rows.Dim] {
			to[d] = halves[code]
			sum += int32(halves[code])
		}
		clear(to[rows.Dim:])
		h.bias[i] = -128 * sum
	}
}

// Match raises best[i] to the largest product of row which[i] with any of doc, and
// sets row[i] to the number of that one, the first of equals, where it is larger.
// A product is the sum over halved codes times the codes of doc, times its scale.
func (h *Int8Rows) Match(which []int32, doc Int8Matrix, best []float32, row []uint32) {
	if doc.Dim != h.dim {
		panic(fmt.Sprintf("maxsim: a document of %d dimensions for rows of %d", doc.Dim, h.dim))
	}
	for first := 0; first < len(which); {
		family := h.family(len(which) - first)
		last := min(first+family.Lanes, len(which))
		h.pack(which[first:last], family.Lanes)
		copy(h.best[:], best[first:last])
		copy(h.row[:], row[first:last])
		family.Argmax(h.q, h.laneBias[:family.Lanes], doc.Codes, doc.Scales, doc.Rows(), doc.Dim, 0,
			h.best[:family.Lanes], h.row[:family.Lanes])
		copy(best[first:last], h.best[:])
		copy(row[first:last], h.row[:])
		first = last
	}
}

// family is the kernels with the fewest lanes that hold so many rows, or else with
// the most.
func (h *Int8Rows) family(rows int) kernel.I8 {
	for i := len(h.set.I8) - 1; i > 0; i-- {
		if h.set.I8[i].Lanes >= rows {
			return h.set.I8[i]
		}
	}
	return h.set.I8[0]
}

// pack packs rows into lanes. What was in those behind them before does no harm.
func (h *Int8Rows) pack(which []int32, lanes int) {
	h.q = slices.Grow(h.q[:0], h.stride*maxLanes)[:h.stride*lanes]
	for lane, i := range which {
		h.laneBias[lane] = h.bias[i]
		from := h.codes[int(i)*h.stride:][:h.stride]
		for at := 4 * lane; len(from) >= 4; at += 4 * lanes {
			*(*[4]int8)(h.q[at:]) = [4]int8(from)
			from = from[4:]
		}
	}
}
