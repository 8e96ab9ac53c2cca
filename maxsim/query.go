package maxsim

import (
	"fmt"
	"slices"
	"sync"

	"weaviate-colpali/maxsim/internal/kernel"
)

// Query is a multi-vector packed for scoring. It is immutable: any number of
// goroutines may score with it at once.
type Query struct {
	matrix Matrix // its own copy
	set    *kernel.Set
	// What the first to ask packs: to pack a page takes as long as to score it with
	// hundreds of others, and hardly anything scores with both.
	f32 func() []pass[packedF32]
	i8  func() rowsI8
}

// NewQuery makes a query of a copy of m. It refuses an empty matrix. The rows are
// packed in float32 and in 8-bit codes, each when it is first asked for.
func NewQuery(m Matrix) (*Query, error) {
	if m.Rows() == 0 {
		return nil, fmt.Errorf("pack a query: %w", ErrEmpty)
	}
	q := &Query{matrix: Matrix{Data: slices.Clone(m.Data), Dim: m.Dim}, set: kernelsFor(m.Dim)}
	q.f32, q.i8 = sync.OnceValue(q.packF32), sync.OnceValue(q.packI8)
	return q, nil
}

// Rows is the number of query vectors.
func (q *Query) Rows() int { return q.matrix.Rows() }

// Dim is the number of dimensions. A document must have as many.
func (q *Query) Dim() int { return q.matrix.Dim }

// Score is the MaxSim of the query and doc; larger is better. An empty document
// scores 0. doc must have the query's dimensions: like an index out of range,
// anything else is a mistake of the caller and panics.
func (q *Query) Score(doc Matrix) float32 { return q.ScoreStrided(doc.strided()) }

// ScoreStrided is [Query.Score] of rows that lie in something else.
func (q *Query) ScoreStrided(doc Strided) float32 {
	q.mustFitRows(doc.Rows(), doc.Dim)
	return score(q.f32(), nil, doc)
}

// score is the sum of every query row's largest product, times its scale where
// there are codes.
func score[D document, P packed[D]](passes []pass[P], codes []codesOfRow, doc D) float32 {
	if doc.Rows() == 0 {
		return 0
	}
	s := takeScratch()
	defer s.free()
	var score float64
	for i := range passes {
		p := &passes[i]
		largest(s, p, doc)
		s.scale(p.first, p.rows, codes)
		score += sum(s.best[:p.rows])
	}
	return float32(score)
}

// scale turns the products of 8-bit codes into dot products.
func (s *scratch) scale(first, rows int, codes []codesOfRow) {
	if codes == nil {
		return
	}
	for i := range rows {
		s.best[i] *= codes[first+i].scale
	}
}

// sum adds up the largest dot products of query rows that have one. It adds in
// float64: a page as query has 1,030 rows, and float32 sums of that many lost
// 2e-3 of a score of 780. The comparison is false for NaN.
func sum(best []float32) float64 {
	var score float64
	for _, x := range best {
		if x > none {
			score += float64(x)
		}
	}
	return score
}

// Match is what one query row contributes to a score.
type Match struct {
	Row   int     // the document row with the largest dot product, the first of equals; -1 if there is none
	Score float32 // that dot product; 0 if there is none
}

// Match appends one [Match] for each query row, in order, to dst. Their scores
// add up to the [Query.Score] of doc, but for rounding.
func (q *Query) Match(dst []Match, doc Matrix) []Match {
	q.mustFitRows(doc.Rows(), doc.Dim)
	return appendMatches(dst, q.f32(), nil, doc.strided())
}

// appendMatches is score that tells whose products they are.
func appendMatches[D document, P packed[D]](dst []Match, passes []pass[P], codes []codesOfRow, doc D) []Match {
	s := takeScratch()
	defer s.free()
	for i := range passes {
		p := &passes[i]
		matches(s, p, doc)
		s.scale(p.first, p.rows, codes)
		dst = s.appendMatches(dst, p.rows)
	}
	return dst
}

// appendMatches appends what the first lanes matched.
func (s *scratch) appendMatches(dst []Match, lanes int) []Match {
	for lane := range lanes {
		match := Match{Row: -1}
		// A row may have been matched by a product that a scale made NaN since.
		if row := s.row[lane]; row != noRow && s.best[lane] > none {
			match = Match{Row: int(row), Score: s.best[lane]}
		}
		dst = append(dst, match)
	}
	return dst
}

// Dots appends the dot products of each row of doc with every query row to dst:
// doc.Rows() blocks of [Query.Rows] numbers. Those of one block are what a page's
// patch has to say to each word of a question.
func (q *Query) Dots(dst []float32, doc Matrix) []float32 {
	q.mustFitRows(doc.Rows(), doc.Dim)
	s := takeScratch()
	defer s.free()
	begin, columns := len(dst), q.Rows()
	dst = slices.Grow(dst, doc.Rows()*columns)[:begin+doc.Rows()*columns]
	for _, p := range q.f32() {
		for _, g := range p.groups {
			q.dots(s, dst[begin:], p.first+g.lane, g, doc.strided())
		}
	}
	return dst
}

// dots writes the columns of one group, from a column on.
func (q *Query) dots(s *scratch, dst []float32, column int, g group[packedF32], doc Strided) {
	columns := q.Rows()
	for b := firstBlock(doc.Rows(), doc.rowBytes(), 2); b.rows > 0; b = b.next() {
		products := s.floatsOf(b.rows * g.lanes)
		g.packed.dots(products, doc, b)
		for row := range b.rows {
			at := (b.first+row)*columns + column
			copy(dst[at:at+min(g.lanes, columns-column)], products[row*g.lanes:])
		}
	}
}

func (q *Query) mustFitRows(rows, dim int) {
	if rows > 0 {
		q.mustFit(dim)
	}
}

func (q *Query) mustFit(dim int) {
	if dim != q.Dim() {
		panic(fmt.Sprintf("maxsim: a document of %d dimensions for a query of %d", dim, q.Dim()))
	}
}
