package workload

import (
	"math/rand/v2"

	"weaviate-colpali/maxsim"
)

// word is a number below words, or words + a stop word.
type word int

// lexicon is the words there are and how often a topic uses them.
type lexicon struct {
	vectors maxsim.Matrix
	of      [][]word // the words of each topic
	laws    []zipf
	stopLaw zipf
}

func (w *World) newLexicon(r *rand.Rand) lexicon {
	l := lexicon{vectors: w.unitAtoms(r, words+stopWords), of: make([][]word, topics), stopLaw: newZipf(stopWords, 1)}
	for i := range word(words) {
		topic := r.IntN(topics)
		l.of[topic] = append(l.of[topic], i)
		add(l.vector(i), 0.45, w.topics.Row(topic))
		unit(l.vector(i))
	}
	for _, own := range l.of {
		l.laws = append(l.laws, newZipf(len(own), 1.05))
	}
	return l
}

func (l *lexicon) vector(i word) []float32 { return l.vectors.Row(int(i)) }

// draw is words as a document of two topics has them: the second in 30 % of the
// cases, and 15 % stop words.
func (l *lexicon) draw(r *rand.Rand, topics [2]int, n int) []word {
	drawn := make([]word, n)
	for i := range drawn {
		if r.Float64() < 0.15 {
			drawn[i] = word(words + l.stopLaw.draw(r))
			continue
		}
		topic := topics[0]
		if r.Float64() < 0.3 {
			topic = topics[1]
		}
		drawn[i] = l.of[topic][l.laws[topic].draw(r)]
	}
	return drawn
}

// mean is the direction of the sum of words.
func (l *lexicon) mean(of []word) []float32 {
	sum := make([]float32, Dim)
	for _, i := range of {
		add(sum, 1, l.vector(i))
	}
	return unit(sum)
}
