package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/tinymodel"
)

// locator finds the place on a page that a query matched. The server returns the page's vectors; the
// query's vectors it does not return, so the locator embeds the query with the same embedded model.
type locator struct {
	collection collection
	model      *vectorizer.Vectorizer
}

// match is where a query matched a page.
type match struct {
	grid  vectorizer.Grid
	heat  []float32 // largest similarity of any query token, one value a patch, row by row
	best  []int     // for each query token the patch with the largest similarity
	words []string  // printed words on those patches, in reading order
}

func newLocator(ctx context.Context, c collection) (*locator, error) {
	model, err := vectorizer.Open(ctx, tinymodel.FS(), "", vectorizer.Options{Library: os.Getenv("COLPALI_ONNXRUNTIME")})
	if err != nil {
		return nil, err
	}
	return &locator{collection: c, model: model}, nil
}

func (l *locator) close() { _ = l.model.Close() }

// words returns the vectors of a query's words. Its first token is <bos>, which stands for no word.
func (l *locator) words(ctx context.Context, query string) ([][]float32, error) {
	embedded, err := l.model.EmbedQueries(ctx, []string{query})
	if err != nil {
		return nil, err
	}
	if err := embedded[0].Err; err != nil {
		return nil, err
	}
	return embedded[0].Vectors[1:], nil
}

// locate compares a query's words with the patches of one stored page.
func (l *locator) locate(ctx context.Context, words [][]float32, p page, id string) (match, error) {
	vectors, err := l.collection.vectors(ctx, id)
	if err != nil {
		return match{}, err
	}
	layout, err := l.model.Layout(p.blob)
	if err != nil {
		return match{}, err
	}
	if len(vectors) != layout.Vectors {
		return match{}, fmt.Errorf("%s has %d vectors, the demo model makes %d: was it imported with another model?", p.File, len(vectors), layout.Vectors)
	}
	m := match{grid: layout.Grid}
	patches := make([][]float32, len(layout.Rows))
	for i, row := range layout.Rows {
		patches[i] = vectors[row]
	}
	if err := m.compare(words, patches); err != nil {
		return match{}, err
	}
	m.words, err = m.wordsOf(p)
	return m, err
}

// compare fills heat and best.
func (m *match) compare(words, patches [][]float32) error {
	page, err := maxsim.FromRows(patches)
	if err != nil {
		return fmt.Errorf("the page's vectors: %w", err)
	}
	rows, err := maxsim.FromRows(words)
	if err != nil {
		return fmt.Errorf("the words' vectors: %w", err)
	}
	query, err := maxsim.NewQuery(rows)
	if err != nil {
		return err
	}
	dots := query.Dots(nil, page)
	for i := range patches {
		m.heat = append(m.heat, slices.Max(dots[i*len(words):(i+1)*len(words)]))
	}
	for _, word := range query.Match(nil, page) {
		m.best = append(m.best, word.Row)
	}
	return nil
}

// wordsOf returns the printed words that the best patches lie on.
func (m *match) wordsOf(p page) ([]string, error) {
	size, err := p.size()
	if err != nil {
		return nil, err
	}
	var on []int
	for _, patch := range m.best {
		box := patchBox(m.grid, patch, size)
		if i := mostCovered(p.Words, box); i >= 0 && !slices.Contains(on, i) {
			on = append(on, i)
		}
	}
	slices.Sort(on) // pages.json lists words in reading order
	words := make([]string, len(on))
	for i, w := range on {
		words[i] = p.Words[w].Text
	}
	return words, nil
}

// mostCovered returns the word that shares the largest area with the box, or -1.
func mostCovered(words []word, b box) int {
	best, bestArea := -1, 0.0
	for i, w := range words {
		width := min(w.X1, b.x1) - max(w.X0, b.x0)
		height := min(w.Y1, b.y1) - max(w.Y0, b.y0)
		if width > 0 && height > 0 && width*height > bestArea {
			best, bestArea = i, width*height
		}
	}
	return best
}

func (m *match) describe() string {
	if len(m.words) == 0 {
		return "no printed word (a picture)"
	}
	return fmt.Sprintf("%q", strings.Join(m.words, " "))
}
