package codebook

import (
	"slices"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

const (
	// reachRows is how many rows the reach is measured with: by 2,048, a share of
	// 0.97 is known to 0.004.
	reachRows = 2048
	// reachStep is the rows between two rests: each is compared with all centroids.
	reachStep = 32
	// reachShare is the share of rows that find their nearest centroid, of those kept
	// apart. A point less would save a sixth of the work, a point more costs a fifth.
	reachShare = 0.97
	// reachMost is the share of the cells that a row may be compared with, on
	// average. Data without clusters would want nearly all.
	reachMost = 0.25
)

// measureReach sets how far from its nearest cell a row looks for centroids: far
// enough for reachShare of these rows, unless that is too many cells. It is measured
// because no constant suits all models; for package workload it comes to 0.15.
//
// To judge cells by the best centroid of the nearest one, and not by that cell, takes more of
// them for the same share: 8.6 and not 6.4 a row of made-up pages, 4.8 and not 1.9 of text,
// 11.5 and not 3.6 of drawn pages.
func (t *trainer) measureReach(c *Codebook, rows []int32) error {
	rows = rows[:min(len(rows), reachRows)]
	var needed, all []float32
	for chunk := range slices.Chunk(rows, reachStep) {
		if err := t.rest(); err != nil {
			return err
		}
		m := t.sample.gather(chunk)
		needed, all = c.gaps(needed, all, m)
	}
	c.parts.Reach = min(quantile(needed, reachShare), quantile(all, reachMost))
	return nil
}

func quantile(of []float32, share float64) float32 {
	slices.Sort(of)
	return of[int(share*float64(len(of)-1))]
}

// gaps appends how much nearer the nearest cell of each row is than that with the
// nearest centroid, and than every cell.
func (c *Codebook) gaps(needed, all []float32, rows maxsim.Matrix) (neededToo, allToo []float32) {
	a := takeAssignment(c)
	defer a.free()
	a.block(maxsim.Quantize(rows), farthest)
	for i, id := range a.ids {
		own := a.cosines[i*c.cells.Rows() : (i+1)*c.cells.Rows()]
		nearest := vek32.Max(own)
		for _, cosine := range own {
			all = append(all, nearest-cosine)
		}
		needed = append(needed, nearest-own[c.cellOf(id)])
	}
	return needed, all
}

// cellOf is the cell of a centroid.
func (c *Codebook) cellOf(id uint32) int {
	i, begins := slices.BinarySearch(c.parts.Offsets, id)
	if begins {
		return i
	}
	return i - 1
}
