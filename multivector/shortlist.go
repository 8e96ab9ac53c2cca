package multivector

import (
	"cmp"
	"container/heap"
)

// shortlist is documents that a search looks at more closely, the most promising first.
// They are put in order as they are asked for: of 5,000 documents the first 130 take
// 0.22 ms on a core, all 0.99.
type shortlist struct {
	ordered []pick
	rest    bestFirst // a heap
	size    int
	tables  tables // of the query's centroids
}

// newShortlist is all of the documents that nothing is known of, and the n most
// promising of the others. It keeps both.
func newShortlist(unknown, known []pick, n int, tables tables) *shortlist {
	s := &shortlist{ordered: unknown, rest: known, size: len(unknown) + min(n, len(known)), tables: tables}
	heap.Init(&s.rest)
	return s
}

// first is the n most promising documents, or all where there are fewer.
func (s *shortlist) first(n int) []pick {
	for n = min(n, s.size); len(s.ordered) < n; {
		s.ordered = append(s.ordered, heap.Pop(&s.rest).(pick))
	}
	return s.ordered[:n]
}

// bestFirst is a heap with the most promising document on top, and of equal ones that
// with the smaller id.
type bestFirst []pick

func (h bestFirst) Len() int      { return len(h) }
func (h bestFirst) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h bestFirst) Less(i, j int) bool {
	c := cmp.Compare(h[i].estimate, h[j].estimate)
	return c > 0 || c == 0 && h[i].id < h[j].id
}

func (h *bestFirst) Push(p any) { *h = append(*h, p.(pick)) }

func (h *bestFirst) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	*h = (*h)[:last]
	return p
}
