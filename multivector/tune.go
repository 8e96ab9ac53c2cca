package multivector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

const (
	// questionMargin is how much farther the results of questions fall short than those
	// of an index that asks itself. In two worlds of 2,000 made-up pages and in one of
	// 10,000 it makes margins of 0.099, 0.105 and 0.106 for a recall of 0.99. Such found 0.996,
	// 0.996 and 0.993 of the best 10, seven tenths of them 0.994, 0.994 and 0.97.
	questionMargin = 2.1

	// skimmedMargin is the same of what is known after skimming: it depends less on how a
	// question is worded. With 1, 1.15 and 1.3 searches of 2,000 made-up pages that are to
	// find 0.999 of the best 10 found 0.998, 0.999 and 0.9995; those that are to find 0.99
	// took equally long.
	skimmedMargin = 1.15

	// leastCentroids and leastSkimmed are the smallest margins for a recall of 0.99 of a
	// question of tuneRows vectors, whatever the index found. Of 2,000 drawn pages that all
	// score alike it made 0.030 and 0.010, with which questions of three to 23 vectors found
	// 0.940 of their best 10, with these 0.991. With 0.04 and 0.02 it was 0.989. Of
	// 10,000 made-up pages, whose own margins are wider, searches took as long without.
	leastCentroids = 0.05
	leastSkimmed   = 0.025

	// leastTenth is how much larger these are for a tenth of the misses. For a recall of
	// 0.999 the same questions found 0.997 without, and 0.999 with it.
	leastTenth = 0.25

	// tuneResults is how many results of each question count.
	tuneResults = 10

	// tuneDocuments bounds how many documents each question is compared with.
	// tuneQuestions bounds the questions, which have as many vectors as a sentence has
	// words: 48 with 2,000 pages take 1.4 s on a core, where comparing with all of them took
	// 2.9. With twice as many the margin varied by 10 % and not by 12, over 12 seeds.
	tuneDocuments = 10_000
	tuneQuestions = 48
	tuneRows      = 16
	tunePlaces    = 4

	// tuneInFull is how many questions are compared with all of these documents, before
	// anything is known of how far results fall short. tuneReach is how many times as far
	// below as the largest shortfall of all questions the others look.
	tuneInFull = 4
	tuneReach  = 1.5

	// tuneChanged is how many documents are added and deleted, as a share of those that
	// there were, before the index asks itself again. An update is one of each. A growing
	// index asks at each half more, in all three times as many documents as it has.
	tuneChanged = 0.5
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
	changes    int         // that there had been, see Index
	generation *generation // of the centroids
	drift      float64     // that it had, see generation.drift

	file      uint64   // that holds it or the one before it, 0: none does
	unwritten []uint64 // ids of these documents until a file has them, ascending
	restored  []uint64 // ids that a file had, until the worker has looked back
}

// shortfalls are how far results fell below the score that it took, in order, by what is
// known of them before they are scored.
type shortfalls struct {
	centroids, skimmed []float32
}

// margins are what it takes for a share of the results of a question of so many vectors.
func (t tuning) margins(recall float64, rows int) margins {
	least := float32(max(0, 1+leastTenth*math.Log10(0.01/(1-recall))))
	return margins{
		centroids: max(least*leastCentroids, questionMargin*covering(t.shortfalls.centroids, (1+recall)/2)),
		skimmed:   max(least*leastSkimmed, skimmedMargin*covering(t.shortfalls.skimmed, (3+recall)/4)),
	}.times(shorter(rows))
}

// shorter is how much farther the results of a question of so many vectors fall short than
// those of tuneRows: a score is a sum of rows' errors, and of fewer the mean varies more,
// as one by the root of their number. Lines of 16, 8 and 4 vectors of 2,000 drawn pages
// (margins at a recall of 0.99 times the root) took 0.057, 0.059 and 0.061, of text 0.081,
// 0.074 and 0.081; of made-up pages 0.189, 0.176 and 0.107: there errors have a cause in
// common, so that longer questions get no smaller margins.
func shorter(rows int) float32 {
	return float32(math.Sqrt(max(1, tuneRows/float64(max(1, rows)))))
}

// margins are those of the tuning, and for centroids more where documents came since that
// are farther from them: their estimates fall short by as much more, at most, as their
// cosines to their centroids do. Of 2,000 made-up pages the second half were from another
// world: while these came, searches found 0.995 of the best 10 at worst, without it 0.971.
// x.mu is held.
func (x *Index) margins(recall float64, rows int) margins {
	m := x.tuning.margins(recall, rows)
	if g := x.generation; g != nil && g == x.tuning.generation {
		m.centroids += float32(max(0, g.drift()-x.tuning.drift))
	}
	return m
}

