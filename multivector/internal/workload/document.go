package workload

import "math/rand/v2"

// document is what its pages share.
type document struct {
	topics  [2]int
	looks   [2]int
	margins margins
	header  []word
	context []float32
}

type margins struct{ left, right, top, bottom int }

// Documents have 12 pages on average and at most 40. Their lengths are drawn for a
// block of pages at a time, so that the document of a page is found without
// walking all pages before it.
const (
	meanPages = 12
	mostPages = 40
	pageBlock = 1000
)

// documentOf is the number of the document that a page belongs to.
func documentOf(seed uint64, page int) int {
	block := page / pageBlock
	r := random(seed, ofLengths, block)
	for first, n := 0, 0; ; n++ {
		first += geometric(r, 1.0/meanPages, mostPages)
		if first > page%pageBlock {
			return block*pageBlock + n
		}
	}
}

func (w *World) document(n int) document {
	r := random(w.seed, ofDocument, n)
	d := document{
		topics:  [2]int{r.IntN(topics), r.IntN(topics)},
		looks:   [2]int{w.lookLaw.draw(r), w.lookLaw.draw(r)},
		margins: margins{left: margin(r), right: margin(r), top: margin(r), bottom: margin(r)},
	}
	d.header = w.lexicon.draw(r, d.topics, 4)
	d.context = w.atom(r)
	add(d.context, 1, w.topics.Row(d.topics[0]))
	add(d.context, 0.5, w.topics.Row(d.topics[1]))
	unit(d.context)
	return d
}

func margin(r *rand.Rand) int { return between(r, 1, 4) }
