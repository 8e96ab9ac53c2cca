package maxsim

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

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
	stride int      // words of a row
	codes  []uint32 // halves, four in a word: as they are copied into lanes
	bias   []int32  // of each row

	// Of one group.
	q        []uint32
	laneBias [maxLanes]int32
	best     [maxLanes]float32
	row      [maxLanes]uint32
}

// maxLanes is the most lanes that a kernel has.
const maxLanes = 32

// every is a byte eight times.
const every = 0x0101010101010101

// halve is half of what each of eight codes stands for, ties to even, -64 to 64, and their
// sum. Eight at a time, with rows packed by words, pages found their centroids in 2.7 to 3.4 ms
// where byte by byte they took 3.2 to 4.3 (three pairs of runs, a busy machine).
func halve(codes uint64) (halves uint64, sum int32) {
	// Codes are 128 too much, these 64, so that no byte carries into the next. The half of an
	// odd code is rounded up where its second bit is set, too.
	more := codes>>1&(every*0x7f) + codes&(codes>>1)&every
	const pairs = 0x00ff00ff00ff00ff
	sums := more&pairs + more>>8&pairs
	return (more + every*64) ^ every*128, int32(sums*0x0001000100010001>>48) - 8*64
}

// Set takes new rows, reusing memory. Their scales do not matter.
func (h *Int8Rows) Set(rows Int8Matrix) {
	n := rows.Rows()
	h.set, h.dim, h.stride = kernelsFor(rows.Dim), rows.Dim, (rows.Dim+3)/4
	h.codes = slices.Grow(h.codes[:0], n*h.stride)[:n*h.stride]
	h.bias = slices.Grow(h.bias[:0], n)[:n]
	for i := range n {
		h.bias[i] = -128 * setHalves(h.codes[i*h.stride:(i+1)*h.stride], rows.Codes[i*rows.Dim:(i+1)*rows.Dim])
	}
}

// setHalves writes a row and tells the sum of its halves.
func setHalves(to []uint32, codes []uint8) (sum int32) {
	for ; len(codes) >= 8; codes, to = codes[8:], to[2:] {
		halves, of := halve(binary.LittleEndian.Uint64(codes))
		to[0], to[1] = uint32(halves), uint32(halves>>32)
		sum += of
	}
	if len(codes) == 0 {
		return sum
	}
	rest := [8]uint8{128, 128, 128, 128, 128, 128, 128, 128} // they stand for zero
	copy(rest[:], codes)
	halves, of := halve(binary.LittleEndian.Uint64(rest[:]))
	for i := range to {
		to[i] = uint32(halves >> (32 * i))
	}
	return sum + of
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
		family.Argmax(int8sOf(h.q), h.laneBias[:family.Lanes], doc.Codes, doc.Scales, doc.Rows(), doc.Dim, 0,
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
		at := lane
		for _, word := range from {
			h.q[at] = word
			at += lanes
		}
	}
}

// int8sOf is the memory of words.
func int8sOf(words []uint32) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(words))), 4*len(words))
}
