package maxsim

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		rows    int
		offered []int
		want    []int
	}{
		{rows: 1, offered: []int{24, 20, 16}, want: []int{16}},
		{rows: 16, offered: []int{24, 20, 16}, want: []int{16}},
		{rows: 17, offered: []int{24, 20, 16}, want: []int{20}},
		{rows: 20, offered: []int{24, 20, 16}, want: []int{20}},
		{rows: 21, offered: []int{24, 20, 16}, want: []int{24}},
		{rows: 25, offered: []int{24, 20, 16}, want: []int{16, 16}},
		{rows: 32, offered: []int{24, 20, 16}, want: []int{16, 16}},
		{rows: 33, offered: []int{24, 20, 16}, want: []int{20, 16}},
		{rows: 40, offered: []int{24, 20, 16}, want: []int{24, 16}},
		{rows: 48, offered: []int{24, 20, 16}, want: []int{24, 24}},
		{rows: 25, offered: []int{32, 24, 20, 16}, want: []int{32}},
		{rows: 40, offered: []int{32, 24, 20, 16}, want: []int{24, 16}},
		{rows: 48, offered: []int{32, 24, 20, 16}, want: []int{32, 16}},
		{rows: 52, offered: []int{32, 24, 20, 16}, want: []int{32, 20}},
		{rows: 32, offered: []int{24, 16}, want: []int{16, 16}},
		{rows: 6, offered: []int{4}, want: []int{4, 4}},
	} {
		require.Equal(t, test.want, split(test.rows, test.offered), "%d of %v", test.rows, test.offered)
	}
}

func TestSplitWastesLessThanAStep(t *testing.T) {
	for _, offered := range [][]int{{24, 20, 16}, {32, 24, 20, 16}} {
		for rows := 29; rows <= 1100; rows++ {
			lanes := 0
			for _, group := range split(rows, offered) {
				lanes += group
			}
			require.GreaterOrEqual(t, lanes, rows)
			require.Less(t, lanes, rows+4)
		}
	}
}

func TestPassesCoverEveryRowOnce(t *testing.T) {
	for _, rows := range []int{1, 20, 32, 127, 128, 129, 1024, 1030} {
		next := 0
		all := passes(rows, []int{24, 16}, func(first, lanes int) [2]int { return [2]int{first, lanes} })
		for _, p := range all {
			require.Equal(t, next, p.first)
			require.LessOrEqual(t, p.lanes, passLanes)
			lane := 0
			for _, g := range p.groups {
				require.Equal(t, [2]int{p.first + lane, g.lanes}, g.packed)
				require.Equal(t, lane, g.lane)
				lane += g.lanes
			}
			require.Equal(t, lane, p.lanes)
			next += p.rows
		}
		require.Equal(t, rows, next)
	}
}

func TestBlocksCoverEveryRowOnce(t *testing.T) {
	for _, rowBytes := range []int{1, 128, 512, 8192, 1 << 20} {
		for _, groups := range []int{1, 2} {
			for _, total := range []int{0, 1, 23, 24, 25, 47, 48, 49, 127, 151, 1030, 65535} {
				next := 0
				for b := firstBlock(total, rowBytes, groups); b.rows > 0; b = b.next() {
					require.Equal(t, next, b.first)
					if next > 0 {
						require.GreaterOrEqual(t, b.rows, blockStep, "a rest joins the block before it")
					}
					next += b.rows
				}
				require.Equal(t, total, next)
			}
		}
	}
}
