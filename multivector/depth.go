package multivector

import (
	"math"

	"weaviate-colpali/maxsim"
)

// DefaultRecall is the share of brute force's results that a balanced search aims at.
const DefaultRecall = 0.99

// depth is how far down its candidates a search looks.
type depth struct {
	documents int     // at most
	margins   margins // of an expectation, as shares of the largest score that there can be
}

// shortlist is the candidates that a search looks at more closely, and which of them
// can be expected among its results.
func (x *Index) shortlist(c candidates, query *maxsim.Query, k int, options SearchOptions, trace *Trace) (*shortlist, expectation) {
	d := x.depth(c.inParts(), query.Rows(), k, options)
	s, most := c.shortlist(query, d.documents, trace)
	return s, expectation{least: x.limits.least, k: k, minScore: options.MinScore, margins: d.margins.times(most)}
}

// depth is how far a search goes that has so many candidates, for a question of so many
// vectors. Ten for each result are no limit.
func (x *Index) depth(candidates, rows, k int, options SearchOptions) depth {
	if options.Precision == Exact || candidates <= max(k, x.limits.rerankAll) {
		return depth{documents: candidates}
	}
	recall := DefaultRecall
	if options.Precision == Balanced && options.Recall != 0 {
		recall = options.Recall
	}
	x.mu.RLock()
	margins := x.margins(recall, rows)
	x.mu.RUnlock()
	most := x.limits.fast
	if options.Precision == Balanced {
		most = max(x.limits.balanced, deepest(candidates, recall), forResults(candidates, k))
	}
	return depth{documents: min(candidates, max(most, 10*k)), margins: margins}
}

// forResults is how many candidates a balanced search for many results may score: ten
// for each of 2,000 documents, and more of more, but less than in proportion. The
// hundredth best of made-up pages scores like many others: of 2,000 and 4,000 the best
// 1,000 by centroids hold 0.990 and 0.957 of the best 100, of 4,000 the best 1,500 hold
// 0.985. Half as many more of 2,000 hold 0.9995, and took longer than 8-bit brute force.
func forResults(candidates, k int) int {
	return int(10 * float64(k) * math.Sqrt(max(1, float64(candidates)/2000)))
}

// deepest bounds the share of the candidates that a search scores: a tenth for a recall
// of 0.99, ten times as many for a tenth of the misses. A question that nothing answers
// would look at all of them.
func deepest(candidates int, recall float64) int {
	return int(float64(candidates) * 0.001 / (1 - recall))
}