// covering is what a share of shortfalls does not exceed, by what lies beyond a threshold
// that nine of ten stay below: that is distributed exponentially, or nearly (Pickands 1975,
// Annals of Statistics 3, 119). So 48 shortfalls decide and not the largest few, and what
// only one in a thousand exceeds can be told, too: over three worlds of 2,000 made-up pages
// (package workload) margins at a recall of 0.99 varied by 6 and 21 %, where a mean of the
// largest five and two varied by 16 and 30.
//
// Before the index has asked itself there is nothing: vectors that are not unit vectors
// may score anything.
func covering(shortfalls []float32, share float64) float32 {
	n := len(shortfalls)
	if n == 0 {
		return float32(math.Inf(1))
	}
	beyond := shortfalls[n-max(1, n/10):]
	threshold, missed := shortfalls[max(0, n-len(beyond)-1)], (1-share)*float64(n)
	if missed >= float64(len(beyond)) {
		return max(0, shortfalls[max(0, n-1-int(missed))])
	}
	excess := vek32.Mean(beyond) - threshold
	return max(0, threshold+excess*float32(math.Log(float64(len(beyond))/missed)))
}

// tune finds out which margin searches take, by asking for documents with some of
// their own vectors, and comparing with what documents score. It is due after a
// training, and after many changes. What it finds is written down.
func (x *Index) tune(ctx context.Context) (done bool, err error) {
	x.mu.RLock()
	g, before := x.generation, x.tuning
	now := tuning{generation: g, documents: len(x.where), changes: x.changes, file: before.file}
	x.mu.RUnlock()
	if g == nil {
		return false, nil
	}
	if before.generation == g && !before.outdated(now) {
		return x.keepTuning(before)
	}
	s := x.acquire()
	defer s.release()
	all := s.candidates(nil)
	if all.inParts() <= x.limits.rerankAll {
		return false, nil
	}
	now.drift = g.drift()
	found, err := x.ask(ctx, all.thinned(tuneDocuments), g)
	if err != nil {
		return false, err
	}
	if len(found.centroids) == 0 { // nothing of the index can be read
		return false, nil
	}
	now.shortfalls = found
	if x.files != nil {
		now.unwritten = all.ids()
	}
	x.mu.Lock()
	x.tuning = now
	x.mu.Unlock()
	x.logger.Info("tuned the index's searches", "documents", now.documents, "margin", now.margins(DefaultRecall, tuneRows).centroids)
	_, err = x.keepTuning(now)
	return true, err
}

