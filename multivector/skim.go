package multivector

import (
	"container/heap"
	"sync"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/vfs"
)

// skimMargin is how near a centroid of a document must be to its best one for some row of
// the query, in steps of the table, of which there are 255 from the largest product to its
// negative, for its rows to be looked at: 0.03 of a product of unit vectors. Of 1,030 rows
// of a made-up page (package workload) that leaves 90, whose score falls short of that of
// all rows by 0.17 (median; 1.05 for 1 in 100), where the tenth and the fortieth result are
// 0.9 apart. With 3 steps it is 60 rows and 0.26, with 9 steps 160 and 0.07.
const skimMargin = 5

// skimmed is a document with its score by some of its rows.
type skimmed struct {
	pick
	score float32 // at most its score by all
	sound bool    // false: its codes are damaged, and score means nothing
}

// skims tells whether it is known which rows of a document have which centroids.
func (p pick) skims() bool { return p.codes != nil && p.codes.tellsRows() }

// skim scores a document by those of its rows that are near the query's by their centroids.
func (p pick) skim(query *maxsim.Query, tables tables) skimmed {
	found := skimmed{pick: p}
	err := vfs.Guard(func() {
		if found.sound = p.sound(p.row); found.sound {
			n := nears.Get().(*near)
			defer nears.Put(n)
			found.score = query.ScoreInt8Rows(p.Document(p.row), p.codes.near(n, tables[p.codes.generation], p.row))
		}
	})
	if err != nil {
		p.damaged.set(p.row)
		found.sound = false
	}
	return found
}

// near is what finding a document's rows near a query's takes. It is reused.
type near struct {
	marks []uint8
	rows  []uint16
}

var nears = sync.Pool{New: func() any { return new(near) }}

// near is the rows of a document whose centroids are nearly its best ones for a row of
// the query.
func (c *coded) near(n *near, table *maxsim.CentroidTable, document int) []uint16 {
	counts := c.counts[c.offsets[document]:c.offsets[document+1]]
	for len(n.marks) < len(counts) {
		n.marks = append(n.marks, 0)
	}
	c.searchable.Near(n.marks, table, document, skimMargin)
	n.rows = n.rows[:0]
	rows := c.rows[c.firsts[document]:c.firsts[document+1]]
	for i, count := range counts {
		if n.marks[i] != 0 {
			n.rows = append(n.rows, rows[:count]...)
		}
		rows = rows[count:]
	}
	return n.rows
}

// bestSkimmed is a heap with the best score on top, and of equal ones the smaller id.
type bestSkimmed []skimmed

func (h bestSkimmed) Len() int      { return len(h) }
func (h bestSkimmed) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h bestSkimmed) Less(i, j int) bool {
	return compare(Result{ID: h[i].id, Score: h[i].score}, Result{ID: h[j].id, Score: h[j].score}) < 0
}

func (h *bestSkimmed) Push(s any) { *h = append(*h, s.(skimmed)) }

func (h *bestSkimmed) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	*h = (*h)[:last]
	return s
}

// next takes the best n documents off that a function wants.
func (h *bestSkimmed) next(n int, wanted func(score float32) bool) (picks []pick) {
	for len(picks) < n && len(*h) > 0 && wanted((*h)[0].score) {
		picks = append(picks, heap.Pop(h).(skimmed).pick)
	}
	return picks
}
