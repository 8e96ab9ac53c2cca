package vectorizer

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort"
)

// pretend is a device with memory for so many items. An item's output is its number, twice.
type pretend struct {
	memory int
	pieces []int
}

func (p *pretend) run(from, to int) ([]float32, error) {
	p.pieces = append(p.pieces, to-from)
	if to-from > p.memory {
		return nil, fmt.Errorf("vision: %w", ort.ErrMemory)
	}
	var block []float32
	for i := from; i < to; i++ {
		block = append(block, float32(i), float32(i))
	}
	return block, nil
}

func TestABatchThatDoesNotFitIsHalved(t *testing.T) {
	for _, c := range []struct {
		memory, count int
		pieces, later []int // sizes of what is tried, for a first batch and for the next
	}{
		{8, 4, []int{4}, []int{4}},
		{3, 8, []int{8, 4, 2, 2, 2, 2}, []int{2, 2, 2, 2}},
		{1, 3, []int{3, 1, 1, 1}, []int{1, 1, 1}},
		{2, 5, []int{5, 2, 2, 1}, []int{2, 2, 1}},
	} {
		p := &pretend{memory: c.memory}
		var want [][]float32
		for i := range c.count {
			want = append(want, []float32{float32(i), float32(i)})
		}
		var l limit
		for _, pieces := range [][]int{c.pieces, c.later} {
			p.pieces = nil
			got, err := l.split(c.count, p.run)
			require.NoError(t, err)
			require.Equal(t, want, got)
			require.Equal(t, pieces, p.pieces, "memory for %d of %d", c.memory, c.count)
		}
	}
}

func TestWhatDoesNotFitAloneIsAnError(t *testing.T) {
	p := &pretend{}
	_, err := new(limit).split(4, p.run)
	require.ErrorIs(t, err, ort.ErrMemory)
	require.Equal(t, []int{4, 2, 1}, p.pieces)

	broken := errors.New("broken")
	_, err = new(limit).split(4, func(int, int) ([]float32, error) { return nil, broken })
	require.Equal(t, broken, err, "nothing else is tried again")
}
