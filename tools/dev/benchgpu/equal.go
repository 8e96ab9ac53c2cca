package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"weaviate-colpali/tools/dev/trial"
	"weaviate-colpali/vectorizer"
)

// leastCosine of a vector to the CPU's of the float16 model, by what computes it. Of tiny random models 0.999998 and
// 0.9995 were measured.
var leastCosine = map[string]float64{"float16": 0.999, "bfloat16": 0.99}

var errUnequal = errors.New("the vectors are not those that the CPU computes")

// vectors of some pages, and of the question.
type vectors struct{ pages, query [][]float32 }

// reference is what the CPU makes of the float16 model; nil where nobody wants to compare.
func (b *bench) reference(ctx context.Context) (_ *vectors, err error) {
	if b.check == 0 {
		return nil, nil //nolint:nilnil // there is nothing to compare with, and nothing is wrong
	}
	v, err := b.open(ctx, "float16", "cpu", nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return b.embed(ctx, v)
}

func (b *bench) embed(ctx context.Context, v *vectorizer.Vectorizer) (*vectors, error) {
	page, err := trial.Letter()
	if err != nil {
		return nil, err
	}
	pages, err := v.EmbedPages(ctx, slices.Repeat([][]byte{page}, b.check))
	if err := trial.Failure(pages, err); err != nil {
		return nil, err
	}
	query, err := v.EmbedQueries(ctx, []string{b.Question})
	if err := trial.Failure(query, err); err != nil {
		return nil, err
	}
	made := vectors{query: query[0].Vectors}
	for _, page := range pages {
		made.pages = append(made.pages, page.Vectors...)
	}
	return &made, nil
}

func (b *bench) compare(ctx context.Context, v *vectorizer.Vectorizer, precision string, reference *vectors) error {
	if reference == nil {
		return nil
	}
	got, err := b.embed(ctx, v)
	if err != nil {
		return err
	}
	least := min(cosine(reference.pages, got.pages), cosine(reference.query, got.query))
	fmt.Fprintf(b.w, "equal     every vector of %d pages and a query is finite and has cosine %.6f or more to the CPU's; %g is wanted\n",
		b.check, least, leastCosine[precision])
	if !(least >= leastCosine[precision]) {
		return errUnequal
	}
	return nil
}

// cosine is the least of any vector, all of which have length one.
func cosine(want, got [][]float32) float64 {
	if len(want) != len(got) {
		return math.NaN()
	}
	least := 1.0
	for i := range want {
		dot := 0.0
		for j := range want[i] {
			dot += float64(want[i][j]) * float64(got[i][j])
		}
		least = min(least, dot)
	}
	return least
}
