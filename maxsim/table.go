package maxsim

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"weaviate-colpali/maxsim/internal/kernel"
)

// CentroidTable holds the dot products of every centroid with every query row, a
// byte each: what PLAID's centroid interaction looks up (Santhanam et al. 2022,
// arXiv:2205.09707). The entries of one centroid lie side by side, so that a
// document is a maximum over as many rows as it has distinct centroids.
//
// An entry e stands for e*step - most, where most is the largest magnitude that a
// dot product can have here, and is within half a step of the dot product of what
// the codes of the query and of the centroid stand for. The zero CentroidTable is
// ready for [CentroidTable.Build].
type CentroidTable struct {
	set       *kernel.Set
	entries   []uint8
	shift     int // the entries of centroid c begin at c << shift
	chunks    int // of kernel.TableLanes lanes
	centroids int
	rows      int // query rows that have entries
	most      float64
	mul, add  []float32 // for each lane, what makes an entry of a product
}

// entryMost is the largest entry.
const entryMost = 255

// Build fills the table for a query and the centroids of a codebook, reusing its
// memory. Rows of the query that are not finite count for nothing.
func (t *CentroidTable) Build(q *Query, centroids Int8Matrix) {
	q.mustFitRows(centroids.Rows(), centroids.Dim)
	t.set = q.set
	rows := q.i8()
	t.layOut(rows.passes, centroids.Rows())
	t.scaleTo(rows.codes, float64(centroids.Norm))
	s := takeScratch()
	defer s.free()
	for _, p := range rows.passes {
		for _, g := range p.groups {
			t.fill(s, p.first+g.lane, g, centroids)
		}
	}
}

// layOut makes room for the entries. The lanes of a centroid are a power of two,
// so that a scan shifts where it would have to multiply.
func (t *CentroidTable) layOut(passes []pass[packedI8], centroids int) {
	last := passes[len(passes)-1]
	lanes := last.first + last.lanes
	t.centroids = centroids
	t.chunks = (lanes + kernel.TableLanes - 1) / kernel.TableLanes
	t.shift = bits.Len(uint(t.chunks*kernel.TableLanes - 1))
	t.entries = slices.Grow(t.entries[:0], centroids<<t.shift)[:centroids<<t.shift]
	clear(t.entries) // lanes that no group has
	t.mul = slices.Grow(t.mul[:0], lanes)[:lanes]
	t.add = slices.Grow(t.add[:0], lanes)[:lanes]
}

// scaleTo chooses the step: no dot product is larger than the norms of its factors.
func (t *CentroidTable) scaleTo(codes []codesOfRow, centroidNorm float64) {
	t.most, t.rows = 0, 0
	for _, c := range codes {
		t.most = max(t.most, float64(c.norm)*centroidNorm)
	}
	clear(t.mul)
	clear(t.add)
	for row, c := range codes {
		if c.scale-c.scale != 0 {
			continue
		}
		t.rows++
		t.add[row] = entryMost / 2.0
		if t.most > 0 {
			t.mul[row] = float32(float64(c.scale) / t.step())
		}
	}
}

func (t *CentroidTable) step() float64 { return 2 * t.most / entryMost }

// fill writes the entries of one group's lanes.
func (t *CentroidTable) fill(s *scratch, lane int, g group[packedI8], centroids Int8Matrix) {
	for b := firstBlock(centroids.Rows(), 4*g.lanes, 2); b.rows > 0; b = b.next() {
		products := s.floatsOf(b.rows * g.lanes)
		g.packed.dots(products, centroids, b)
		t.set.Narrow(t.entries[b.first<<t.shift+lane:], 1<<t.shift, products, g.lanes, t.mul[lane:], t.add[lane:])
	}
}

// Estimate is the approximate MaxSim that a sum of entries stands for. That of a
// document without centroids is below all others.
func (t *CentroidTable) Estimate(sum uint32) float32 {
	return float32(float64(sum)*t.step() - float64(t.rows)*t.most)
}

// Most is the largest estimate that there can be: for unit vectors, the number of the
// query's rows.
func (t *CentroidTable) Most() float32 { return float32(float64(t.rows) * t.most) }

// Codes is documents as lists of the distinct centroids nearest to their rows.
type Codes[ID uint16 | uint32] struct {
	ids       []ID
	offsets   []uint32
	centroids int
}

// ErrCodes says that centroid ids cannot be what they are said to be.
var ErrCodes = errors.New("the centroid codes are damaged")

// NewCodes checks codes, which it does not copy: the ids of document i are
// ids[offsets[i]:offsets[i+1]], and each is below centroids. Everything that scans
// them relies on that, so that ids from a file that was tampered with do no harm.
func NewCodes[ID uint16 | uint32](ids []ID, offsets []uint32, centroids int) (Codes[ID], error) {
	if len(offsets) == 0 || offsets[0] != 0 || int64(offsets[len(offsets)-1]) != int64(len(ids)) {
		return Codes[ID]{}, fmt.Errorf("%w: the offsets do not span the %d ids", ErrCodes, len(ids))
	}
	for i := range len(offsets) - 1 {
		if offsets[i] > offsets[i+1] {
			return Codes[ID]{}, fmt.Errorf("%w: document %d ends before it begins", ErrCodes, i)
		}
	}
	for i, id := range ids {
		if int64(id) >= int64(centroids) {
			return Codes[ID]{}, fmt.Errorf("%w: id %d at %d, but there are %d centroids", ErrCodes, id, i, centroids)
		}
	}
	return Codes[ID]{ids: ids, offsets: offsets, centroids: centroids}, nil
}

// Documents is how many documents there are.
func (c Codes[ID]) Documents() int { return max(0, len(c.offsets)-1) }

// scan sets sums to those of some documents.
func (c Codes[ID]) scan(t *CentroidTable, documents, sums []uint32) {
	clear(sums)
	for chunk := range t.chunks {
		table := t.entries[chunk*kernel.TableLanes:]
		switch ids := any(c.ids).(type) {
		case []uint16:
			t.set.Scan16(table, t.shift, ids, c.offsets, documents, sums)
		case []uint32:
			t.set.Scan32(table, t.shift, ids, c.offsets, documents, sums)
		}
	}
}

// Near sets marks, one for each id of a document, to 1 where the id's centroid is nearly
// the document's best for a row of the query: fewer than margin steps below it, where
// 255 steps are all that there can be between two. The others are 0.
func (c Codes[ID]) Near(marks []uint8, t *CentroidTable, document, margin int) {
	c.mustFit(t)
	ids := c.ids[c.offsets[document]:c.offsets[document+1]]
	marks = marks[:len(ids)]
	clear(marks)
	for chunk := range t.chunks {
		table := t.entries[chunk*kernel.TableLanes:]
		switch ids := any(ids).(type) {
		case []uint16:
			t.set.Near16(table, t.shift, ids, margin, marks)
		case []uint32:
			t.set.Near32(table, t.shift, ids, margin, marks)
		}
	}
}

// mustFit panics when a table has fewer centroids than the codes may name.
func (c Codes[ID]) mustFit(t *CentroidTable) {
	if c.centroids > t.centroids {
		panic(fmt.Sprintf("maxsim: codes of %d centroids for a table of %d", c.centroids, t.centroids))
	}
}
