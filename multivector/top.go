package multivector

import (
	"cmp"
	"container/heap"
	"slices"
)

// top keeps the best k results offered to it.
type top struct {
	k    int
	heap worstFirst
}

func newTop(k int) top { return top{k: k} }

func (t *top) offer(r Result) {
	switch {
	case len(t.heap) < t.k:
		heap.Push(&t.heap, r)
	case t.k > 0 && compare(r, t.heap[0]) < 0:
		t.heap[0] = r
		heap.Fix(&t.heap, 0)
	}
}

// vacant is how many more results are kept whatever their score.
func (t *top) vacant() int { return t.k - len(t.heap) }

// sorted is what was kept, best first.
func (t *top) sorted() []Result {
	slices.SortFunc(t.heap, compare)
	return t.heap
}

// compare orders results best first. Ids decide between equal scores, so that one
// index always answers in one order; between replicas, whose ids differ, they
// decide nothing.
func compare(a, b Result) int {
	if c := cmp.Compare(b.Score, a.Score); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// worstFirst is a heap with the worst result on top.
type worstFirst []Result

func (h worstFirst) Len() int           { return len(h) }
func (h worstFirst) Less(i, j int) bool { return compare(h[i], h[j]) > 0 }
func (h worstFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *worstFirst) Push(r any)        { *h = append(*h, r.(Result)) }

func (h *worstFirst) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
