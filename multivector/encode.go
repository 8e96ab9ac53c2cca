package multivector

import (
	"context"
	"runtime"
	"sync/atomic"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

// generation is one training's codebook.
type generation struct {
	file      uint64 // number of the file that holds it, 0: none does
	documents int    // that there were at the training
	codebook  *codebook.Codebook
	centroids maxsim.Int8Matrix
	since     drift
	opened    bool // read from a file, and the worker has not looked back yet
}

// wide tells whether the centroids need ids of 32 bits.
func (g *generation) wide() bool { return g.centroids.Rows() > 1<<16 }

// encode makes a part of documents, with codes of the current codebook.
func (x *Index) encode(documents []Document) (*part, error) {
	x.mu.RLock()
	g := x.generation
	x.mu.RUnlock()
	m := &inMemory{}
	for _, d := range documents {
		m.ids = append(m.ids, d.ID)
		m.vectors = append(m.vectors, maxsim.Quantize(d.Vectors))
	}
	p := newPart(m, 0)
	if g == nil {
		return p, nil
	}
	c, since, err := g.code(context.Background(), p, g.codebook.MeanCosine()-x.limits.strangeCosine)
	if err == nil {
		err = x.setCodes(p, c)
	}
	if err != nil {
		return nil, err
	}
	g.since.add(since)
	return p, nil
}

// code finds the centroids of documents. One whose vectors' mean cosine to theirs is
// below leastCosine is a stranger: it gets none, since they would say nothing of it.
func (g *generation) code(ctx context.Context, d documents, leastCosine float32) (c *coded, near nearness, err error) {
	c = newCoded(g)
	for i := range d.Documents() {
		runtime.Gosched() // a page takes milliseconds, and a search may wait for the core
		if ctx.Err() != nil {
			return nil, nearness{}, ctx.Err()
		}
		ids, cosine := g.codebook.CodesInt8(nil, d.Document(i))
		near.sum += float64(cosine)
		near.documents++
		if len(ids) > 0 && cosine < leastCosine {
			near.strangers++
			ids = nil
		}
		c.add(ids)
	}
	return c, near, nil
}

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

	// postings is nil while there are none.
	postings atomic.Pointer[postings]
}

// searchable is a [maxsim.Codes] of either width.
type searchable interface {
	Top(dst []maxsim.Candidate, t *maxsim.CentroidTable, n int, documents []uint32) []maxsim.Candidate
}

func newCoded(g *generation) *coded { return &coded{generation: g, offsets: []uint32{0}} }

// add appends a document.
func (c *coded) add(ids []uint32) {
	if c.generation.wide() {
		c.wide = append(c.wide, ids...)
	} else {
		for _, id := range ids {
			c.narrow = append(c.narrow, uint16(id))
		}
	}
	c.offsets = append(c.offsets, uint32(len(c.wide)+len(c.narrow)))
}

// known tells whether a document has centroids.
func (c *coded) known(i uint32) bool { return c.offsets[i] < c.offsets[i+1] }

// strangers is how many documents have no centroids.
func (c *coded) strangers() (n int) {
	for i := range len(c.offsets) - 1 {
		if !c.known(uint32(i)) {
			n++
		}
	}
	return n
}

// of is the centroids of a document.
func (c *coded) of(i int) []uint32 {
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

// check makes the documents searchable, unless an id names no centroid.
func (c *coded) check() (err error) {
	if c.generation.wide() {
		c.searchable, err = maxsim.NewCodes(c.wide, c.offsets, c.generation.centroids.Rows())
	} else {
		c.searchable, err = maxsim.NewCodes(c.narrow, c.offsets, c.generation.centroids.Rows())
	}
	return err
}
