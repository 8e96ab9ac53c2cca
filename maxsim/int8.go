package maxsim

import (
	"math"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim/internal/kernel"
)

// Int8Matrix is a multi-vector in 8-bit codes, a quarter of its size in float32.
// [Quantize] makes one. The number that code c of a row stands for is
// (c-128) * scale.
type Int8Matrix struct {
	Codes  []uint8   // row-major, 1 to 255
	Scales []float32 // one a row; NaN for a row with a number that is not finite
	Dim    int

	// Origins says of each row which one of the matrix that was quantized it is, where rows
	// were put in another order since, or [NoOrigin]; nil: they were not.
	Origins []uint16

	// What [Query.ErrorBound] needs to know of the rows, rounded up.
	Residual float32 // the largest Euclidean distance of a row from what its codes stand for
	Norm     float32 // the largest Euclidean norm of what a row's codes stand for
}

// NoOrigin stands for a row of which it is not known where it comes from.
const NoOrigin = math.MaxUint16

// Origin is the row of the matrix that was quantized that row i is, or [NoOrigin].
func (m Int8Matrix) Origin(i int) uint16 {
	if m.Origins == nil {
		return uint16(i)
	}
	return m.Origins[i]
}

// Rows is the number of vectors.
func (m Int8Matrix) Rows() int { return len(m.Scales) }

func (m Int8Matrix) rowBytes() int { return m.Dim }

func (m Int8Matrix) from(b block) (codes []uint8, scales []float32) {
	return m.Codes[b.first*m.Dim : (b.first+b.rows)*m.Dim], m.Scales[b.first : b.first+b.rows]
}

// AppendRow appends what the codes of row i stand for to dst.
func (m Int8Matrix) AppendRow(dst []float32, i int) []float32 {
	for _, code := range m.Codes[i*m.Dim : (i+1)*m.Dim] {
		dst = append(dst, float32(int(code)-128)*m.Scales[i])
	}
	return dst
}

// Quantize rounds every row to multiples of its largest magnitude / 127. 1,030 rows of 128
// numbers take 0.15 ms with AVX2; without a kernel of its own it was 0.9.
func Quantize(m Matrix) Int8Matrix {
	q := Int8Matrix{Codes: make([]uint8, len(m.Data)), Scales: make([]float32, m.Rows()), Dim: m.Dim}
	set := kernelsFor(m.Dim)
	for i := range q.Scales {
		row := m.Row(i)
		c := quantizeRow(set, q.Codes[i*m.Dim:(i+1)*m.Dim], row, set.Largest(row))
		q.Scales[i] = c.scale
		q.Residual, q.Norm = max(q.Residual, c.residual), max(q.Norm, c.norm)
	}
	return q
}

// codesOfRow is what is known of a row in 8-bit codes. The norms are rounded up.
type codesOfRow struct {
	scale    float32 // NaN, and the rest 0, for a row with a number that is not finite
	residual float32 // Euclidean distance of the row from what its codes stand for
	norm     float32 // Euclidean norm of that
}

// quantizeRow rounds a row to multiples of most/127 and adds 128 to each.
func quantizeRow(set *kernel.Set, codes []uint8, row []float32, most float32) codesOfRow {
	scale := most / 127
	switch {
	case scale == 0:
		fill(codes, 128)
		return codesOfRow{residual: roundUp(norm(row))}
	case scale-scale != 0:
		fill(codes, 128)
		return codesOfRow{scale: float32(math.NaN())}
	}
	step := float64(scale)
	lost, kept := set.Quantize(codes, row, step, 1/step)
	return codesOfRow{scale: scale, residual: roundUp(math.Sqrt(lost)), norm: roundUp(math.Sqrt(kept))}
}

func fill(codes []uint8, code uint8) {
	for d := range codes {
		codes[d] = code
	}
}

func norm(row []float32) float64 {
	var square float64
	for _, x := range row {
		square += float64(x) * float64(x)
	}
	return math.Sqrt(square)
}

// roundUp is a float32 that is not below x, although x was rounded on its way:
// 65,535 additions lose less than 2^-36 of it.
func roundUp(x float64) float32 {
	return math.Nextafter32(float32(x*(1+0x1p-36)), float32(math.Inf(1)))
}

// packedI8 is query rows as [kernel.I8] reads them. Lanes behind the last row are
// zero.
type packedI8 struct {
	kernel kernel.I8
	q      []int8
	bias   []int32
}

// rowsI8 is all rows of a query, packed, and what is known of each.
type rowsI8 struct {
	passes []pass[packedI8]
	codes  []codesOfRow
}

