package multivector

import (
	"fmt"
	"sync/atomic"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
	"weaviate-colpali/multivector/internal/format"
)

// coded is the centroids of documents: those of document i are number offsets[i]
// to offsets[i+1] of the ids, which are narrow or wide. Of a document without any
// nothing is known.
type coded struct {
	generation *generation
	narrow     []uint16
	wide       []uint32
	offsets    []uint32
	searchable searchable
	file       uint64 // that holds them, 0: none does

	// Of each id, how many of its document's rows are nearest to its centroid, and their
	// numbers; those of document i begin at firsts[i]. Of files that older programs wrote
	// there are none. They lie in the mapped file, if there is one: 2 KB a page.
	counts, rows []uint16
	firsts       []uint64
	lined        bool // they count up: the documents' rows lie in the order of their centroids

	// postings is nil while there are none.
	postings atomic.Pointer[postings]
}

// searchable is a [maxsim.Codes] of either width.
type searchable interface {
	Top(dst []maxsim.Candidate, t *maxsim.CentroidTable, n int, documents []uint32) []maxsim.Candidate
	Near(marks []uint8, t *maxsim.CentroidTable, document, margin int)
}

func newCoded(g *generation) *coded {
	return &coded{generation: g, offsets: []uint32{0}, firsts: []uint64{0}}
}

// openedCodes is the codes in a file.
func openedCodes(g *generation, stored *format.Codes, file uint64) *coded {
	c := &coded{
		generation: g, narrow: stored.IDs16, wide: stored.IDs32, offsets: stored.Offsets, file: file,
		counts: stored.Counts, rows: stored.Rows,
	}
	if c.tellsRows() {
		c.firsts = make([]uint64, len(c.offsets))
		for i := range len(c.offsets) - 1 {
			c.firsts[i+1] = c.firsts[i]
			for _, count := range c.counts[c.offsets[i]:c.offsets[i+1]] {
				c.firsts[i+1] += uint64(count)
			}
		}
	}
	return c
}

// add appends a document.
func (c *coded) add(codes codebook.Codes) {
	if c.generation.wide() {
		c.wide = append(c.wide, codes.IDs...)
	} else {
		for _, id := range codes.IDs {
			c.narrow = append(c.narrow, uint16(id))
		}
	}
	c.offsets = append(c.offsets, uint32(len(c.wide)+len(c.narrow)))
	c.counts = append(c.counts, codes.Counts...)
	c.rows = append(c.rows, codes.Rows...)
	c.firsts = append(c.firsts, uint64(len(c.rows)))
}

// known tells whether a document has centroids.
func (c *coded) known(i uint32) bool { return c.offsets[i] < c.offsets[i+1] }

// tellsRows tells whether it is known which rows a centroid has.
func (c *coded) tellsRows() bool { return len(c.counts) > 0 || len(c.narrow)+len(c.wide) == 0 }

// strangers is how many documents have no centroids.
func (c *coded) strangers() (n int) {
	for i := range len(c.offsets) - 1 {
		if !c.known(uint32(i)) {
			n++
		}
	}
	return n
}

// ids is the centroids of a document.
func (c *coded) ids(i int) []uint32 {
	from, to := c.offsets[i], c.offsets[i+1]
	if c.generation.wide() {
		return c.wide[from:to]
	}
	ids := make([]uint32, 0, to-from)
	for _, id := range c.narrow[from:to] {
		ids = append(ids, uint32(id))
	}
	return ids
}

// of is what is known of a document; the rows must be known.
func (c *coded) of(i int) codebook.Codes {
	return codebook.Codes{
		IDs: c.ids(i), Counts: c.counts[c.offsets[i]:c.offsets[i+1]], Rows: c.rows[c.firsts[i]:c.firsts[i+1]],
	}
}

// check makes the documents searchable, unless an id names no centroid. It also finds out
// the order of their rows, while nobody waits: later they may have to come from the disk.
func (c *coded) check() (err error) {
	c.lined = c.tellsRows() && c.ordered()
	if c.generation.wide() {
		c.searchable, err = maxsim.NewCodes(c.wide, c.offsets, c.generation.centroids.Rows())
	} else {
		c.searchable, err = maxsim.NewCodes(c.narrow, c.offsets, c.generation.centroids.Rows())
	}
	return err
}

// fits fails unless the codes can be those of documents.
func (c *coded) fits(d documents) error {
	if len(c.offsets) != d.Documents()+1 {
		return fmt.Errorf("%w: codes of %d documents for %d", format.ErrCorrupt, len(c.offsets)-1, d.Documents())
	}
	if !c.tellsRows() {
		return nil
	}
	for i := range d.Documents() {
		rows, coded := d.Document(i).Rows(), c.rows[c.firsts[i]:c.firsts[i+1]]
		if len(coded) > rows {
			return fmt.Errorf("%w: centroids of %d rows of document %d, which has %d", format.ErrCorrupt, len(coded), i, rows)
		}
		for _, row := range coded {
			if int(row) >= rows {
				return fmt.Errorf("%w: a centroid of row %d of document %d, which has %d", format.ErrCorrupt, row, i, rows)
			}
		}
	}
	return nil
}
