package maxsim

import (
	"fmt"
	"math"
)

// HalfMatrix is a multi-vector in float16 (IEEE 754 binary16), half of its size in
// float32.
type HalfMatrix struct {
	Data []uint16 // the bits, row-major; len(Data) is a multiple of Dim
	Dim  int
}

// MaxHalf is the largest number of a [HalfMatrix].
const MaxHalf = 65504

// ToHalf rounds every number to the nearest float16, ties to even. It fails with
// [ErrNotFinite] for numbers beyond [MaxHalf].
func ToHalf(m Matrix) (HalfMatrix, error) {
	h := HalfMatrix{Data: make([]uint16, len(m.Data)), Dim: m.Dim}
	for i, x := range m.Data {
		if !(x >= -MaxHalf && x <= MaxHalf) {
			return HalfMatrix{}, fmt.Errorf("%w as float16: %v at row %d, dimension %d; the largest magnitude is %d: keep float32",
				ErrNotFinite, x, i/m.Dim, i%m.Dim, MaxHalf)
		}
		h.Data[i] = half(x)
	}
	return h, nil
}

// half rounds to the nearest float16, ties to even. A step of float16 is 13 bits of
// float32's fraction; what is added before they are cut off carries into the rest,
// and from there into the exponent, when it is more than half of a step, or half
// of one and the rest odd. Below 2^-14 float16 has steps of 2^-24 throughout.
func half(x float32) uint16 {
	bits := math.Float32bits(x)
	sign, magnitude := uint16(bits>>16&0x8000), bits&^(1<<31)
	if small := float64(math.Float32frombits(magnitude)); small < 0x1p-14 {
		return sign | uint16(math.RoundToEven(small*0x1p24))
	}
	rounded := magnitude + 0xfff + magnitude>>13&1
	return sign | uint16(rounded>>13-(127-15)<<10)
}

// Rows is the number of vectors.
func (m HalfMatrix) Rows() int {
	if m.Dim == 0 {
		return 0
	}
	return len(m.Data) / m.Dim
}

// halfBlockBytes is how much float32 is made of float16 rows at a time: it stays
// in the first level of cache.
const halfBlockBytes = 16 << 10

// ScoreHalf is [Query.Score] of what doc stands for, to the last bit: float16 is
// widened without loss, block by block.
func (q *Query) ScoreHalf(doc HalfMatrix) float32 {
	if doc.Rows() == 0 {
		return 0
	}
	q.mustFit(doc.Dim)
	s := takeScratch()
	defer s.free()
	size := max(1, halfBlockBytes/(4*doc.Dim*blockStep)) * blockStep
	var score float64
	for _, p := range q.f32() {
		s.reset(p.lanes)
		for b := (block{total: doc.Rows(), size: size}).at(0); b.rows > 0; b = b.next() {
			wide := Matrix{Data: s.floatsOf(b.rows * doc.Dim), Dim: doc.Dim}
			q.set.Widen(wide.Data, doc.Data[b.first*doc.Dim:(b.first+b.rows)*doc.Dim])
			for _, g := range p.groups {
				g.packed.max(s.best[g.lane:g.lane+g.lanes], wide.strided(), block{rows: b.rows})
			}
		}
		score += sum(s.best[:p.rows])
	}
	return float32(score)
}
