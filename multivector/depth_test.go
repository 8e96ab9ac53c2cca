package multivector

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// How many candidates a search may score: never more than there are, ten for each result
// at least, and a balanced search more for many results of many documents.
func TestDepth(t *testing.T) {
	x := &Index{limits: usual}
	for _, c := range []struct {
		candidates, k int
		options       SearchOptions
		want          int
	}{
		{500, 10, SearchOptions{}, 500}, // all, whatever the precision
		{10_000, 10, SearchOptions{Precision: Exact}, 10_000},
		{10_000, 10, SearchOptions{Precision: Fast}, 100},
		{10_000, 100, SearchOptions{Precision: Fast}, 1000},
		{2000, 1, SearchOptions{}, 400},
		{2000, 10, SearchOptions{}, 400},
		{2000, 100, SearchOptions{}, 1000},
		{8000, 100, SearchOptions{}, 2000},
		{2000, 1000, SearchOptions{}, 2000},
		{10_000, 10, SearchOptions{}, 999},
		{10_000, 100, SearchOptions{}, 2236},
		{10_000, 10, SearchOptions{Recall: 0.5}, 400},
	} {
		assert.Equal(t, c.want, x.depth(c.candidates, tuneRows, c.k, c.options).documents, "%+v", c)
	}
}
