package codebook

import (
	"sync"

	"weaviate-colpali/maxsim"
)

// Codebook is centroids in cells. It is immutable: any number of goroutines may use
// it at once.
//
// A centroid takes five bytes a dimension, and nine more from the first time on
// that [Codebook.Assign] needs its cell: 15 MB for 8,192 of 128 dimensions, 117 MB
// for 65,536.
type Codebook struct {
	parts Parts
	codes maxsim.Int8Matrix
	cells *maxsim.Query
	// children is the centroids of each cell, packed. They, and not the rows of a
	// page, are what is packed: that takes 2 us a row, which is longer than to compare
	// the row with a cell.
	children []func() *maxsim.Query
}

// build makes a codebook of parts that are known to be right.
func build(p Parts) *Codebook {
	c := &Codebook{parts: p, codes: maxsim.Quantize(p.Centroids), cells: pack(p.Cells)}
	for i := range p.Cells.Rows() {
		c.children = append(c.children, sync.OnceValue(func() *maxsim.Query { return pack(p.children(i)) }))
	}
	return c
}

func pack(rows maxsim.Matrix) *maxsim.Query {
	query, err := maxsim.NewQuery(rows)
	if err != nil {
		panic(err) // there are rows in every cell
	}
	return query
}

// Dim is the dimensions of every centroid.
func (c *Codebook) Dim() int { return c.parts.Centroids.Dim }

// Len is the number of centroids. Their ids are below it.
func (c *Codebook) Len() int { return c.parts.Centroids.Rows() }

// Int8 is the centroids in 8-bit codes, as a [maxsim.CentroidTable] is built of. It
// shares the codebook's memory.
func (c *Codebook) Int8() maxsim.Int8Matrix { return c.codes }

// Parts is what the codebook is made of. It shares the codebook's memory.
func (c *Codebook) Parts() Parts { return c.parts }

// MeanCosine is the mean cosine of rows and their centroids, measured on rows of
// the sample that were not trained with. When that of later rows falls below it,
// they have drifted away.
func (c *Codebook) MeanCosine() float32 { return c.parts.MeanCosine }
