package codebook

import (
	"slices"

	"weaviate-colpali/maxsim"
)

// Codes appends the distinct centroids of a page's rows to dst, in ascending order:
// what an index stores of it. The mean cosine is that of [Codebook.Assign].
func (c *Codebook) Codes(dst []uint32, rows maxsim.Matrix) (ids []uint32, meanCosine float32) {
	begin := len(dst)
	dst, meanCosine = c.Assign(dst, rows)
	return dst[:begin+distinct(dst[begin:])], meanCosine
}

// CodesInt8 is Codes of rows in 8-bit codes, which is what a segment holds of a page
// when a new codebook calls for new ids. It makes 98.8 % of the ids that the rows
// have in float32.
func (c *Codebook) CodesInt8(dst []uint32, rows maxsim.Int8Matrix) (ids []uint32, meanCosine float32) {
	begin := len(dst)
	dst, meanCosine = c.assignInt8(dst, rows)
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
