package multivector

// expectation says which documents can be expected among the results, from what is
// known of them by centroids: one whose estimate falls more than a margin below the
// score that it takes cannot. Where a question has clear answers, that is after a few
// documents, where many score alike after many: of 2,000 made-up pages (package
// workload) half of the questions need 39 or fewer, and a tenth 400 and more.
type expectation struct {
	k        int
	minScore *float32
	margin   float32
}

// stopsAt reports whether neither p nor one with a smaller estimate can be expected
// among the results, of which best is what there is so far.
func (e expectation) stopsAt(p pick, best top) bool {
	if p.estimate == unknownEstimate {
		return false
	}
	reached := p.estimate + e.margin
	if e.minScore != nil && reached < *e.minScore {
		return true
	}
	return best.vacant() == 0 && reached < best.heap[0].Score
}