// outdated reports whether many documents have come or gone since.
func (t tuning) outdated(now tuning) bool {
	return float64(now.changes-t.changes) >= tuneChanged*float64(t.documents)
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

// question is what the index asks itself.
type question struct {
	query *maxsim.Query
	of    place // which is asked for by its own vectors and not compared

	// reach is how far below the last of the best it looked for others, as a share of the
	// largest score that there can be; unasked: not yet.
	reach      float64
	looked     int // at so many documents
	best       top // of them
	shortfalls shortfalls
}

const unasked = -1

// ask asks questions and tells, for each document that is among the best by 8-bit codes,
// how far below the last of the best its estimates lie.
func (x *Index) ask(ctx context.Context, all candidates, g *generation) (shortfalls, error) {
	questions, err := x.questions(ctx, all, g)
	if err == nil {
		err = answer(ctx, questions, all, tuneInFull)
	}
	if err != nil {
		return shortfalls{}, err
	}
	return shortfallsOf(questions), nil
}

// questions makes them up. Of the same documents they are the same, whenever and in
// whatever order these came: two indexes would otherwise differ by what chance asked. Nothing
// is asked with a document that the source no longer holds.
func (x *Index) questions(ctx context.Context, all candidates, g *generation) (questions []*question, err error) {
	view, err := x.source.View()
	if err != nil {
		return nil, fmt.Errorf("open a view of the stored documents: %w", err)
	}
	defer view.Close()
	r := rand.New(rand.NewPCG(trainSeed, uint64(all.inParts())))
	picks, frequencies := all.all(), all.frequencies(g)
	slices.SortFunc(picks, func(a, b pick) int { return cmp.Compare(a.id, b.id) })
	for range tuneQuestions {
		asked, other := picks[r.IntN(len(picks))], picks[r.IntN(len(picks))]
		var vectors [2]maxsim.Matrix
		for i, p := range []pick{asked, other} {
			// As it is stored: a file has the rows in another order, and lines would be none.
			if vectors[i], err = stored(ctx, view, p.id); err != nil {
				return nil, err
			}
		}
		if vectors[0].Rows() == 0 || vectors[1].Rows() == 0 {
			continue
		}
		query, err := g.pseudoQuery(r, vectors[0], vectors[1], frequencies)
		if err != nil {
			return nil, err
		}
		questions = append(questions, &question{query: query, of: asked.place, reach: unasked, best: newTop(tuneResults)})
	}
	return questions, nil
}

// stored is a document's vectors, none if the source no longer holds it.
func stored(ctx context.Context, view View, id uint64) (maxsim.Matrix, error) {
	var buffer Buffer
	vectors, err := readCopy(ctx, view, id, &buffer)
	if err != nil && !errors.Is(err, ErrNotStored) {
		return maxsim.Matrix{}, fmt.Errorf("read document %d: %w", id, err)
	}
	return vectors, nil
}

// answer answers questions, the first of them with all documents, the others with those
// that can be among the best unless they fall short by much more than any result has yet.
// When a result has, questions that did not look that far go on. So what is left out lies
// well beyond all that is found, and cuts nothing off that a margin is made of: without, some
// results among 200 made-up pages were missed.
//
// Of 2,000 pages that leaves out nearly half: 60 % of them have the background in common
// that many lines hold. To skim the documents first, as searches do, would not make it
// faster: 400 of their rows are near a line's, and took 20 µs where all of them took 26.
func answer(ctx context.Context, questions []*question, all candidates, inFull int) error {
	largest := 0.0
	for again := true; again; {
		again = false
		for i, q := range questions {
			reach := tuneReach * largest
			if q.reach >= reach {
				continue
			}
			if i < inFull {
				reach = math.Inf(1)
			}
			if err := q.answer(ctx, all, reach); err != nil {
				return err
			}
			largest = max(largest, q.shortfalls.largest())
			again = true
		}
	}
	return nil
}

// answer goes on from where it ended before, finds the best documents, and tells their
// shortfalls.
func (q *question) answer(ctx context.Context, all candidates, reach float64) error {
	// One fewer than all, for an order.
	ordered, most := all.shortlist(q.query, all.inParts()-1, new(Trace))
	defer ordered.tables.release()
	for ; q.looked < ordered.size; q.looked++ {
		if q.looked%1000 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p := ordered.first(q.looked + 1)[q.looked]
		if q.best.vacant() == 0 && p.estimate+float32(reach)*most < q.best.heap[0].Score {
			break
		}
		if p.place == q.of {
			continue
		}
		if ranked := p.rank(q.query); ranked.sound {
			q.best.offer(Result{ID: ranked.id, Score: ranked.score})
		}
	}
	q.reach = reach
	q.shortfalls = measure(q.query, q.best, ordered.first(q.looked), ordered.tables, most)
	return nil
}

// measure is the shortfalls of a question's results, which are among the documents that
// were scored.
func measure(query *maxsim.Query, best top, scored []pick, tables tables, most float32) (s shortfalls) {
	for _, p := range scored {
		if p.estimate == unknownEstimate || !slices.ContainsFunc(best.heap, func(r Result) bool { return r.ID == p.id }) {
			continue
		}
		takes := best.heap[0].Score
		s.centroids = append(s.centroids, (takes-p.estimate)/most)
		if !p.skims() {
			continue
		}
		var found [1]skimmed
		if skim(query, tables, []pick{p}, found[:]); found[0].sound {
			s.skimmed = append(s.skimmed, (takes-found[0].score)/most)
		}
	}
	return s
}

// largest is that of the centroids' estimates.
func (s shortfalls) largest() float64 {
	return float64(slices.Max(append(s.centroids, 0)))
}

// shortfallsOf is those of all questions, in order.
func shortfallsOf(questions []*question) (all shortfalls) {
	for _, q := range questions {
		all.centroids = append(all.centroids, q.shortfalls.centroids...)
		all.skimmed = append(all.skimmed, q.shortfalls.skimmed...)
	}
	slices.Sort(all.centroids)
	slices.Sort(all.skimmed)
	return all
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
func (g *generation) pseudoQuery(r *rand.Rand, asked, other maxsim.Matrix, frequencies []int) (*maxsim.Query, error) {
	rows := g.rarest(r, asked, frequencies)
	for i := range rows.Rows() {
		mix(rows.Row(i), other.Row(r.IntN(other.Rows())))
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
