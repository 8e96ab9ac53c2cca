package workload

import (
	"math/rand/v2"
	"slices"
)

// Rows is the vectors of a page.
const Rows = prompts + grid*grid

const grid = 32

// patch is what one square of a page shows: nothing, a word or a visual atom.
type patch struct {
	vector []float32 // nil: background
	figure bool
}

// line is words side by side.
type line struct {
	y     int
	words []word
}

// layout is a page before it is made into vectors.
type layout struct {
	document
	context []float32
	patches [grid][grid]patch
	lines   []line // from top to bottom; the header is the first one
}

// layOut fills a page from top to bottom with lines, figures and gaps. It leaves
// the generator where the noise of the page begins.
func (w *World) layOut(page int) (*layout, *rand.Rand) {
	r := random(w.seed, ofPage, page)
	l := &layout{document: w.document(documentOf(w.seed, page))}
	l.context = slices.Clone(l.document.context)
	add(l.context, 0.8, w.atom(r))
	unit(l.context)

	w.write(r, l, 0, l.header)
	density, bottom := beta(r, 3, 2), grid-l.margins.bottom
	for y := l.margins.top; y < bottom; y++ {
		u := r.Float64()
		switch {
		case u < 0.12 && y+5 < bottom:
			y += w.draw(r, l, y, bottom)
		case u < 0.12+0.88*density:
			w.write(r, l, y, w.lexicon.draw(r, l.topics, between(r, 6, 13)))
		}
	}
	return l, r
}

// write puts as many words into a line as fit.
func (w *World) write(r *rand.Rand, l *layout, y int, text []word) {
	var used []word
	x := l.margins.left
	for _, i := range text {
		n := between(r, 1, 4)
		if x+n > grid-l.margins.right {
			break
		}
		for range n {
			l.patches[y][x] = patch{vector: w.lexicon.vector(i)}
			x++
		}
		used = append(used, i)
		if r.Float64() < 0.12 {
			x++ // a gap
		}
	}
	if len(used) > 0 {
		l.lines = append(l.lines, line{y: y, words: used})
	}
}

// draw puts a figure below y and returns its height: each patch looks like the
// nearest of some seeds.
func (w *World) draw(r *rand.Rand, l *layout, y, bottom int) int {
	type seed struct {
		x, y   int
		vector []float32
	}
	height, width := between(r, 4, min(12, bottom-y)), grid-l.margins.left-l.margins.right
	seeds := make([]seed, between(r, 4, 10))
	for i := range seeds {
		seeds[i] = seed{x: r.IntN(width), y: r.IntN(height), vector: w.visuals.Row(r.IntN(visuals))}
	}
	for dy := range height {
		for dx := range width {
			nearest := slices.MinFunc(seeds, func(a, b seed) int {
				return square(a.x-dx) + square(a.y-dy) - square(b.x-dx) - square(b.y-dy)
			})
			l.patches[y+dy][l.margins.left+dx] = patch{vector: nearest.vector, figure: true}
		}
	}
	return height
}

func square(x int) int { return x * x }
