package maxsim

import (
	"fmt"
	"math"
)

// lanes is how many query rows are scored in one pass over a document. With 4
// lanes and 2 document rows the loop keeps 8 running sums, 2 document numbers
// and the query numbers in amd64's 16 vector registers; more sums spill.
const lanes = 4

// Query is a multi-vector packed for scoring. It is immutable.
type Query struct {
	rows, dim int

	// packed holds groups of `lanes` rows, interleaved: for each dimension the
	// numbers of the group's rows stand together. The last group is filled up
	// with rows of zeros, whose largest dot product is zero and adds nothing.
	packed []float32
}

// NewQuery packs a copy of m. It refuses an empty matrix.
func NewQuery(m Matrix) (*Query, error) {
	if m.Rows() == 0 {
		return nil, fmt.Errorf("pack a query: %w", ErrEmpty)
	}
	q := &Query{rows: m.Rows(), dim: m.Dim}
	groups := (q.rows + lanes - 1) / lanes
	q.packed = make([]float32, groups*lanes*q.dim)
	for row := range q.rows {
		group := q.group(row / lanes)
		for d, x := range m.Row(row) {
			group[d*lanes+row%lanes] = x
		}
	}
	return q, nil
}

// Rows is the number of query vectors.
func (q *Query) Rows() int { return q.rows }

// Dim is the number of dimensions. A document must have as many.
func (q *Query) Dim() int { return q.dim }

// group is the g-th group of packed rows.
func (q *Query) group(g int) []float32 {
	size := lanes * q.dim
	return q.packed[g*size : (g+1)*size]
}

// Score is the MaxSim of the query and doc; larger is better. An empty document
// scores 0. doc must have the query's dimensions: like an index out of range,
// anything else is a mistake of the caller and panics.
func (q *Query) Score(doc Matrix) float32 {
	if doc.Rows() == 0 {
		return 0
	}
	q.mustFit(doc)
	// float64: a page as query has 1,030 rows, and float32 sums of that many lost 2e-3 of a score of 780.
	var score float64
	for g := 0; g*lanes < q.rows; g++ {
		best := newBest()
		best.overRows(q.group(g), doc)
		for _, s := range best.score {
			if s > float32(math.Inf(-1)) {
				score += float64(s)
			}
		}
	}
	return float32(score)
}

// Match is what one query row contributes to a score.
type Match struct {
	Row   int     // the document row with the largest dot product, the first of equals; -1 if there is none
	Score float32 // that dot product; 0 if there is none
}

// Match appends one [Match] for each query row, in order, to dst. Their scores
// add up to the [Query.Score] of doc, but for rounding.
func (q *Query) Match(dst []Match, doc Matrix) []Match {
	if doc.Rows() > 0 {
		q.mustFit(doc)
	}
	for g := 0; g*lanes < q.rows; g++ {
		best := newBest()
		best.overRows(q.group(g), doc)
		for lane := range min(lanes, q.rows-g*lanes) {
			match := Match{Row: best.row[lane], Score: best.score[lane]}
			if match.Row < 0 {
				match.Score = 0
			}
			dst = append(dst, match)
		}
	}
	return dst
}

func (q *Query) mustFit(doc Matrix) {
	if doc.Dim != q.dim {
		panic(fmt.Sprintf("maxsim: a document of %d dimensions for a query of %d", doc.Dim, q.dim))
	}
}

// best is the largest dot product of each lane so far, and its document row.
type best struct {
	score [lanes]float32
	row   [lanes]int
}

func newBest() best {
	none := float32(math.Inf(-1))
	return best{score: [lanes]float32{none, none, none, none}, row: [lanes]int{-1, -1, -1, -1}}
}

// overRows takes in the dot products of a group with every row of doc.
func (b *best) overRows(group []float32, doc Matrix) {
	rows := doc.Rows()
	i := 0
	for ; i+2 <= rows; i += 2 {
		s0, s1 := dotPair(group, doc.Row(i), doc.Row(i+1))
		b.take(i, s0)
		b.take(i+1, s1)
	}
	if i < rows {
		b.take(i, dotOne(group, doc.Row(i)))
	}
}

// take keeps those dot products of document row i that beat the ones before. The
// comparison is false for NaN.
func (b *best) take(i int, dots [lanes]float32) {
	for lane, s := range dots {
		if s > b.score[lane] {
			b.score[lane], b.row[lane] = s, i
		}
	}
}

// dotPair is the dot products of a packed group with two document rows. Two at a
// time, every packed number is loaded once for two products, and eight sums are
// under way, which hides the latency of an addition.
func dotPair(group, x, y []float32) (sx, sy [lanes]float32) {
	y = y[:len(x)]
	var x0, x1, x2, x3, y0, y1, y2, y3 float32
	for d, xd := range x {
		// One check for four loads.
		g := group[:lanes:lanes]
		group = group[lanes:]
		yd := y[d]
		x0 += g[0] * xd
		x1 += g[1] * xd
		x2 += g[2] * xd
		x3 += g[3] * xd
		y0 += g[0] * yd
		y1 += g[1] * yd
		y2 += g[2] * yd
		y3 += g[3] * yd
	}
	return [lanes]float32{x0, x1, x2, x3}, [lanes]float32{y0, y1, y2, y3}
}

// dotOne is dotPair for the last row of an odd count. It adds in the same order,
// so that a row's dot product does not depend on its neighbours.
func dotOne(group, x []float32) [lanes]float32 {
	var x0, x1, x2, x3 float32
	for d, xd := range x {
		g := group[d*lanes : d*lanes+lanes : d*lanes+lanes]
		x0 += g[0] * xd
		x1 += g[1] * xd
		x2 += g[2] * xd
		x3 += g[3] * xd
	}
	return [lanes]float32{x0, x1, x2, x3}
}
