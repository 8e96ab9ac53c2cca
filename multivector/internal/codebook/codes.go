package codebook

import (
	"slices"

	"weaviate-colpali/maxsim"
)

// Codes is what an index stores of a page: the distinct centroids of its rows, and which
// rows are nearest to each.
type Codes struct {
	IDs    []uint32 // ascending
	Counts []uint16 // rows of each
	Rows   []uint16 // numbers of the first one's rows, ascending, then of the next one's

	order []uint64 // of rows by ids
}

// CodesInt8 is the codes of a page's rows, 65,536 or fewer, in the memory of into. A row without
// a direction is in none. The mean cosine is that of [Codebook.Assign].
func (c *Codebook) CodesInt8(into *Codes, rows maxsim.Int8Matrix) (meanCosine float32) {
	assigned, meanCosine := c.AssignInt8(into.IDs[:0], rows)
	into.order = into.order[:0]
	for row, id := range assigned {
		if id != None {
			into.order = append(into.order, uint64(id)<<16|uint64(row))
		}
	}
	slices.Sort(into.order)
	into.IDs, into.Counts, into.Rows = assigned[:0], into.Counts[:0], into.Rows[:0]
	for _, idAndRow := range into.order {
		id, row := uint32(idAndRow>>16), uint16(idAndRow)
		if n := len(into.IDs); n == 0 || into.IDs[n-1] != id {
			into.IDs, into.Counts = append(into.IDs, id), append(into.Counts, 0)
		}
		into.Counts[len(into.Counts)-1]++
		into.Rows = append(into.Rows, row)
	}
	return meanCosine
}
