package multivector

import (
	"context"
	"runtime"

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
	var codes codebook.Codes
	for i := range d.Documents() {
		runtime.Gosched() // a page takes milliseconds, and a search may wait for the core
		if ctx.Err() != nil {
			return nil, nearness{}, ctx.Err()
		}
		cosine := g.codebook.CodesInt8(&codes, d.Document(i))
		near.sum += float64(cosine)
		near.documents++
		if len(codes.IDs) > 0 && cosine < leastCosine {
			near.strangers++
			codes = codebook.Codes{}
		}
		c.add(codes)
	}
	return c, near, nil
}
