package multivector

// expectation says which documents can be expected among the results, from what is
// known of them by centroids: one whose estimate falls more than a margin below the
// score that it takes cannot. Where a question has clear answers, that is after a few
// documents, where many score alike after many.
//
// Estimates order documents better than they tell how far apart they are, so the first
// few are always looked at: among 4,000 made-up pages (package workload) 48 of them
// instead of 16 found 0.988 of the results instead of 0.977, at the same margin.
type expectation struct {
	least, k int
	minScore *float32
	margin   float32
}

// stopsAt reports whether, after so many, neither p nor one with a smaller estimate can
// be expected among the results, of which best is what there is so far.
func (e expectation) stopsAt(p pick, after int, best top) bool {
	if p.estimate == unknownEstimate || after < e.least {
		return false
	}
	reached := p.estimate + e.margin
	if e.minScore != nil && reached < *e.minScore {
		return true
	}
	return best.vacant() == 0 && reached < best.heap[0].Score
}
