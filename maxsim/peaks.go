package maxsim

import (
	"iter"
	"math"
	"math/bits"
	"slices"

	"weaviate-colpali/maxsim/internal/kernel"
)

// peakRows is how many rows of a document share a peak: what fills the tiles of every
// kernel. Of a page 43 calls take 3 % longer than one.
const peakRows = blockStep

// leastPeaked is how many rows a document must have for it to be worth it: with peaks of
// passages of 150 rows a search took 7 % longer, of pages of 800 and 1,030 3 and 15 % less.
const leastPeaked = 256

// Peaks is the largest products of each query row with every few rows of a document in
// 8-bit codes, as [Query.ScoreInt8Peaks] found them. It may be used again for another; the
// zero Peaks is ready.
type Peaks struct {
	lanes int
	best  []float32 // of each lane, for each peakRows rows; none where it was not worth it
}

// ScoreInt8Peaks is [Query.ScoreInt8] that leaves in peaks what [Query.Rescore] needs.
func (q *Query) ScoreInt8Peaks(doc Int8Matrix, peaks *Peaks) float32 {
	q.mustFitRows(doc.Rows(), doc.Dim)
	rows := q.i8()
	peaks.reset(0, 0)
	if !rows.peaked(doc) {
		return q.ScoreInt8(doc)
	}
	s := takeScratch()
	defer s.free()
	p := &rows.passes[0]
	peaks.reset((doc.Rows()+peakRows-1)/peakRows, p.lanes)
	for i, of := range peaks.each() {
		for _, g := range p.groups {
			g.packed.max(of[g.lane:g.lane+g.lanes], doc, peakBlock(i, doc.Rows()))
		}
	}
	peaks.largest(s.best[:p.rows])
	s.scale(0, p.rows, rows.codes)
	return float32(sum(s.best[:p.rows]))
}

func (p *Peaks) reset(blocks, lanes int) {
	p.lanes = lanes
	p.best = slices.Grow(p.best[:0], blocks*lanes)[:blocks*lanes]
	for i := range p.best {
		p.best[i] = none
	}
}

// each is the peaks of one block of rows after the other.
func (p *Peaks) each() iter.Seq2[int, []float32] {
	return func(yield func(int, []float32) bool) {
		for i := range len(p.best) / max(1, p.lanes) {
			if !yield(i, p.best[i*p.lanes:(i+1)*p.lanes]) {
				return
			}
		}
	}
}

// largest is that of the first lanes, over all rows.
func (p *Peaks) largest(best []float32) {
	for lane := range best {
		best[lane] = none
	}
	for _, of := range p.each() {
		for lane, x := range of[:len(best)] {
			best[lane] = max(best[lane], x)
		}
	}
}

func peakBlock(i, rows int) block {
	return block{first: i * peakRows, rows: min(peakRows, rows-i*peakRows)}
}

// peaked tells whether peaks of a document say which of its rows count. Where a row of
// either side has no codes that stand for it nothing is known of it, and of a query of more
// rows than there are bits in a word, several pages, too many rows count anyway.
func (r rowsI8) peaked(doc Int8Matrix) bool {
	return r.passes[0].lanes <= 64 && doc.Rows() >= leastPeaked && doc.Rows() <= NoOrigin &&
		!slices.ContainsFunc(r.codes, func(c codesOfRow) bool { return !(c.scale > 0) }) &&
		!slices.ContainsFunc(doc.Scales, func(scale float32) bool { return scale != scale })
}

