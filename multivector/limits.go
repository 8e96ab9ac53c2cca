package multivector

import (
	"time"

	"weaviate-colpali/multivector/internal/codebook"
)

// limits are the sizes at which the index begins to do something. Only tests set
// them lower.
type limits struct {
	// rerankAll is how many candidates are always scored by 8-bit codes, without a
	// look at their centroids: 500 pages take 15 ms on a core, and then the answer is
	// certified.
	rerankAll int

	// listShare is how many times as many documents there have to be as a filter lets
	// through for it to be asked for them: of a million, to find a listed one takes 245
	// ns, to ask of one that is there 17.
	listShare int

	// least is how many candidates every search scores by 8-bit codes.
	least int

	// fast is how many candidates a fast search scores by 8-bit codes at most: of 2,000
	// made-up pages (package workload) 100 held 0.991 of the best 10.
	fast int

	// balanced is how many candidates a balanced search may always score by 8-bit
	// codes: 12 ms on a core. Of many documents it may score more, see [Index.depth].
	balanced int

	// trainDocuments is how many documents an index has before it trains centroids.
	// Below, scoring all of them by 8-bit codes takes less than 60 ms on a core.
	trainDocuments int

	// retrainGrowth is how many times as many documents there are when the centroids
	// are trained anew.
	retrainGrowth int

	// driftCosine is how much farther documents may be from their centroids than at the
	// training, driftShare how many of them, beside those of the training, it takes to
	// train anew.
	driftCosine float64
	driftShare  float64

	// strangeCosine is how much farther a document may be from its centroids for them to
	// count: made-up pages of another world have 0.27 where the training's have 0.84, and a
	// search that trusted such centroids found 0.94 of its results, and less where these
	// pages were many. strangeShare is how many such documents, beside those of the
	// training, it takes to train anew.
	strangeCosine float32
	strangeShare  float64

	// centroids is how many suit a number of documents, sampleRows bounds what a
	// training looks at: 32 rows for each of 8,192 centroids, 134 MB of vectors of 128
	// dimensions. With 16 rows for each, a shortlist of 100 lost half a per cent.
	centroids  func(documents int) int
	sampleRows int

	// postings is how many documents an index has before it lists them by their
	// centroids. On a core, a shortlist of 400 of a million made-up documents then takes
	// 136 ms and not 208, one of a tenth of them 265 and not 519. Of 131,072 documents
	// 22 ms and not 28 are not worth the memory. (Means of BenchmarkPostings on a shared
	// machine, of several runs; it says which questions do not win.)
	postings int

	// headDocuments and headBytes are how much is kept in memory before it is written:
	// what a crash loses is read from the object store again, 512 pages in 0.2 s.
	headDocuments int
	headBytes     int

	// mergeDocuments is how many documents merging puts into one file, smallFiles how
	// many smaller files wait for it. A page is then written twice or thrice.
	mergeDocuments int
	smallFiles     int

	// deadShare is the share of deleted documents above which a file is written anew.
	deadShare float64

	// rest is how long what was put off waits before the next try, and what failed once.
	// After each further failure it waits twice as long, up to longestRest.
	rest, longestRest time.Duration
}

// pause is how long to wait after so many failures in a row.
func (l limits) pause(failures int) time.Duration {
	pause := l.rest
	for range failures - 1 {
		if pause *= 2; pause >= l.longestRest {
			return max(l.rest, l.longestRest)
		}
	}
	return pause
}

var usual = limits{
	rerankAll:      500,
	listShare:      16,
	least:          48,
	fast:           100,
	balanced:       400,
	trainDocuments: 2000,
	retrainGrowth:  4,
	driftCosine:    0.02,
	driftShare:     0.25,
	strangeCosine:  0.1,
	strangeShare:   0.1,
	centroids:      codebook.CentroidsFor,
	sampleRows:     256 << 10,
	postings:       1 << 20,
	headDocuments:  512,
	headBytes:      64 << 20,
	mergeDocuments: 16 << 10,
	smallFiles:     8,
	deadShare:      0.2,
	rest:           5 * time.Second,
	longestRest:    5 * time.Minute,
}
