package kernel

// F32 is a family of float32 kernels for one number of lanes.
//
// q holds dim blocks of Lanes numbers. d holds rows of dim little-endian numbers,
// stride bytes apart and aligned to nothing: they are read where they lie, be that
// a matrix or a record of a database. A dot product that is NaN is never the largest one.
type F32 struct {
	Lanes int

	// Max raises best[lane] to the lane's largest dot product with any row.
	Max func(q []float32, d []byte, rows, dim, stride int, best []float32)

	// Argmax is Max that also writes first plus the row's number to row[lane]
	// whenever it raises best[lane]. Of equal rows the first one counts.
	Argmax func(q []float32, d []byte, rows, dim, stride, first int, best []float32, row []uint32)

	// Dots writes every dot product: out holds rows blocks of Lanes numbers.
	Dots func(q []float32, d []byte, rows, dim, stride int, out []float32)
}

// I8 is a family of kernels for 8-bit codes and one number of lanes.
//
// A document number is stored as its signed code plus 128, since the processors'
// instructions multiply unsigned by signed bytes. bias takes the 128 out again:
// it is -128 times the sum of the lane's codes. (NEON multiplies signed bytes and
// has no use for it.) q holds dim/4 blocks of 4 codes
// for each lane. Of two neighbours 2i and 2i+1 in one lane, the magnitudes must
// not exceed 128 together, or AVX2's 16-bit sums saturate: 255 * 128 < 2^15.
//
// A product is float32(integer dot product) * scales[row], rounded twice. It is
// compared after the scale: rows whose scales differ are compared fairly.
type I8 struct {
	Lanes int

	// Max, Argmax and Dots do what those of [F32] do, with products.
	Max    func(q []int8, bias []int32, d []uint8, scales []float32, rows, dim int, best []float32)
	Argmax func(q []int8, bias []int32, d []uint8, scales []float32, rows, dim, first int, best []float32, row []uint32)
	Dots   func(q []int8, bias []int32, d []uint8, scales []float32, rows, dim int, out []float32)
}

// TableLanes is how many lanes of a centroid table a scan sums up at once. It is
// the width of AVX2's registers, and half a cache line.
const TableLanes = 32

// Set is one kernel for every purpose. Sets are made once and never change.
type Set struct {
	Name string

	// DimStep divides the dimensions that the set's families can score.
	DimStep int

	// F32 and I8 have the families with the most lanes first.
	F32 []F32
	I8  []I8

	// Widen converts float16 to float32, exactly, NaN to some NaN. The number of
	// numbers is a multiple of DimStep.
	Widen func(dst []float32, src []uint16)

	// Narrow writes rows of a centroid table: lane l of row r becomes
	// src[r*lanes+l]*mul[l] + add[l], rounded to the nearest integer, ties to even,
	// and kept within 0 to 255; NaN is 0. lanes is a multiple of 4, rows of dst are stride
	// bytes apart.
	Narrow func(dst []uint8, stride int, src []float32, lanes int, mul, add []float32)

	// Largest is the largest magnitude of any number, NaN if any number is. The number of
	// numbers is a multiple of DimStep, as that of Quantize.
	Largest func(row []float32) float32

	// Quantize writes, for each number, 128 and how many steps it has: rounded to the nearest
	// integer, ties to even, and kept within -127 to 127. inverse is 1/step, and the numbers
	// are finite. It returns the sums of the squares of what that loses and of what it keeps.
	Quantize func(codes []uint8, row []float32, step, inverse float64) (lost, kept float64)

	// Scan16 and Scan32 add, for each row, the sum over TableLanes lanes of the
	// largest entry that any of the row's ids has in the table. The ids of row r
	// are ids[offsets[r]:offsets[r+1]]; the entries of an id begin at id<<shift.
	Scan16 func(table []uint8, shift int, ids []uint16, offsets, rows, sums []uint32)
	Scan32 func(table []uint8, shift int, ids, offsets, rows, sums []uint32)

	// Near16 and Near32 set marks[i] to 1 where ids[i] has an entry, in any of
	// TableLanes lanes, that is larger than the largest of all ids in that lane less
	// margin, 0 to 255. A lane whose entries are all zero marks nothing.
	Near16 func(table []uint8, shift int, ids []uint16, margin int, marks []uint8)
	Near32 func(table []uint8, shift int, ids []uint32, margin int, marks []uint8)
}
