package multivector

import (
	"math"
	"slices"
	"sync"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// candidates is the live documents that a filter lets through.
type candidates struct {
	parts   []rowsOf
	pending []uint64
}

// rowsOf is some documents of a part.
type rowsOf struct {
	*part
	rows []uint32
}

// candidates is the current snapshot, to be released, and the candidates among its
// documents.
func (x *Index) candidates(filter Filter) (s *snapshot, c candidates, err error) {
	if listing, ok := filter.(Listing); ok && listing.Len() < x.Len()/x.limits.listShare {
		s, c = x.listed(listing)
		return s, c, nil
	}
	for {
		before := x.discards.Load()
		s := x.acquire()
		err := vfs.Guard(func() { c = s.candidates(filter) })
		if err == nil && before%2 == 0 && x.discards.Load() == before {
			return s, c, nil
		}
		s.release()
		if err != nil {
			return nil, candidates{}, err
		}
		// Documents were taken out of the snapshot's parts that a newer one has elsewhere.
		x.mu.RLock()
		x.mu.RUnlock() //nolint:staticcheck // waits until the newer one is there
	}
}

// listed is candidates by looking up what a filter names.
func (x *Index) listed(filter Listing) (*snapshot, candidates) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.acquire()
	var c candidates
	rows := map[*part][]uint32{}
	filter.Each(func(id uint64) {
		if at, ok := x.where[id]; ok {
			rows[at.part] = append(rows[at.part], uint32(at.row))
		} else if x.pending.has(id) {
			c.pending = append(c.pending, id)
		}
	})
	for _, p := range s.parts {
		slices.Sort(rows[p])
		c.add(p, rows[p])
	}
	return s, c
}

// candidates is those that are in no part, and the parts' documents that are not
// deleted, as far as the filter lets them through.
func (s *snapshot) candidates(filter Filter) candidates {
	var c candidates
	for id := range s.pending.each {
		if filter == nil || filter.Contains(id) {
			c.pending = append(c.pending, id)
		}
	}
	for _, p := range s.parts {
		rows := make([]uint32, 0, p.live())
		for row := range p.Documents() {
			if !p.dead.has(row) && (filter == nil || filter.Contains(p.ID(row))) {
				rows = append(rows, uint32(row))
			}
		}
		c.add(p, rows)
	}
	return c
}

// add adds documents of a part. A part of none is left out: to a scan, no list at all
// means every document.
func (c *candidates) add(p *part, rows []uint32) {
	if len(rows) > 0 {
		c.parts = append(c.parts, rowsOf{p, rows})
	}
}

// count is how many candidates there are.
func (c candidates) count() int { return len(c.pending) + c.inParts() }

func (c candidates) inParts() int {
	n := 0
	for _, p := range c.parts {
		n += len(p.rows)
	}
	return n
}

// pick is a document that a search looks at more closely.
type pick struct {
	place
	id       uint64
	estimate float32 // of its score, by centroids
	codes    *coded  // that it is of, nil: nothing is known
}

// shortlist is the n most promising candidates, the best first, after all those that
// nothing is known of. With no more candidates than that it is all of them, in no
// order. Scores reach up to most. Of a large index it looks only at those that
// postings let through.
func (c candidates) shortlist(query *maxsim.Query, n int, trace *Trace) (s *shortlist, most float32) {
	if n >= c.inParts() {
		return newShortlist(c.all(), nil, 0, nil), 0
	}
	tables := tables{}
	c = c.sifted(query, n, tables)
	var known, unknown []pick
	var best []maxsim.Candidate
	for _, p := range c.parts {
		codes := p.coded.Load()
		if codes == nil {
			unknown = append(unknown, p.picks()...)
			continue
		}
		strangers, rows := p.strangers(codes)
		unknown = append(unknown, strangers...)
		if len(rows) == 0 {
			continue
		}
		table := tables.of(query, codes.generation)
		most = max(most, table.Most())
		trace.Scanned += len(rows)
		best = codes.searchable.Top(best[:0], table, n, rows)
		for _, candidate := range best {
			known = append(known, p.pick(candidate.Document, table.Estimate(candidate.Sum), codes))
		}
	}
	trace.Centroids = tables.centroids()
	return newShortlist(unknown, known, n, tables), most
}

// ids is the candidates in parts, ascending.
func (c candidates) ids() []uint64 {
	ids := make([]uint64, 0, c.inParts())
	for _, p := range c.parts {
		for _, row := range p.rows {
			ids = append(ids, p.ID(int(row)))
		}
	}
	slices.Sort(ids)
	return ids
}

func (c candidates) all() []pick {
	picks := make([]pick, 0, c.inParts())
	for _, p := range c.parts {
		picks = append(picks, p.picks()...)
	}
	return picks
}

// strangers are the documents that have no centroids, rows the others.
func (r rowsOf) strangers(codes *coded) (strangers []pick, rows []uint32) {
	rows = make([]uint32, 0, len(r.rows))
	for _, row := range r.rows {
		if codes.known(row) {
			rows = append(rows, row)
		} else {
			strangers = append(strangers, r.pick(row, unknownEstimate, nil))
		}
	}
	return strangers, rows
}

func (r rowsOf) picks() []pick {
	picks := make([]pick, len(r.rows))
	for i, row := range r.rows {
		picks[i] = r.pick(row, unknownEstimate, nil)
	}
	return picks
}

// unknownEstimate has a document looked at before all others.
const unknownEstimate = math.MaxFloat32

func (p *part) pick(row uint32, estimate float32, codes *coded) pick {
	return pick{place: place{p, int(row)}, id: p.ID(int(row)), estimate: estimate, codes: codes}
}

// tables is the centroid tables of one query, one for each codebook in use.
type tables map[*generation]*maxsim.CentroidTable

func (t tables) of(query *maxsim.Query, g *generation) *maxsim.CentroidTable {
	table, ok := t[g]
	if !ok {
		table = tablePool.Get().(*maxsim.CentroidTable)
		table.Build(query, g.centroids)
		t[g] = table
	}
	return table
}

// tablePool keeps the tables' memory between searches: 256 KB for 8,192 centroids.
var tablePool = sync.Pool{New: func() any { return new(maxsim.CentroidTable) }}

func (t tables) release() {
	for _, table := range t {
		tablePool.Put(table)
	}
}

func (t tables) centroids() int {
	n := 0
	for g := range t {
		n += g.centroids.Rows()
	}
	return n
}
