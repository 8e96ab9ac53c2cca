package codebook

import (
	"slices"

	"github.com/viterin/vek/vek32"

	"weaviate-colpali/maxsim"
)

// Codebook is centroids in cells. It is immutable: any number of goroutines may use
// it at once.
//
// A centroid takes six bytes a dimension: 6.3 MB for 8,192 of 128 dimensions, 50 MB
// for 65,536.
type Codebook struct {
	parts Parts
	codes maxsim.Int8Matrix
	cells *maxsim.Query
	// beyond is the centroids of each cell less the cell itself: numbers half as
	// large, which 8-bit codes tell apart twice as well.
	beyond []maxsim.Int8Matrix
}

// build makes a codebook of parts that are known to be right.
func build(p Parts) *Codebook {
	c := &Codebook{parts: p, codes: maxsim.Quantize(p.Centroids), cells: pack(p.Cells)}
	for i := range p.Cells.Rows() {
		beyond := maxsim.Matrix{Data: slices.Clone(p.children(i).Data), Dim: c.Dim()}
		for child := range beyond.Rows() {
			vek32.Sub_Inplace(beyond.Row(child), p.Cells.Row(i))
		}
		c.beyond = append(c.beyond, maxsim.Quantize(beyond))
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
