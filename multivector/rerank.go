package multivector

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"sync"

	"weaviate-colpali/maxsim"
)

// ranked is a document with its score by 8-bit codes.
type ranked struct {
	pick
	score float32
	bound float32       // how far the exact score can be from it
	sound bool          // false: its codes are damaged, and score means nothing
	peaks *maxsim.Peaks // nil: not kept
}

// ranking is what scoring a shortlist by 8-bit codes found.
type ranking struct {
	documents []ranked
	skimmed   int    // documents scored by some of their rows
	damaged   []pick // those whose codes are damaged
	stopped   bool   // before the end of the shortlist, or with some of it only skimmed
}

const (
	// rerankBlock is how many documents are looked at before it is asked whether that is
	// enough: 16 pages take 0.2 ms on a core to skim, 0.5 to score. It does not depend on
	// the number of cores, so that answers do not either.
	rerankBlock = 16

	// rerankShare is how many of the skimmed are scored at once, as a share of the results:
	// few, as each may raise the score that it takes.
	rerankShare = 8
)

// rerank scores the shortlist by 8-bit codes, the most promising documents first, until
// no other can be expected among the results. Where it is known which rows of a document
// have which centroids it skims documents first, and scores those that can still be
// expected then.
func rerank(ctx context.Context, query *maxsim.Query, s *shortlist, e expectation) (ranking, error) {
	r := reranking{query: query, tables: s.tables, e: e, best: newTop(min(e.k, s.size))}
	for first := 0; first < s.size; {
		n := rerankBlock
		if first == 0 {
			n = max(n, e.least, min(e.k, s.size)) // it does not end before
		}
		// The disk reads ahead while a block is looked at.
		ahead := s.first(first + n + rerankBlock)[first:]
		if e.stopsAt(ahead[0], first, r.best) {
			r.found.stopped = true
			break
		}
		announce(ahead)
		picks := ahead[:min(n, len(ahead))]
		r.look(ctx, picks)
		if ctx.Err() != nil {
			return ranking{}, context.Cause(ctx)
		}
		first += len(picks)
	}
	r.found.stopped = r.found.stopped || len(r.waiting) > 0
	return r.found, nil
}

// reranking is a ranking under way.
type reranking struct {
	query   *maxsim.Query
	tables  tables
	e       expectation
	found   ranking
	best    top
	waiting bestSkimmed // not scored by all their rows, and so far not expected to be worth it
}

// look scores a block of documents as closely as is worth it.
func (r *reranking) look(ctx context.Context, picks []pick) {
	var skims, others []pick
	for _, p := range picks {
		if r.e.margins.skim() && p.skims() {
			skims = append(skims, p)
		} else {
			others = append(others, p)
		}
	}
	r.rank(ctx, others, pick.rank)
	r.skim(ctx, skims)
	wanted := func(score float32) bool { return r.e.takes(score, r.best) }
	for ctx.Err() == nil {
		next := r.waiting.next(max(r.best.vacant(), 1+r.e.k/rerankShare), wanted)
		if len(next) == 0 {
			return
		}
		if r.best.vacant() > 0 {
			r.rank(ctx, next, pick.rankWithPeaks)
		} else {
			r.rank(ctx, next, pick.rank)
		}
	}
}

// skim scores documents by some of their rows.
func (r *reranking) skim(ctx context.Context, picks []pick) {
	block := make([]skimmed, len(picks))
	spread(ctx, (len(block)+skimTogether-1)/skimTogether, func(i int) {
		first, last := i*skimTogether, min((i+1)*skimTogether, len(block))
		skim(r.query, r.tables, picks[first:last], block[first:last])
	})
	r.found.skimmed += len(block)
	for _, document := range block {
		if document.sound {
			heap.Push(&r.waiting, document)
		} else {
			r.found.damaged = append(r.found.damaged, document.pick)
		}
	}
}

// rank scores documents by all their rows.
func (r *reranking) rank(ctx context.Context, picks []pick, rank func(pick, *maxsim.Query) ranked) {
	block := make([]ranked, len(picks))
	spread(ctx, len(block), func(i int) { block[i] = rank(picks[i], r.query) })
	for i, document := range block {
		if !document.sound {
			r.found.damaged = append(r.found.damaged, picks[i])
			continue
		}
		r.found.documents = append(r.found.documents, document)
		r.best.offer(Result{ID: document.id, Score: document.score})
	}
}

// announce says that documents are about to be read. What was read before is mostly
// still in memory, and telling takes the kernel as long as reading takes us: 700 pages
// 7 ms.
func announce(picks []pick) {
	for _, p := range picks {
		if !p.checked.has(p.row) {
			p.WillNeed(p.row)
		}
	}
}

// rank scores one document.
func (p pick) rank(query *maxsim.Query) ranked { return p.rankBy(query, query.ScoreInt8) }

// rankWithPeaks is rank for a document that is likely to be scored with its stored vectors,
// too, as the first are that fill the results: 9 of 10 made-up pages. Of those that come
// later few are; of drawn pages 15 of 237, and to keep all their peaks took 4 % longer.
func (p pick) rankWithPeaks(query *maxsim.Query) ranked {
	peaks := allPeaks.Get().(*maxsim.Peaks)
	r := p.rankBy(query, func(doc maxsim.Int8Matrix) float32 { return query.ScoreInt8Peaks(doc, peaks) })
	r.peaks = peaks
	return r
}

func (p pick) rankBy(query *maxsim.Query, score func(maxsim.Int8Matrix) float32) ranked {
	r := ranked{pick: p}
	r.sound = p.reads(func() {
		if p.sound(p.row) {
			doc := p.Document(p.row)
			r.score, r.bound = score(doc), query.ErrorBound(doc)
		}
	})
	return r
}

// allPeaks keeps memory between searches: 4 KB a page and question of 20 vectors.
var allPeaks = sync.Pool{New: func() any { return new(maxsim.Peaks) }}

// free lets others use the memory of peaks.
func (r ranking) free() {
	for _, document := range r.documents {
		if document.peaks != nil {
			allPeaks.Put(document.peaks)
		}
	}
}

// byUpperBound orders those that may still be best first.
func byUpperBound(documents []ranked, slack float32) {
	slices.SortFunc(documents, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score+slack*b.bound, a.score+slack*a.bound), cmp.Compare(a.id, b.id))
	})
}
