package workload

import (
	"math"
	"math/rand/v2"

	"weaviate-colpali/maxsim"
)

// Dim is the dimensions of every vector.
const Dim = 128

const (
	topics        = 200
	words         = 20000
	stopWords     = 200
	visuals       = 3000
	backgrounds   = 24
	prompts       = 6
	augmentations = 10
)

// World is what all pages of a seed are made of. It is immutable, so that pages
// can be made by many goroutines.
type World struct {
	seed    uint64
	atoms   mixer // makes Gaussian rows anisotropic, of norm 1 on average
	noises  mixer // makes them half that and half white
	mean    []float32
	topics  maxsim.Matrix
	visuals maxsim.Matrix
	looks   maxsim.Matrix // of backgrounds
	prompts maxsim.Matrix
	augment maxsim.Matrix
	lexicon lexicon
	lookLaw zipf
}

// New makes the world of a seed, in a tenth of a second.
func New(seed uint64) *World {
	r := random(seed, ofWorld, 0)
	w := &World{seed: seed, lookLaw: newZipf(backgrounds, 1.3)}
	w.atoms, w.noises = spectra(orthogonal(r))
	w.mean = w.atom(r)
	w.topics = w.unitAtoms(r, topics)
	w.lexicon = w.newLexicon(r)
	w.visuals = w.unitAtoms(r, visuals)
	w.looks = w.newLooks(r)
	w.prompts = w.unitAtoms(r, prompts)
	w.augment = w.unitAtoms(r, augmentations)
	return w
}

// unitAtoms is random directions, most of them among the first dimensions of the
// spectrum.
func (w *World) unitAtoms(r *rand.Rand, rows int) maxsim.Matrix { return units(w.atoms.draw(r, rows)) }

func (w *World) atom(r *rand.Rand) []float32 { return w.unitAtoms(r, 1).Row(0) }

func (w *World) noise(r *rand.Rand, rows int) maxsim.Matrix { return units(w.noises.draw(r, rows)) }

// newLooks is how backgrounds can look: not very different from one another.
func (w *World) newLooks(r *rand.Rand) maxsim.Matrix {
	common, looks := w.atom(r), w.unitAtoms(r, backgrounds)
	for i := range backgrounds {
		add(looks.Row(i), 0.6, common)
	}
	return units(looks)
}

// spectra is the two kinds of rows, in the directions of an orthogonal basis.
func spectra(basis [][]float64) (atoms, noises mixer) {
	deviations, squares := make([]float64, Dim), 0.0
	for k := range deviations {
		deviations[k] = math.Pow(float64(k+1), -0.4) // the spectrum is of squares
		squares += deviations[k] * deviations[k]
	}
	a, n := newMatrix(Dim), newMatrix(Dim)
	for k, direction := range basis {
		atom := deviations[k] / math.Sqrt(squares)
		for d, x := range direction {
			a.Row(d)[k] = float32(atom * x)
			n.Row(d)[k] = float32(math.Sqrt((atom*atom+1.0/Dim)/2) * x)
		}
	}
	return newMixer(a), newMixer(n)
}

// orthogonal is Dim random directions at right angles, by Gram and Schmidt.
func orthogonal(r *rand.Rand) [][]float64 {
	basis := make([][]float64, Dim)
	for k := range basis {
		basis[k] = make([]float64, Dim)
		for d := range basis[k] {
			basis[k][d] = r.NormFloat64()
		}
		for _, other := range basis[:k] {
			subtract(basis[k], other, dot(basis[k], other))
		}
		length := math.Sqrt(dot(basis[k], basis[k]))
		for d := range basis[k] {
			basis[k][d] /= length
		}
	}
	return basis
}

func dot(x, y []float64) float64 {
	var sum float64
	for d := range x {
		sum += x[d] * y[d]
	}
	return sum
}

func subtract(x, y []float64, factor float64) {
	for d := range x {
		x[d] -= factor * y[d]
	}
}