func (q *Query) packI8() rowsI8 {
	families, offered := map[int]kernel.I8{}, []int{}
	for _, family := range q.set.I8 {
		families[family.Lanes] = family
		offered = append(offered, family.Lanes)
	}
	all := rowsI8{codes: make([]codesOfRow, q.Rows())}
	codes := make([]uint8, q.Dim())
	all.passes = passes(q.Rows(), offered, func(first, lanes int) packedI8 {
		p := packedI8{kernel: families[lanes], q: make([]int8, (q.Dim()+3)/4*4*lanes), bias: make([]int32, lanes)}
		for lane := range min(lanes, q.Rows()-first) {
			row := q.matrix.Row(first + lane)
			all.codes[first+lane] = quantizeRow(q.set, codes, row, largestPair(row))
			for d, code := range codes {
				signed := int8(code ^ 0x80)
				p.q[(d/4*lanes+lane)*4+d%4] = signed
				p.bias[lane] -= 128 * int32(signed)
			}
		}
		return p
	})
	return all
}

// largestPair is the largest sum of magnitudes of two neighbours 2i and 2i+1. With
// codes that are multiples of 1/127 of it, each rounded by at most a half, no
// pair of codes exceeds 128, as [kernel.I8] demands. For vectors of ColPali's
// kind that costs a third of a bit against the largest single number.
func largestPair(row []float32) float32 {
	var largest float32
	for i := 0; i < len(row); i += 2 {
		pair := max(row[i], -row[i])
		if i+1 < len(row) {
			pair += max(row[i+1], -row[i+1])
		}
		largest = max(largest, pair)
	}
	return largest
}

func (p packedI8) max(best []float32, doc Int8Matrix, b block) {
	codes, scales := doc.from(b)
	p.kernel.Max(p.q, p.bias, codes, scales, b.rows, doc.Dim, best)
}

func (p packedI8) argmax(best []float32, row []uint32, doc Int8Matrix, b block) {
	codes, scales := doc.from(b)
	p.kernel.Argmax(p.q, p.bias, codes, scales, b.rows, doc.Dim, b.first, best, row)
}

// dots is [packedF32.dots].
func (p packedI8) dots(out []float32, doc Int8Matrix, b block) {
	codes, scales := doc.from(b)
	p.kernel.Dots(p.q, p.bias, codes, scales, b.rows, doc.Dim, out)
}

// ScoreInt8 is the MaxSim of what the codes of the query and of doc stand for. It
// differs from [Query.Score] by no more than [Query.ErrorBound]. A row with a
// number that is not finite, in the query or in doc, is passed over.
func (q *Query) ScoreInt8(doc Int8Matrix) float32 {
	q.mustFitRows(doc.Rows(), doc.Dim)
	rows := q.i8()
	return score(rows.passes, rows.codes, doc)
}

// Run is rows of a document that lie one after another.
type Run struct{ First, Rows int }

// ScoreInt8Runs is [Query.ScoreInt8] of some of doc's rows. It is at most that of all
// rows. The rows are copied together first: a kernel takes several at once, and a run may
// be a single one.
func (q *Query) ScoreInt8Runs(doc Int8Matrix, runs []Run) float32 {
	s := takeScratch()
	defer s.free()
	s.codes, s.scales = s.codes[:0], s.scales[:0]
	for _, r := range runs {
		s.codes = append(s.codes, doc.Codes[r.First*doc.Dim:(r.First+r.Rows)*doc.Dim]...)
		s.scales = append(s.scales, doc.Scales[r.First:r.First+r.Rows]...)
	}
	return q.ScoreInt8(Int8Matrix{Codes: s.codes, Scales: s.scales, Dim: doc.Dim})
}

// Prefetch tells the processor that rows are about to be read, and does not wait for them.
func (m Int8Matrix) Prefetch(runs []Run) {
	for _, r := range runs {
		kernel.Prefetch(m.Codes[r.First*m.Dim : (r.First+r.Rows)*m.Dim])
		kernel.Prefetch(bytesOf(m.Scales[r.First : r.First+r.Rows]))
	}
}

// MatchInt8 is [Query.Match] by codes: which document row has the largest product
// is decided by them. [Query.Refine] then computes what these rows are worth.
func (q *Query) MatchInt8(dst []Match, doc Int8Matrix) []Match {
	q.mustFitRows(doc.Rows(), doc.Dim)
	rows := q.i8()
	return appendMatches(dst, rows.passes, rows.codes, doc)
}

// Refine replaces the score of each match by the float32 dot product with the row
// that it matched in doc, and returns their sum. It is never above the exact
// MaxSim, but for rounding, and most often equals it.
func (q *Query) Refine(matches []Match, doc Matrix) float32 {
	q.mustFitRows(doc.Rows(), doc.Dim)
	var score float64
	for i := range matches {
		if matches[i].Row >= 0 {
			matches[i].Score = vek32.Dot(q.matrix.Row(i), doc.Row(matches[i].Row))
			score += float64(matches[i].Score)
		}
	}
	return float32(score)
}
