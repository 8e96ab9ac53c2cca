package codebook

import (
	"slices"

	"weaviate-colpali/maxsim"
)

// CodesInt8 appends the distinct centroids of a page's rows to dst, in ascending
// order: what an index stores of it. The mean cosine is that of [Codebook.Assign].
func (c *Codebook) CodesInt8(dst []uint32, rows maxsim.Int8Matrix) (ids []uint32, meanCosine float32) {
	begin := len(dst)
	dst, meanCosine = c.AssignInt8(dst, rows)
	return dst[:begin+distinct(dst[begin:])], meanCosine
}

// distinct sorts ids, moves one of each to the front and says how many these are.
func distinct(ids []uint32) int {
	slices.Sort(ids)
	n := len(slices.Compact(ids))
	if n > 0 && ids[n-1] == None {
		n--
	}
	return n
}
