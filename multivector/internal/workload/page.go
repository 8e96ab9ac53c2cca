package workload

import (
	"math/rand/v2"

	"weaviate-colpali/maxsim"
)

// Page makes page i. It depends on the seed and on i only.
func (w *World) Page(i int) maxsim.Matrix {
	l, r := w.layOut(i)
	m := newMatrix(Rows)
	noise := w.noise(r, Rows)
	for p := range prompts {
		row := m.Row(p)
		add(row, 0.5, w.mean)
		add(row, 1, w.prompts.Row(p))
		add(row, 0.25, l.context)
		add(row, 0.1, noise.Row(p))
	}
	contexts := w.lineContexts(l)
	backgrounds := w.backgrounds(r, l)
	for y := range grid {
		for x := range grid {
			at := prompts + y*grid + x
			row := m.Row(at)
			add(row, 0.55, w.mean)
			if l.patches[y][x].vector == nil {
				add(row, 1, backgrounds[alternate(x, y)])
				add(row, 0.20, noise.Row(at))
				continue
			}
			add(row, 1, l.blurred(x, y))
			if contexts[y] != nil {
				add(row, 0.35, contexts[y])
			}
			add(row, 0.30, l.context)
			add(row, 0.45, noise.Row(at))
		}
	}
	return units(m)
}

// lineContexts is what the patches of each line share: the mean of its words, or
// the page where a figure is.
func (w *World) lineContexts(l *layout) [grid][]float32 {
	var contexts [grid][]float32
	for _, line := range l.lines {
		contexts[line.y] = w.lexicon.mean(line.words)
	}
	for y := range grid {
		if l.patches[y][l.margins.left].figure {
			contexts[y] = l.context
		}
	}
	return contexts
}

// backgrounds is the two looks of a page's empty patches.
func (w *World) backgrounds(r *rand.Rand, l *layout) [2][]float32 {
	var both [2][]float32
	for i, look := range l.looks {
		vector := make([]float32, Dim)
		add(vector, 1, w.looks.Row(look))
		add(vector, 0.22, w.atom(r))
		add(vector, 0.10, l.context)
		both[i] = unit(vector)
	}
	return both
}

// alternate tells where a page has its second look.
func alternate(x, y int) int {
	if (x+y)%7 == 0 {
		return 1
	}
	return 0
}

// blurred is what a patch shows, with a share of its neighbours in the line.
func (l *layout) blurred(x, y int) []float32 {
	vector := make([]float32, Dim)
	add(vector, 1, l.patches[y][x].vector)
	for _, neighbour := range []int{x - 1, x + 1} {
		if neighbour >= 0 && neighbour < grid && l.patches[y][neighbour].vector != nil {
			add(vector, 0.25, l.patches[y][neighbour].vector)
		}
	}
	return unit(vector)
}
