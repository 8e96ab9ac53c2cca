package multivector

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

const (
	// questionMargin is how much farther the results of questions fall short than those
	// of an index that asks itself. Among 2,000, 4,000 and 8,000 made-up pages planted
	// questions found 0.99 of their results with margins of 0.05, 0.08 and 0.09, and the
	// index would have given itself 0.05 and 0.06.
	questionMargin = 1.75

	// skimmedMargin is the same of what is known after skimming: it depends less on how a
	// question is worded. Of 4,000 made-up pages 1.75, 1.3 and 1 left 27, 22 and 19 to be
	// scored by all their rows, and 0.992, 0.991 and 0.991 of the best 10 found; for the
	// best 100 that is 657, 466 and 355, and 0.986, 0.985 and 0.984.
	skimmedMargin = 1.3

	// tuneResults is how many results of each question count.
	tuneResults = 10

	// tuneDocuments bounds how many documents each question is compared with, those of
	// 48 questions with 10,000 pages by 8-bit codes take 8 s on a core. tuneQuestions
	// bounds the questions, which have as many vectors as a sentence has words.
	tuneDocuments = 10_000
	tuneQuestions = 48
	tuneRows      = 16
	tunePlaces    = 4
)

// tuning is what an index found out by asking itself: how far the centroids' estimates
// of documents fell below the scores that made them results, in order, as shares of
// the largest score that there can be. A margin that covers 0.99 of them finds 0.99 of
// such results.
//
// Questions are not quite like these, and 480 results are a small sample: a margin
// covers half of the misses that a search may have, that of skimming another quarter, and
// is wider by questionMargin or skimmedMargin.
type tuning struct {
	shortfalls shortfalls
	documents  int         // that there were
	generation *generation // of the centroids
}

// shortfalls are how far results fell below the score that it took, in order, by what is
// known of them before they are scored.
type shortfalls struct {
	centroids, skimmed []float64
}

// margins are what it takes for a share of the results.
func (t tuning) margins(recall float64) margins {
	return margins{
		centroids: questionMargin * covering(t.shortfalls.centroids, (1+recall)/2),
		skimmed:   skimmedMargin * covering(t.shortfalls.skimmed, (3+recall)/4),
	}
}

// covering is what a share of shortfalls does not exceed. Before the index has asked itself
// there is nothing: vectors that are not unit vectors may score anything.
func covering(shortfalls []float64, share float64) float32 {
	if len(shortfalls) == 0 {
		return float32(math.Inf(1))
	}
	i := int(math.Ceil(share*float64(len(shortfalls)))) - 1
	return float32(max(0, shortfalls[min(max(i, 0), len(shortfalls)-1)]))
}

// tune finds out which margin searches take, by asking for documents with some of
// their own vectors, and comparing with what documents score. It is due after a
// training, and when there are twice as many documents.
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
	found, err := x.ask(ctx, all.thinned(tuneDocuments), g)
	if err != nil {
		return false, err
	}
	if len(found.centroids) == 0 { // nothing of the index can be read
		return false, nil
	}
	slices.Sort(found.centroids)
	slices.Sort(found.skimmed)
	tuned := tuning{shortfalls: found, documents: documents, generation: g}
	x.mu.Lock()
	x.tuning = tuned
	x.mu.Unlock()
	x.logger.Info("tuned the index's searches", "documents", documents, "margin", tuned.margins(DefaultRecall).centroids)
	return true, nil
}

// thinned is every so manieth candidate, n or a few more.
func (c candidates) thinned(n int) candidates {
	every := max(1, c.inParts()/n)
	t := candidates{}
	for _, p := range c.parts {
		var rows []uint32
		for i := 0; i < len(p.rows); i += every {
			rows = append(rows, p.rows[i])
		}
		t.add(p.part, rows)
	}
	return t
}

