package multivector

import "sync"

// drift is how near documents that came since a training are to its centroids. It
// begins anew when the index opens.
type drift struct {
	mu        sync.Mutex
	sum       float64
	documents int
}

func (d *drift) add(meanCosine float64, documents int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sum += meanCosine * float64(documents)
	d.documents += documents
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
// repeated before there are as many again.
func (g *generation) drifted(limits limits) bool {
	g.since.mu.Lock()
	defer g.since.mu.Unlock()
	return float64(g.since.documents) >= limits.driftShare*float64(g.documents) &&
		g.since.sum/float64(g.since.documents) < float64(g.codebook.MeanCosine())-limits.driftCosine
}
