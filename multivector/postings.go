package multivector

import (
	"context"
	"math"
	"slices"

	"weaviate-colpali/maxsim"
)

// postings is which documents of a part have each centroid: those of centroid c are
// number starts[c] to starts[c+1] of the rows, in ascending order.
//
// They take two bytes for each centroid of a document, as much as its narrow codes:
// 160 to 220 bytes for a page of 80 to 110, and four bytes for each centroid of the
// codebook: 16 a page for 65,536 of them and 16,384 pages. Only a large index has
// them, see [limits].
type postings struct {
	starts    []uint32
	rows      []uint16
	strangers []uint16 // documents without centroids
}

// listNext lists the documents of a part by their centroids, in a large index.
func (x *Index) listNext(context.Context) (done bool, err error) {
	x.mu.RLock()
	documents, parts := len(x.where), slices.Clone(x.parts)
	x.mu.RUnlock()
	if documents < x.limits.postings {
		return false, nil
	}
	for _, p := range parts {
		if c := p.coded.Load(); c != nil && c.postings.Load() == nil && c.worthListing() {
			c.postings.Store(c.list())
			return true, nil
		}
	}
	return false, nil
}

// worthListing tells parts of a size for postings. Those of few documents would have
// more starts than rows, and take no time to scan; parts with more documents than a
// row can number are not made by merging.
func (c *coded) worthListing() bool {
	ids, documents := len(c.narrow)+len(c.wide), len(c.offsets)-1
	return ids >= c.generation.centroids.Rows() && documents <= math.MaxUint16+1
}

// list makes postings.
func (c *coded) list() *postings {
	if c.generation.wide() {
		return newPostings(c.wide, c.offsets, c.generation.centroids.Rows())
	}
	return newPostings(c.narrow, c.offsets, c.generation.centroids.Rows())
}

func newPostings[ID uint16 | uint32](ids []ID, offsets []uint32, centroids int) *postings {
	// While rows are filled in, the next of centroid c goes to starts[c+1].
	starts := make([]uint32, centroids+2)
	for _, id := range ids {
		starts[int(id)+2]++
	}
	for c := 1; c < len(starts); c++ {
		starts[c] += starts[c-1]
	}
	rows := make([]uint16, len(ids))
	var strangers []uint16
	for row := range len(offsets) - 1 {
		if offsets[row] == offsets[row+1] {
			strangers = append(strangers, uint16(row))
		}
		for _, id := range ids[offsets[row]:offsets[row+1]] {
			rows[starts[int(id)+1]] = uint16(row)
			starts[int(id)+1]++
		}
	}
	return &postings{starts: starts[:centroids+1], rows: rows, strangers: strangers}
}

// of is the documents that have a centroid.
func (p *postings) of(centroid uint32) []uint16 {
	return p.rows[p.starts[centroid]:p.starts[centroid+1]]
}

// nearestCentroids is how many centroids of each row of a query a document must have
// one of. Of 2,500 made-up pages (package workload) with 32,768 centroids, 16 list 45 %,
// with all of the best 10 and 96 of the best 100; 8 list 30 %, with 91 of the best 100.
const nearestCentroids = 16

// nearest is how many that is of a codebook: fewer of one of less than 8,192, of which
// as many would list nearly every document.
func (g *generation) nearest() int { return max(1, min(nearestCentroids, g.centroids.Rows()/512)) }

// sifted is the candidates that have one of the centroids nearest to the query's rows,
// and those of parts without postings. It is all of them where that takes too long to
// find out or leaves fewer than n.
//
// To find out takes 7 ms of a million documents, to scan them 200. With no more postings
// than candidates about half of the documents or more are not scanned; with more, too
// few would be left out. A filter that turns most documents away makes it so.
func (c candidates) sifted(query *maxsim.Query, n int, tables tables) candidates {
	sieves := c.sieves(query, tables)
	total := 0
	for _, s := range sieves {
		total += s.postings()
	}
	if total == 0 || total > c.inParts() {
		return c
	}
	left := candidates{pending: c.pending, parts: slices.Clone(c.parts)}
	var marked []uint64
	for i, s := range sieves {
		if s.lists != nil {
			marked = s.mark(slices.Grow(marked[:0], c.parts[i].Documents()/64+1))
			left.parts[i].rows = those(c.parts[i].rows, marked)
		}
	}
	if left.inParts() < n {
		return c
	}
	return left
}

// sieve is the postings of a part, and which of them count. The zero sieve lets
// everything through.
type sieve struct {
	lists     *postings
	centroids []uint32
}

// sieves is one for each part.
func (c candidates) sieves(query *maxsim.Query, tables tables) []sieve {
	sieves := make([]sieve, len(c.parts))
	nearest := map[*generation][]uint32{}
	for i, p := range c.parts {
		codes := p.coded.Load()
		if codes == nil {
			continue
		}
		lists := codes.postings.Load()
		if lists == nil {
			continue
		}
		g := codes.generation
		if _, known := nearest[g]; !known {
			nearest[g] = tables.of(query, g).Nearest(nil, g.nearest())
		}
		sieves[i] = sieve{lists, nearest[g]}
	}
	return sieves
}

// postings is how many there are to look at.
func (s sieve) postings() int {
	n := 0
	for _, c := range s.centroids {
		n += len(s.lists.of(c))
	}
	return n
}

// mark sets the bits of the documents that have one of the centroids, or none at all,
// in as many words as fit.
func (s sieve) mark(words []uint64) []uint64 {
	words = words[:cap(words)]
	clear(words)
	for _, c := range s.centroids {
		for _, row := range s.lists.of(c) {
			words[row/64] |= 1 << (row % 64)
		}
	}
	for _, row := range s.lists.strangers {
		words[row/64] |= 1 << (row % 64)
	}
	return words
}

// those is the rows whose bits are set. It does not branch on what no processor can
// guess.
func those(rows []uint32, marked []uint64) []uint32 {
	left := make([]uint32, len(rows))
	n := 0
	for _, row := range rows {
		left[n] = row
		n += int(marked[row/64] >> (row % 64) & 1)
	}
	return left[:n]
}
