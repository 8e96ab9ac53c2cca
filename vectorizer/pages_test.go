package vectorizer

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBatchesStayWithinTheirBudgetOfTokens(t *testing.T) {
	for _, c := range []struct {
		lengths []int
		budget  int
		want    [][]int // lengths of the pages of each batch
	}{
		{nil, 10, nil},
		{[]int{3, 3, 3}, 9, [][]int{{3, 3, 3}}},
		{[]int{3, 3, 3}, 8, [][]int{{3, 3}, {3}}},
		{[]int{5, 1, 4, 1}, 8, [][]int{{1, 1}, {4}, {5}}},
		{[]int{5, 1, 4, 1}, 10, [][]int{{1, 1}, {4, 5}}},
		{[]int{1, 50, 1}, 10, [][]int{{1, 1}, {50}}},
	} {
		pages := make([]preparedPage, len(c.lengths))
		for i, n := range c.lengths {
			pages[i].index = i
			pages[i].prompt.ids = make([]int64, n)
		}
		var got [][]int
		seen := map[int]int{}
		for batch := range withinBudget(pages, c.budget) {
			var lengths []int
			for _, page := range batch {
				lengths = append(lengths, len(page.prompt.ids))
				seen[page.index] = len(page.prompt.ids)
			}
			got = append(got, lengths)
		}
		require.Equal(t, c.want, got)
		for i, n := range c.lengths {
			require.Equal(t, n, seen[i], "page %d keeps its place in the call", i)
		}
	}
}

// A budget of one token makes batches of one page, and changes no vector.
func TestABudgetChangesNothingButTheBatches(t *testing.T) {
	whole, single := openRandom(t, Options{}), openRandom(t, Options{BatchTokens: 1})
	pages := [][]byte{goldenIn(randomModel).file(t, "letter.png"), goldenIn(randomModel).file(t, "wide.png")}
	want, err := whole.EmbedPages(t.Context(), pages)
	require.NoError(t, err)
	got, err := single.EmbedPages(t.Context(), pages)
	require.NoError(t, err)
	for i := range want {
		require.NoError(t, got[i].Err)
		for row := range want[i].Vectors {
			require.InDeltaSlice(t, want[i].Vectors[row], got[i].Vectors[row], 2e-5)
		}
	}
}
