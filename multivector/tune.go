package multivector

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

const (
	// tuneShare is the share of the results that the shortlist has to hold. Questions
	// are easier than documents are to each other: where it holds 0.95 of these
	// results, it held 0.99 and more of those to planted questions (package workload).
	tuneShare = 0.95

	// tuneResults is how many results of each question count.
	tuneResults = 10

	// tuneScores bounds how many documents a tuning scores: half a million pages by
	// 8-bit codes take 10 s on a core. tuneQuestions bounds the questions, which
	// have as many vectors as a sentence has words.
	tuneScores    = 500_000
	tuneQuestions = 48
	tuneRows      = 16
	tunePlaces    = 4
)

// tuning is how long a shortlist has to be, and when that was found out.
type tuning struct {
	shortlist  int
	documents  int
	generation *generation
}

// tune finds out how long a shortlist must be, by asking for documents with some of
// their own vectors, and comparing with what all documents score. It is due after
// a training, and when there are twice as many documents.
func (x *Index) tune(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g, documents, before := x.generation, len(x.where), x.tuning
	x.mu.RUnlock()
	if g == nil || before.generation == g && documents < 2*before.documents {
		return false, nil
	}
	s := x.acquire()
	defer s.release()
	all := s.candidates(nil)
	if all.inParts() <= x.limits.rerankAll {
		return false, nil
	}
	ranks, err := ranksOfBest(ctx, all, g, min(tuneQuestions, max(4, tuneScores/all.inParts())))
	if err != nil {
		return false, err
	}
	if len(ranks) == 0 { // nothing of the index can be read
		return false, nil
	}
	slices.Sort(ranks)
	shortlist := ranks[min(len(ranks)-1, int(tuneShare*float64(len(ranks))))]
	x.mu.Lock()
	x.tuning = tuning{shortlist: shortlist, documents: documents, generation: g}
	x.mu.Unlock()
	x.logger.Info("tuned the index's searches", "documents", documents, "shortlist", shortlist)
	return true, nil
}

// ranksOfBest asks questions and returns, for each document that is among the best
// by 8-bit codes, how many the centroids prefer to it.
func ranksOfBest(ctx context.Context, all candidates, g *generation, questions int) (ranks []int, err error) {
	r := rand.New(rand.NewPCG(trainSeed, uint64(all.inParts())))
	picks, frequencies := all.all(), all.frequencies(g)
	for range questions {
		asked := picks[r.IntN(len(picks))]
		query, err := g.pseudoQuery(r, asked, frequencies)
		if err != nil {
			return nil, err
		}
		best := newTop(tuneResults + 1)
		for i, p := range picks {
			if i%1000 == 0 && ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if ranked := p.rank(query); ranked.sound {
				best.offer(Result{ID: ranked.id, Score: ranked.score})
			}
		}
		ordered := all.shortlist(query, len(picks)-1, new(Trace))
		for _, result := range best.sorted() {
			if result.ID == asked.id {
				continue // it is asked for by its own vectors
			}
			rank := slices.IndexFunc(ordered, func(p pick) bool { return p.id == result.ID })
			if rank < 0 {
				rank = len(ordered)
			}
			ranks = append(ranks, rank+1)
		}
	}
	return ranks, nil
}

// frequencies counts the documents of each centroid.
func (c candidates) frequencies(g *generation) []int {
	counts := make([]int, g.centroids.Rows())
	for _, p := range c.parts {
		coded := p.coded.Load()
		if coded == nil || coded.generation != g {
			continue
		}
		for _, row := range p.rows {
			for _, id := range coded.of(int(row)) {
				counts[id]++
			}
		}
	}
	return counts
}

// pseudoQuery is consecutive vectors of a document, as a line of text is. Nobody
// asks for the background that half of a page is: of some places it takes the one
// whose centroids the fewest documents have.
func (g *generation) pseudoQuery(r *rand.Rand, p pick, frequencies []int) (*maxsim.Query, error) {
	doc := p.Document(p.row)
	var rarest maxsim.Matrix
	least := math.MaxInt
	for range tunePlaces {
		rows := maxsim.Matrix{Dim: doc.Dim}
		first := r.IntN(max(1, doc.Rows()-tuneRows+1))
		for i := first; i < min(first+tuneRows, doc.Rows()); i++ {
			rows.Data = doc.AppendRow(rows.Data, i)
		}
		ids, _ := g.codebook.Assign(nil, rows)
		sum := 0
		for _, id := range ids {
			if id != codebook.None {
				sum += frequencies[id]
			}
		}
		if sum < least {
			rarest, least = rows, sum
		}
	}
	return maxsim.NewQuery(rarest)
}

// shortlist is how many candidates a search for k results takes. More results than
// the tuning asked for want ten candidates each, as the first ones do untuned.
func (x *Index) shortlist(k int, precision Precision) int {
	n := x.limits.shortlist
	if precision == Balanced {
		x.mu.RLock()
		n = max(n, x.tuning.shortlist)
		x.mu.RUnlock()
	}
	return n + x.limits.shortlist*max(0, k/tuneResults-1)
}
