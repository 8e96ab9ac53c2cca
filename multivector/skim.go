package multivector

import (
	"container/heap"
	"slices"
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

// skimTogether is how many documents are skimmed at once: while the rows of one are
// scored, those of the next ones come from memory. Of 2,000 made-up pages that took a
// quarter off skimming, 1.10 to 0.84 ms a search.
const skimTogether = 4

// skim scores documents by those of their rows that are near the query's by their
// centroids.
func skim(query *maxsim.Query, tables tables, picks []pick, found []skimmed) {
	s := skimmers.Get().(*skimmer)
	defer skimmers.Put(s)
	for i, p := range picks {
		found[i] = skimmed{pick: p}
		found[i].sound = p.reads(func() {
			if p.sound(p.row) {
				s.runs[i] = p.codes.near(s.runs[i][:0], &s.marks, tables[p.codes.generation], p.row)
				p.Document(p.row).Prefetch(s.runs[i])
			}
		})
	}
	for i, p := range picks {
		if found[i].sound {
			found[i].sound = p.reads(func() { found[i].score = query.ScoreInt8Runs(p.Document(p.row), s.runs[i]) })
		}
	}
}

// reads reports whether a document is sound after f has read of it. A page of the file that
// the disk cannot read is a damaged document, not the end of the process.
func (p pick) reads(f func()) bool {
	if vfs.Guard(f) != nil {
		p.damaged.set(p.row)
	}
	return !p.damaged.has(p.row)
}

// skimmer is what skimming takes. It is reused.
type skimmer struct {
	marks []uint8
	runs  [skimTogether][]maxsim.Run
}

var skimmers = sync.Pool{New: func() any { return new(skimmer) }}

// near appends the rows of a document whose centroids are nearly its best ones for a row
// of the query.
func (c *coded) near(runs []maxsim.Run, marks *[]uint8, table *maxsim.CentroidTable, document int) []maxsim.Run {
	counts := c.counts[c.offsets[document]:c.offsets[document+1]]
	*marks = slices.Grow((*marks)[:0], len(counts))[:len(counts)]
	c.searchable.Near(*marks, table, document, skimMargin)
	if c.lined {
		return markedRuns(runs, *marks, counts)
	}
	rows := c.rows[c.firsts[document]:c.firsts[document+1]]
	for i, count := range counts {
		if (*marks)[i] != 0 {
			for _, row := range rows[:count] {
				runs = appendRun(runs, int(row), 1)
			}
		}
		rows = rows[count:]
	}
	return runs
}

// markedRuns is near where the rows of a centroid lie side by side, in the order of the
// centroids.
func markedRuns(runs []maxsim.Run, marks []uint8, counts []uint16) []maxsim.Run {
	first := 0
	for i, count := range counts {
		if marks[i] != 0 {
			runs = appendRun(runs, first, int(count))
		}
		first += int(count)
	}
	return runs
}

// appendRun appends rows, to the last run where they follow it.
func appendRun(runs []maxsim.Run, first, rows int) []maxsim.Run {
	if last := len(runs) - 1; last >= 0 && runs[last].First+runs[last].Rows == first {
		runs[last].Rows += rows
		return runs
	}
	return append(runs, maxsim.Run{First: first, Rows: rows})
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
