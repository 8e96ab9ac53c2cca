package workload

import (
	"math"
	"math/rand/v2"
	"sort"
)

// stream tells apart what is drawn from one seed.
type stream uint64

const (
	ofWorld stream = iota + 1
	ofLengths
	ofDocument
	ofPage
	ofQuestion
)

// random is the generator of the i-th thing of a stream, which depends on nothing
// else: page 7 is the same whether 10 pages are made or 10,000.
func random(seed uint64, s stream, i int) *rand.Rand {
	return rand.New(rand.NewPCG(mix(seed^mix(uint64(s))), mix(uint64(i))))
}

// mix is the finaliser of splitmix64: numbers that differ by one bit become
// unrelated ones.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// between is a whole number from least to most.
func between(r *rand.Rand, least, most int) int { return least + r.IntN(most-least+1) }

// geometric is the number of trials up to the first success, at most `most`.
func geometric(r *rand.Rand, success float64, most int) int {
	for n := 1; n < most; n++ {
		if r.Float64() < success {
			return n
		}
	}
	return most
}

// gamma is a Gamma variate of a whole shape.
func gamma(r *rand.Rand, shape int) float64 {
	var sum float64
	for range shape {
		sum += r.ExpFloat64()
	}
	return sum
}

// beta is a Beta variate of whole shapes.
func beta(r *rand.Rand, a, b int) float64 {
	x, y := gamma(r, a), gamma(r, b)
	return x / (x + y)
}

// shares is a Dirichlet variate of n shapes 1/2: a squared Gaussian is a Gamma
// variate of that shape, but for a factor.
func shares(r *rand.Rand, n int) []float32 {
	x, sum := make([]float32, n), float32(0)
	for i := range x {
		g := float32(r.NormFloat64())
		x[i] = g * g
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
	return x
}

// zipf draws from 0 to n-1 with probabilities proportional to (i+1)^-exponent.
type zipf []float64 // cumulative

func newZipf(n int, exponent float64) zipf {
	z, sum := make(zipf, n), 0.0
	for i := range z {
		sum += math.Pow(float64(i+1), -exponent)
		z[i] = sum
	}
	return z
}

func (z zipf) draw(r *rand.Rand) int {
	x := r.Float64() * z[len(z)-1]
	return min(sort.SearchFloat64s(z, x), len(z)-1)
}
