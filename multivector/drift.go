package multivector

import (
	"context"
	"slices"
	"sync"
)

// drift is how near documents that came since a training are to its centroids. It is
// not written down, see [Index.lookBack].
type drift struct {
	mu sync.Mutex
	nearness
}

// nearness is how near documents are to centroids.
type nearness struct {
	documents int
	sum       float64 // of their vectors' mean cosines to their centroids
	strangers int     // documents that are too far from any
}

func (d *drift) add(n nearness) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nearness.add(n)
}

// standFor is so many documents that are as near, if anything is known of them.
func (n nearness) standFor(documents int) nearness {
	if n.documents == 0 {
		return nearness{}
	}
	return nearness{documents: documents, sum: n.sum / float64(n.documents) * float64(documents), strangers: n.strangers}
}

func (n *nearness) add(more nearness) {
	n.documents += more.documents
	n.sum += more.sum
	n.strangers += more.strangers
}

// drift is [Statistics.Drift].
func (g *generation) drift() float64 {
	g.since.mu.Lock()
	defer g.since.mu.Unlock()
	return g.driftOf(g.since.nearness)
}

// driftOf is how much farther documents are than at the training.
func (g *generation) driftOf(n nearness) float64 {
	if n.documents == 0 {
		return 0
	}
	return float64(g.codebook.MeanCosine()) - n.sum/float64(n.documents)
}

// drifted reports whether documents that came since the training are so much
// farther from its centroids than those it did not look at then, and so many, that
// another one is worth its time. Where it would not bring them nearer it is not
// repeated before there are as many again. Of strangers it takes fewer: every search
// looks at all of them closely. There are so many documents now.
func (g *generation) drifted(documents int, limits limits) bool {
	before := float64(min(g.documents, documents)) // since then some may have been deleted
	g.since.mu.Lock()
	defer g.since.mu.Unlock()
	return float64(g.since.strangers) >= limits.strangeShare*before && g.since.strangers > 0 ||
		float64(g.since.documents) >= limits.driftShare*before &&
			g.since.sum/float64(g.since.documents) < float64(g.codebook.MeanCosine())-limits.driftCosine
}

// lookBackDocuments is how many documents of a file tell how near all of them are to
// the centroids. A page takes less than a millisecond.
const lookBackDocuments = 32

// lookBack compares documents that came between the training and the last end of the
// index with its centroids, once. Without, an index that is opened often enough would
// keep centroids that fit nothing. It looks at files that are newer than the codebook;
// those that merging made hold older documents, too, and look a little better. A tuning
// that was restored had the drift of those documents that it knew, of the same look: until
// then its margins are what they were.
func (x *Index) lookBack(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g := x.generation
	x.mu.RUnlock()
	if g == nil || !g.opened {
		return false, nil
	}
	g.opened = false // even if a file cannot be read: other tasks wait
	x.mu.Lock()
	tuned := x.tuning.restored
	x.tuning.restored = nil
	x.mu.Unlock()
	s := x.acquire()
	defer s.release()
	var then nearness
	for _, p := range s.parts {
		if p.file <= g.file { // those of no file were coded since
			continue
		}
		since, known, err := g.compare(ctx, p, tuned)
		if err != nil {
			return false, err
		}
		g.since.add(since)
		then.add(known)
	}
	if tuned != nil {
		x.mu.Lock()
		x.tuning.drift = g.driftOf(then)
		x.mu.Unlock()
	}
	return true, nil
}

// compare is how near the documents of a part are, and those of them that were tuned.
func (g *generation) compare(ctx context.Context, p *part, tuned []uint64) (all, known nearness, err error) {
	if c := p.coded.Load(); c != nil && c.generation == g {
		all.strangers = c.strangers()
	}
	for row := 0; row < p.Documents(); row += max(1, p.Documents()/lookBackDocuments) {
		if ctx.Err() != nil {
			return nearness{}, nearness{}, ctx.Err()
		}
		if p.dead.has(row) || !p.sound(row) {
			continue
		}
		_, cosine := g.codebook.AssignInt8(nil, p.Document(row))
		one := nearness{documents: 1, sum: float64(cosine)}
		all.add(one)
		if _, found := slices.BinarySearch(tuned, p.ID(row)); found {
			known.add(one)
		}
	}
	share := known.documents * p.live() / max(1, all.documents)
	return all.standFor(p.live()), known.standFor(share), nil
}