// Rescore is [Query.ScoreStrided] of stored, the matrix that doc was quantized from, to the
// last bit. It reads those rows of it alone that doc's peaks leave possible: of 1,030 rows
// of a made-up page some 55. Where they rule out less than half, or doc and stored do not
// fit together, it reads all.
//
// Proof. No product of codes is farther from the float32 product of its rows than E, the
// query row's part of [Query.ErrorBound]. Let the largest product of codes be b, and let r
// be the row with the largest float32 product. That is at least b - E, as the row of b has
// such a one; so the product of r's codes is at least b - 2*E. Only rows that reach this
// for some query row are read, and what they score does not depend on their neighbours.
func (q *Query) Rescore(doc Int8Matrix, peaks *Peaks, stored Strided) float32 {
	q.mustFitRows(stored.Rows(), stored.Dim)
	if len(peaks.best) == 0 || stored.Rows() != doc.Rows() {
		return q.ScoreStrided(stored)
	}
	s := takeScratch()
	defer s.free()
	least, ok := q.leastProducts(s, doc, peaks)
	if !ok || !s.takePossible(&q.i8().passes[0], doc, peaks, least) {
		return q.ScoreStrided(stored)
	}
	return q.ScoreStrided(s.gather(stored))
}

// leastProducts is the product of codes that a row must reach, for each query row, to be
// the best one; it is not ok where there is no such number.
func (q *Query) leastProducts(s *scratch, doc Int8Matrix, peaks *Peaks) (least []float32, ok bool) {
	least = s.best[:q.Rows()]
	peaks.largest(least)
	for lane, c := range q.i8().codes {
		apart := 2 * q.errorOf(c, doc) / float64(c.scale)
		least[lane] = math.Nextafter32(float32(float64(least[lane])-apart*(1+0x1p-20)), none)
		if !(least[lane] > none) {
			return nil, false
		}
	}
	return least, true
}

// takePossible leaves in s.rows the origins of rows that reach the least product of some
// lane. It is false where an origin is unknown, or where these are more than half of the
// rows: to score all of them where they lie is faster then.
func (s *scratch) takePossible(p *pass[packedI8], doc Int8Matrix, peaks *Peaks, least []float32) bool {
	s.rows = s.rows[:0]
	for i, of := range peaks.each() {
		lanes := lanesAbove(of[:len(least)], least)
		if lanes == 0 {
			continue
		}
		b := peakBlock(i, doc.Rows())
		for rows := s.rowsAbove(p, doc, b, lanes, least); rows != 0; rows &= rows - 1 {
			origin := doc.Origin(b.first + bits.TrailingZeros64(rows))
			if int(origin) >= doc.Rows() || 2*len(s.rows) >= doc.Rows() {
				return false
			}
			s.rows = append(s.rows, uint32(origin))
		}
	}
	return true
}

// lanesAbove has a bit for each lane whose product reaches the least.
func lanesAbove(products, least []float32) (lanes uint64) {
	for lane, x := range products {
		if x >= least[lane] {
			lanes |= 1 << lane
		}
	}
	return lanes
}

// rowsAbove has a bit for each row of a block whose product reaches the least in one of the
// lanes.
func (s *scratch) rowsAbove(p *pass[packedI8], doc Int8Matrix, b block, lanes uint64, least []float32) (rows uint64) {
	for _, g := range p.groups {
		of := lanes >> g.lane & (1<<g.lanes - 1)
		if of == 0 {
			continue
		}
		products := s.floatsOf(b.rows * g.lanes)
		g.packed.dots(products, doc, b)
		for ; of != 0; of &= of - 1 {
			lane := bits.TrailingZeros64(of)
			for row := range b.rows {
				if products[row*g.lanes+lane] >= least[g.lane+lane] {
					rows |= 1 << row
				}
			}
		}
	}
	return rows
}

// gather is a copy of the rows in s.rows. Each is announced before the first is copied:
// they lie far apart.
func (s *scratch) gather(stored Strided) Strided {
	width := 4 * stored.Dim
	row := func(r uint32) []byte { return stored.Data[int(r)*stored.Stride:][:width] }
	for _, r := range s.rows {
		kernel.Prefetch(row(r))
	}
	gathered := bytesOf(s.floatsOf(len(s.rows) * stored.Dim))
	for i, r := range s.rows {
		copy(gathered[i*width:], row(r))
	}
	return Strided{Data: gathered, Dim: stored.Dim, Stride: width}
}
