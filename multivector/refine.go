package multivector

import (
	"context"
	"runtime"

	"weaviate-colpali/maxsim"
)

// trusted is the part of the proven error bound that a search allows for which is
// not certified anyway. The largest error of 8-bit codes that we saw, a 400th of
// the score, is a tenth of the bound.
const trusted = 1.0 / 8

// refined is what scoring with stored vectors found.
type refined struct {
	scanned
	asked int // documents that were to be scored
}

// refine scores documents with their stored vectors: those without a ranking, and
// of the others as many as can still be among the k best.
func refine(ctx context.Context, view View, query *maxsim.Query, ranking []ranked, unranked []uint64, k int, options SearchOptions, certified bool) (refined, error) {
	found := refined{scanned: scanned{best: newTop(min(k, len(ranking)+len(unranked)))}}
	if err := found.score(ctx, view, query, unrankedOnes(unranked), options); err != nil {
		return refined{}, err
	}
	slack := float32(trusted)
	switch {
	case certified:
		slack = 1
	case options.Precision == Fast:
		slack = 0
	}
	byUpperBound(ranking, slack)
	for i := 0; i < len(ranking); {
		n := 0
		// As many at once as surely count, or as can be worked on side by side.
		most := max(found.best.vacant(), runtime.GOMAXPROCS(0))
		for n < min(most, len(ranking)-i) && found.mayTake(ranking[i+n].score+slack*ranking[i+n].bound, options.MinScore) {
			n++
		}
		if n == 0 {
			break
		}
		if err := found.score(ctx, view, query, ranking[i:i+n], options); err != nil {
			return refined{}, err
		}
		i += n
	}
	return found, nil
}

// score scores documents and keeps the best.
func (f *refined) score(ctx context.Context, view View, query *maxsim.Query, documents []ranked, options SearchOptions) error {
	if len(documents) == 0 {
		return nil
	}
	more, err := scoreAll(ctx, view, query, documents, f.best.k, options.MinScore)
	if err != nil {
		return err
	}
	f.asked += len(documents)
	f.scored += more.scored
	f.vectorless = append(f.vectorless, more.vectorless...)
	for _, result := range more.best.heap {
		f.best.offer(result)
	}
	return nil
}

// unrankedOnes are documents of which the index has no codes.
func unrankedOnes(ids []uint64) []ranked {
	documents := make([]ranked, len(ids))
	for i, id := range ids {
		documents[i].id = id
	}
	return documents
}

// mayTake reports whether a document whose score is at most upper can be among the
// results.
func (f *refined) mayTake(upper float32, minScore *float32) bool {
	if minScore != nil && upper < *minScore {
		return false
	}
	return f.best.vacant() > 0 || upper >= f.best.heap[0].Score
}
