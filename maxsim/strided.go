package maxsim

import "unsafe"

// Strided is a multi-vector inside of something else, such as a database's record:
// rows of little-endian float32, Stride bytes apart and aligned to nothing. It is
// scored where it lies.
type Strided struct {
	Data   []byte // from the first row to the end of the last one
	Dim    int    // numbers of a row
	Stride int    // at least 4*Dim
}

// Rows is the number of vectors.
func (m Strided) Rows() int {
	if m.Dim == 0 || len(m.Data) < 4*m.Dim {
		return 0
	}
	return (len(m.Data)-4*m.Dim)/m.Stride + 1
}

func (m Strided) rowBytes() int { return m.Stride }

// from is the bytes from the first row of a block to the end of its last one.
func (m Strided) from(b block) []byte {
	return m.Data[b.first*m.Stride : (b.first+b.rows-1)*m.Stride+4*m.Dim]
}

// Matrix is a copy of the rows.
func (m Strided) Matrix() Matrix {
	rows := m.Rows()
	copied := Matrix{Data: make([]float32, rows*m.Dim), Dim: m.Dim}
	bytes := copied.strided().Data
	for i := range rows {
		copy(bytes[4*i*m.Dim:4*(i+1)*m.Dim], m.Data[i*m.Stride:])
	}
	return copied
}

// strided is the same rows as bytes. endian.go sees to it that float32 lies in
// memory as a Strided says.
func (m Matrix) strided() Strided {
	return Strided{Data: bytesOf(m.Data), Dim: m.Dim, Stride: 4 * m.Dim}
}

// bytesOf is the memory of numbers.
func bytesOf(numbers []float32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(numbers))), 4*len(numbers))
}
