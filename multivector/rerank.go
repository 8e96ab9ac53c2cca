package multivector

import (
	"cmp"
	"context"
	"slices"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// ranked is a document with its score by 8-bit codes.
type ranked struct {
	id    uint64
	score float32
	bound float32 // how far the exact score can be from it
	sound bool    // false: its codes are damaged, and score means nothing
}

// ranking is what scoring a shortlist by 8-bit codes found.
type ranking struct {
	documents []ranked
	damaged   []pick // those whose codes are damaged
	stopped   bool   // before the end of the shortlist
}

// rerankBlock is how many documents are scored before it is asked whether that is
// enough: 16 pages take 0.5 ms on a core. It does not depend on the number of cores,
// so that answers do not either.
const rerankBlock = 16

// rerank scores the shortlist by 8-bit codes, the most promising documents first, until
// no other can be expected among the results.
func rerank(ctx context.Context, query *maxsim.Query, s *shortlist, e expectation) (ranking, error) {
	var r ranking
	best := newTop(min(e.k, s.size))
	for first := 0; first < s.size; first += rerankBlock {
		// The disk reads ahead while a block is scored.
		ahead := s.first(first + 2*rerankBlock)[first:]
		if e.stopsAt(ahead[0], first, best) {
			r.stopped = true
			break
		}
		announce(ahead)
		picks := ahead[:min(rerankBlock, len(ahead))]
		block := make([]ranked, len(picks))
		spread(ctx, len(block), func(i int) { block[i] = picks[i].rank(query) })
		if ctx.Err() != nil {
			return ranking{}, context.Cause(ctx)
		}
		for i, document := range block {
			if !document.sound {
				r.damaged = append(r.damaged, picks[i])
				continue
			}
			r.documents = append(r.documents, document)
			best.offer(Result{ID: document.id, Score: document.score})
		}
	}
	return r, nil
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

// rank scores one document. A page of the file that the disk cannot read is a
// damaged document, not the end of the process.
func (p pick) rank(query *maxsim.Query) ranked {
	r := ranked{id: p.id}
	err := vfs.Guard(func() {
		if r.sound = p.sound(p.row); r.sound {
			doc := p.Document(p.row)
			r.score, r.bound = query.ScoreInt8(doc), query.ErrorBound(doc)
		}
	})
	if err != nil {
		p.damaged.set(p.row)
		r.sound = false
	}
	return r
}

// byUpperBound orders those that may still be best first.
func byUpperBound(documents []ranked, slack float32) {
	slices.SortFunc(documents, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score+slack*b.bound, a.score+slack*a.bound), cmp.Compare(a.id, b.id))
	})
}
