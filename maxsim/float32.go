package maxsim

import "weaviate-colpali/maxsim/internal/kernel"

// packedF32 is query rows as [kernel.F32] reads them. Lanes behind the last row
// are zero.
type packedF32 struct {
	kernel kernel.F32
	q      []float32
}

func (q *Query) packF32() []pass[packedF32] {
	families, offered := map[int]kernel.F32{}, []int{}
	for _, family := range q.set.F32 {
		families[family.Lanes] = family
		offered = append(offered, family.Lanes)
	}
	return passes(q.Rows(), offered, func(first, lanes int) packedF32 {
		p := packedF32{kernel: families[lanes], q: make([]float32, lanes*q.Dim())}
		for lane := range min(lanes, q.Rows()-first) {
			for d, x := range q.matrix.Row(first + lane) {
				p.q[d*lanes+lane] = x
			}
		}
		return p
	})
}

func (p packedF32) max(best []float32, doc Strided, b block) {
	p.kernel.Max(p.q, doc.from(b), b.rows, doc.Dim, doc.Stride, best)
}

func (p packedF32) argmax(best []float32, row []uint32, doc Strided, b block) {
	p.kernel.Argmax(p.q, doc.from(b), b.rows, doc.Dim, doc.Stride, b.first, best, row)
}

// dots writes every product with the rows of a block, those of one row side by side.
func (p packedF32) dots(out []float32, doc Strided, b block) {
	p.kernel.Dots(p.q, doc.from(b), b.rows, doc.Dim, doc.Stride, out)
}
