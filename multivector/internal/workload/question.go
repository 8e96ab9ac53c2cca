package workload

import (
	"math/rand/v2"

	"weaviate-colpali/maxsim"
)

// wordNoise makes a question differ from the page that it was planted on so much
// that exact MaxSim finds another page first for a quarter of the questions.
const wordNoise = 0.6

// Question makes question i about one of the first pages, and says which. It
// depends on the seed, on i and on how many pages there are.
func (w *World) Question(i, pages int) (question maxsim.Matrix, planted int) {
	r := random(w.seed, ofQuestion, i)
	planted = r.IntN(pages)
	l, _ := w.layOut(planted)
	return w.ask(r, l, w.quote(r, l, l.around(r))), planted
}

// around is the words of a line and of those next to it. The header, which other
// pages have, too, counts only where there is nothing else.
func (l *layout) around(r *rand.Rand) []word {
	lines := l.lines
	if len(lines) > 1 {
		lines = lines[1:]
	}
	y := lines[r.IntN(len(lines))].y
	var text []word
	for _, line := range lines {
		if line.y-y <= 1 && y-line.y <= 1 {
			text = append(text, line.words...)
		}
	}
	return text
}

// quote is 5 to 14 words in a row, a quarter of them swapped for others of the
// document's topics.
func (w *World) quote(r *rand.Rand, l *layout, text []word) []word {
	n := min(len(text), between(r, 5, 14))
	from := r.IntN(len(text) - n + 1)
	quoted := make([]word, n)
	for i, other := range w.lexicon.draw(r, l.topics, n) {
		quoted[i] = text[from+i]
		if r.Float64() < 0.25 {
			quoted[i] = other
		}
	}
	return quoted
}

// ask makes vectors of words: one each, and the augmentation.
func (w *World) ask(r *rand.Rand, l *layout, text []word) maxsim.Matrix {
	m := newMatrix(len(text) + augmentations)
	context, noise := w.lexicon.mean(text), w.noise(r, m.Rows())
	for i := range m.Rows() {
		row := m.Row(i)
		add(row, 0.45, w.mean)
		if i < len(text) {
			add(row, 1, w.lexicon.vector(text[i]))
			add(row, 0.35, context)
			add(row, 0.15, l.context)
			add(row, wordNoise, noise.Row(i))
			continue
		}
		add(row, 0.8, w.lexicon.mixture(r, text))
		add(row, 0.4, context)
		add(row, 0.4, w.augment.Row(i-len(text)))
		add(row, 0.6*wordNoise, noise.Row(i))
	}
	return units(m)
}

// mixture is a random mean of words.
func (l *lexicon) mixture(r *rand.Rand, of []word) []float32 {
	sum := make([]float32, Dim)
	for i, share := range shares(r, len(of)) {
		add(sum, share, l.vector(of[i]))
	}
	return unit(sum)
}