// ask asks questions and tells, for each document that is among the best by 8-bit codes,
// how far below the last of the best its estimates lie. Nothing is asked with a document
// that the source no longer holds.
func (x *Index) ask(ctx context.Context, all candidates, g *generation) (found shortfalls, err error) {
	view, err := x.source.View()
	if err != nil {
		return shortfalls{}, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()
	r := rand.New(rand.NewPCG(trainSeed, uint64(all.inParts())))
	picks, frequencies := all.all(), all.frequencies(g)
	var buffer Buffer
	for range tuneQuestions {
		asked, other := picks[r.IntN(len(picks))], picks[r.IntN(len(picks))]
		// Lines of the page as it is stored: a file has its rows in another order.
		stored, err := view.Vectors(ctx, asked.id, &buffer)
		if errors.Is(err, ErrNotStored) || err == nil && stored.Rows() == 0 {
			continue
		}
		if err != nil {
			return shortfalls{}, fmt.Errorf("read document %d: %w", asked.id, err)
		}
		query, err := g.pseudoQuery(r, stored.Matrix(), other, frequencies)
		if err != nil {
			return shortfalls{}, err
		}
		best := newTop(tuneResults)
		for i, p := range picks {
			if i%1000 == 0 && ctx.Err() != nil {
				return shortfalls{}, context.Cause(ctx)
			}
			if p == asked {
				continue // it is asked for by its own vectors
			}
			if ranked := p.rank(query); ranked.sound {
				best.offer(Result{ID: ranked.id, Score: ranked.score})
			}
		}
		found.measure(query, best.sorted(), all)
	}
	return found, nil
}

// measure adds the shortfalls of a question's results.
func (s *shortfalls) measure(query *maxsim.Query, results []Result, all candidates) {
	// One fewer than all, for an order.
	ordered, most := all.shortlist(query, all.inParts()-1, new(Trace))
	defer ordered.tables.release()
	for _, p := range ordered.first(ordered.size) {
		if p.estimate == unknownEstimate || !slices.ContainsFunc(results, func(r Result) bool { return r.ID == p.id }) {
			continue
		}
		takes := results[len(results)-1].Score
		s.centroids = append(s.centroids, float64(takes-p.estimate)/float64(most))
		if !p.skims() {
			continue
		}
		var found [1]skimmed
		if skim(query, ordered.tables, []pick{p}, found[:]); found[0].sound {
			s.skimmed = append(s.skimmed, float64(takes-found[0].score)/float64(most))
		}
	}
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
			for _, id := range coded.ids(int(row)) {
				counts[id]++
			}
		}
	}
	return counts
}

// pseudoQuery is consecutive vectors of a document, as a line of text is, each mixed
// with one of another document: a question is not worded as its answer is, its vectors
// reach cosines of 0.6 to 0.8 and not of 1. Unmixed, the margin that found 0.99 of these
// results among 2,000 made-up pages (package workload) was half of what planted
// questions take.
//
// Nobody asks for the background that half of a page is: of some places it takes the
// one whose centroids the fewest documents have.
func (g *generation) pseudoQuery(r *rand.Rand, asked maxsim.Matrix, other pick, frequencies []int) (*maxsim.Query, error) {
	rows, admixture := g.rarest(r, asked, frequencies), other.Document(other.row)
	for i := range rows.Rows() {
		mix(rows.Data[i*rows.Dim:(i+1)*rows.Dim], admixture.AppendRow(nil, r.IntN(admixture.Rows())))
	}
	return maxsim.NewQuery(rows)
}

// rarest is a copy of some consecutive rows of a document.
func (g *generation) rarest(r *rand.Rand, doc maxsim.Matrix, frequencies []int) (rarest maxsim.Matrix) {
	least := math.MaxInt
	for range tunePlaces {
		first := r.IntN(max(1, doc.Rows()-tuneRows+1))
		last := min(first+tuneRows, doc.Rows())
		rows := maxsim.Matrix{Dim: doc.Dim, Data: slices.Clone(doc.Data[first*doc.Dim : last*doc.Dim])}
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
	return rarest
}

// mix adds b to a and leaves a's length as it was.
func mix(a, b []float32) {
	before, after := 0.0, 0.0
	for i := range a {
		before += float64(a[i]) * float64(a[i])
		a[i] += b[i]
		after += float64(a[i]) * float64(a[i])
	}
	if after == 0 {
		return
	}
	for i := range a {
		a[i] *= float32(math.Sqrt(before / after))
	}
}
