package multivector

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

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

// rerank scores the shortlist by 8-bit codes. Those whose codes are damaged it
// returns apart.
func rerank(ctx context.Context, query *maxsim.Query, shortlist []pick) (ranking []ranked, damaged []pick, err error) {
	ranking = make([]ranked, len(shortlist))
	for _, p := range shortlist {
		// What was read before is mostly still in memory, and telling takes the kernel as
		// long as reading takes us: 700 pages 7 ms.
		if !p.checked.has(p.row) {
			p.WillNeed(p.row)
		}
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shortlist)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(shortlist) {
					return
				}
				ranking[i] = shortlist[i].rank(query)
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	for i, r := range ranking {
		if !r.sound {
			damaged = append(damaged, shortlist[i])
		}
	}
	return slices.DeleteFunc(ranking, func(r ranked) bool { return !r.sound }), damaged, nil
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
func byUpperBound(ranking []ranked, slack float32) {
	slices.SortFunc(ranking, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.score+slack*b.bound, a.score+slack*a.bound), cmp.Compare(a.id, b.id))
	})
}
