package multivector

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A shortlist that is asked bit by bit has the order that sorting all documents gives.
func TestShortlistIsInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, size := range []struct{ unknown, known, n int }{{3, 0, 0}, {0, 1, 1}, {2, 300, 299}, {0, 500, 40}, {1, 20, 90}} {
		var unknown, known []pick
		for i := range size.unknown {
			unknown = append(unknown, pick{id: uint64(i), estimate: unknownEstimate})
		}
		for i := range size.known { // many alike: ids decide
			known = append(known, pick{id: uint64(1000 + i), estimate: float32(r.IntN(30))})
		}
		r.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
		want := slices.Clone(known)
		slices.SortFunc(want, func(a, b pick) int {
			if a.estimate != b.estimate {
				return int(b.estimate - a.estimate)
			}
			return int(a.id) - int(b.id)
		})
		want = append(slices.Clone(unknown), want[:min(size.n, len(want))]...)

		s := newShortlist(unknown, known, size.n, nil)
		assert.Equal(t, len(want), s.size)
		for n := 2; n <= len(want)+7; n += 7 {
			assert.Equal(t, want[:min(n, len(want))], s.first(n))
			assert.Equal(t, want[:min(n/2, len(want))], s.first(n/2), "asked for less than before")
		}
	}
}
