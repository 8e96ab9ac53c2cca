package multivector

import (
	"context"
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
	d.documents += n.documents
	d.sum += n.sum
	d.strangers += n.strangers
}

// drift is [Statistics.Drift].
func (g *generation) drift() float64 {
	g.since.mu.Lock()
	defer g.since.mu.Unlock()
	if g.since.documents == 0 {
		return 0
	}
	return float64(g.codebook.MeanCosine()) - g.since.sum/float64(g.since.documents)
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
// those that merging made hold older documents, too, and look a little better.
func (x *Index) lookBack(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g := x.generation
	x.mu.RUnlock()
	if g == nil || !g.opened {
		return false, nil
	}
	g.opened = false // even if a file cannot be read: other tasks wait
	s := x.acquire()
	defer s.release()
	for _, p := range s.parts {
		if p.file <= g.file { // those of no file were coded since
			continue
		}
		if err := g.compare(ctx, p); err != nil {
			return false, err
		}
	}
	return true, nil
}

// compare adds the documents of a part to those that came since the training.
func (g *generation) compare(ctx context.Context, p *part) error {
	sum, compared, strangers := 0.0, 0, 0
	if c := p.coded.Load(); c != nil && c.generation == g {
		strangers = c.strangers()
	}
	for row := 0; row < p.Documents(); row += max(1, p.Documents()/lookBackDocuments) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !p.dead.has(row) && p.sound(row) {
			_, cosine := g.codebook.AssignInt8(nil, p.Document(row))
			sum += float64(cosine)
			compared++
		}
	}
	if compared > 0 {
		g.since.add(nearness{documents: p.live(), sum: sum / float64(compared) * float64(p.live()), strangers: strangers})
	}
	return nil
}
