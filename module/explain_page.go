package module

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"math"
	"slices"
	"strings"

	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/search"

	"weaviate-colpali/maxsim"
	"weaviate-colpali/module/explain"
	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/blob"
	"weaviate-colpali/vectorizer/similarity"
)

// explain explains one object, nil if it has no vectors to explain. What keeps a page from having a map
// is told in the result; its score is right without.
func (e *explainer) explain(result search.Result) (*explain.Result, error) {
	page, ok, err := e.page(result.Vectors)
	if err != nil || !ok {
		return nil, err
	}
	matches := e.query.Match(nil, page)
	explained := &explain.Result{Searched: e.searched, Tokens: make([]explain.Token, len(matches)), Cut: e.cut}
	for i, match := range matches {
		explained.Score += float64(match.Score)
		explained.Tokens[i].Score = float64(match.Score)
		if e.tokens != nil {
			explained.Tokens[i].Text, explained.Tokens[i].Prompt = &e.tokens[i].Text, e.tokens[i].Prompt
		}
	}
	if err := e.draw(explained, result, page, matches); err != nil {
		reason := err.Error()
		explained.Reason = &reason
	}
	return explained, nil
}

// page is the stored vectors of an object.
func (e *explainer) page(vectors models.Vectors) (_ maxsim.Matrix, ok bool, err error) {
	rows, ok := vectors[e.vector].([][]float32)
	if !ok || len(rows) == 0 {
		return maxsim.Matrix{}, false, nil
	}
	page, err := maxsim.FromRows(rows)
	if err != nil {
		return maxsim.Matrix{}, false, err
	}
	if page.Dim != len(e.rows[0]) {
		return maxsim.Matrix{}, false, refused(fmt.Errorf("%w: its vectors have %d dimensions, the query's %d: it was imported with another model",
			explain.ErrRequest, page.Dim, len(e.rows[0])))
	}
	return page, true, nil
}

// draw adds where on the page the query matched.
func (e *explainer) draw(explained *explain.Result, result search.Result, page maxsim.Matrix, matches []maxsim.Match) error {
	encoded, err := e.image(result)
	if err != nil {
		return err
	}
	layout, err := e.model.Layout(encoded)
	if err != nil {
		return err
	}
	if len(layout.Rows) == 0 {
		return errors.New("the model makes one vector of the whole page, which lies nowhere on it")
	}
	if layout, err = kept(layout, page.Rows()); err != nil {
		return err
	}
	patchOf := map[int]int{}
	for patch, row := range layout.Rows {
		patchOf[row] = patch
	}
	for i, match := range matches {
		if patch, ok := patchOf[match.Row]; ok {
			column, row := patch%layout.Width, patch/layout.Width
			explained.Tokens[i].Column, explained.Tokens[i].Row = &column, &row
		}
	}
	drawn, err := e.similarities(layout, page, matches, patchOf)
	if err != nil {
		return err
	}
	explained.Map = &explain.Map{Width: drawn.Width, Height: drawn.Height, Values: rounded(drawn.Values)}
	explained.Image, err = e.picture(drawn, encoded)
	return err
}

// kept is where on the page so many vectors lie: all that the model makes, or those of the patches alone, in
// their order, which dropNonImage keeps.
func kept(layout vectorizer.Layout, vectors int) (vectorizer.Layout, error) {
	switch vectors {
	case layout.Vectors:
		return layout, nil
	case len(layout.Rows):
		sorted := slices.Sorted(slices.Values(layout.Rows))
		rows := make([]int, len(sorted))
		for patch, row := range layout.Rows {
			rows[patch], _ = slices.BinarySearch(sorted, row)
		}
		layout.Rows = rows
		return layout, nil
	default:
		return layout, fmt.Errorf("the page has %d vectors, the model makes %d of its image: they were pooled (poolFactor), "+
			"made by another model, or given by the client, and cannot be placed on the page", vectors, layout.Vectors)
	}
}

// image is the object's page as it was imported.
func (e *explainer) image(result search.Result) ([]byte, error) {
	properties, _ := result.Schema.(map[string]any)
	text, ok := properties[e.request.ImageOf(e.vector)].(string)
	if !ok {
		return nil, errors.New("the object has no page image, so its vectors were given by the client and cannot be placed")
	}
	return blob.Decode(text, e.maxBytes)
}

// similarities is the map of a token, or of the whole query: of each patch the largest similarity to
// any of the query's own tokens. The largest reads better than the mean, in which the many tokens that
// a patch has nothing to do with drown the one that it shows.
func (e *explainer) similarities(layout vectorizer.Layout, page maxsim.Matrix, matches []maxsim.Match, patchOf map[int]int) (similarity.Map, error) {
	drawn := e.drawnTokens()
	dots := e.query.Dots(nil, page)
	values := make([]float32, len(layout.Rows))
	for patch, row := range layout.Rows {
		ofRow := dots[row*len(e.rows):][:len(e.rows)]
		values[patch] = float32(math.Inf(-1))
		for _, token := range drawn {
			values[patch] = max(values[patch], ofRow[token])
		}
	}
	var best []int
	for _, token := range drawn {
		if patch, ok := patchOf[matches[token].Row]; ok && !slices.Contains(best, patch) {
			best = append(best, patch)
		}
	}
	return similarity.New(layout.Width, layout.Height, values, best)
}

// drawnTokens are the tokens that the map is of.
func (e *explainer) drawnTokens() []int {
	if e.request.Token != explain.AllTokens {
		return []int{e.request.Token}
	}
	var own, all []int
	for i := range e.rows {
		all = append(all, i)
		if e.tokens != nil && !e.tokens[i].Prompt {
			own = append(own, i)
		}
	}
	if len(own) > 0 {
		return own
	}
	return all
}

// rounded keeps the answer small: a similarity of unit vectors to four decimals, a quarter of the text
// of all its digits.
func rounded(values []float32) []float64 {
	out := make([]float64, len(values))
	for i, value := range values {
		out[i] = math.Round(float64(value)*1e4) / 1e4
	}
	return out
}

// picture is the map in the format that the query asks for, nil if it asks for none.
func (e *explainer) picture(drawn similarity.Map, encoded []byte) (*string, error) {
	var text string
	switch e.request.Format {
	case explain.PNG:
		page, err := e.model.DecodePage(encoded)
		if err != nil {
			return nil, err
		}
		var file bytes.Buffer
		if err := drawn.WritePNG(&file, page, e.request.Width); err != nil {
			return nil, err
		}
		text = base64.StdEncoding.EncodeToString(file.Bytes())
	case explain.SVG:
		config, _, err := image.DecodeConfig(bytes.NewReader(encoded))
		if err != nil {
			return nil, err
		}
		var file strings.Builder
		if err := drawn.WriteSVG(&file, image.Pt(config.Width, config.Height)); err != nil {
			return nil, err
		}
		text = file.String()
	default:
		return nil, nil
	}
	return &text, nil
}
