package multivector

import (
	"weaviate-colpali/maxsim"
	"weaviate-colpali/multivector/internal/codebook"
)

// Rows of one centroid, and of those beside it in the codebook, are looked at together.
// Files hold the rows of a document in that order, so that skimming reads a few runs of
// them: where they lay as the page has them, half of its time was waiting for memory.

// inOrder is a document with the rows of its first centroid first, then those of the next
// one, and at last those that have none.
func inOrder(doc maxsim.Int8Matrix, codes codebook.Codes) (maxsim.Int8Matrix, codebook.Codes) {
	if ascending(codes.Rows) {
		return doc, codes
	}
	ordered := doc
	ordered.Codes = make([]uint8, 0, len(doc.Codes))
	ordered.Scales = make([]float32, 0, len(doc.Scales))
	ordered.Origins = make([]uint16, 0, len(doc.Scales))
	add := func(row int) {
		ordered.Codes = append(ordered.Codes, doc.Codes[row*doc.Dim:(row+1)*doc.Dim]...)
		ordered.Scales = append(ordered.Scales, doc.Scales[row])
		ordered.Origins = append(ordered.Origins, doc.Origin(row))
	}
	placed := make([]bool, doc.Rows())
	for _, row := range codes.Rows {
		add(int(row))
		placed[row] = true
	}
	for row, done := range placed {
		if !done {
			add(row)
		}
	}
	codes.Rows = make([]uint16, len(codes.Rows)) // the old ones may lie in a file
	for i := range codes.Rows {
		codes.Rows[i] = uint16(i)
	}
	return ordered, codes
}

// ordered tells whether the rows of documents lie in the order of their centroids, by
// the first document that has any: a file has all so or none.
func (c *coded) ordered() bool {
	for i := range len(c.offsets) - 1 {
		if rows := c.rows[c.firsts[i]:c.firsts[i+1]]; len(rows) > 0 {
			return ascending(rows)
		}
	}
	return true
}

// ascending tells whether the rows that have centroids lie in the order of these.
func ascending(rows []uint16) bool {
	for i, row := range rows {
		if int(row) != i {
			return false
		}
	}
	return true
}
