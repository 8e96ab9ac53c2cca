package multivector

import (
	"cmp"
	"slices"
	"sync"

	"weaviate-colpali/maxsim"
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
		c.parts = append(c.parts, rowsOf{p, rows})
	}
	return c
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

// wanted is how many candidates a search puts on its shortlist.
func (x *Index) wanted(c candidates, k int, options SearchOptions) int {
	all := c.inParts()
	if options.Precision == Exact || all <= max(k, x.limits.rerankAll) {
		return all
	}
	return min(x.shortlist(k, options.Precision), all)
}

// pick is a document that a search looks at more closely.
type pick struct {
	place
	id       uint64
	estimate float32 // of its score, by centroids
}

// shortlist is the n most promising candidates, and all those that nothing is
// known of. With fewer candidates than that it is all of them.
func (c candidates) shortlist(query *maxsim.Query, n int, trace *Trace) []pick {
	if n >= c.inParts() {
		return c.all()
	}
	tables := tables{}
	defer tables.release()
	var known, unknown []pick
	coded := 0
	var best []maxsim.Candidate
	for _, p := range c.parts {
		codes := p.coded.Load()
		if codes == nil {
			unknown = append(unknown, p.picks()...)
			continue
		}
		coded += len(p.rows)
		table := tables.of(query, codes.generation)
		best = codes.searchable.Top(best[:0], table, n, p.rows)
		for _, candidate := range best {
			known = append(known, p.pick(candidate.Document, table.Estimate(candidate.Sum)))
		}
	}
	trace.Centroids = tables.centroids()
	trace.Certified = coded <= n
	slices.SortFunc(known, func(a, b pick) int {
		return cmp.Or(cmp.Compare(b.estimate, a.estimate), cmp.Compare(a.id, b.id))
	})
	return append(known[:min(n, len(known))], unknown...)
}

func (c candidates) all() []pick {
	picks := make([]pick, 0, c.inParts())
	for _, p := range c.parts {
		picks = append(picks, p.picks()...)
	}
	return picks
}

func (r rowsOf) picks() []pick {
	picks := make([]pick, len(r.rows))
	for i, row := range r.rows {
		picks[i] = r.pick(row, 0)
	}
	return picks
}

func (p *part) pick(row uint32, estimate float32) pick {
	return pick{place: place{p, int(row)}, id: p.ID(int(row)), estimate: estimate}
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
