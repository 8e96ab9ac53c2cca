package acceptance

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
)

// explained is what a query is told of one of its results.
type explained struct {
	Title      string
	Additional struct {
		Distance float64
		ColPali  *explanation
	} `json:"_additional"`
}

type explanation struct {
	Score    float64
	Searched *struct {
		Certified                                        bool
		Candidates, Centroids, Scanned, Reranked, Scored int
	}
	Tokens []struct {
		Text        *string
		Prompt      bool
		Score       float64
		Column, Row *int
	}
	Cut int
	Map *struct {
		Width, Height int
		Values        []float64
	}
	Image, Reason *string
}

const wholeExplanation = `{ score searched { certified candidates centroids scanned reranked scored }
	tokens { text prompt score column row } cut map { width height values } image reason }`

// explain asks why the results of a search match.
func (n *node) explain(t *testing.T, class, search, arguments string) ([]explained, error) {
	t.Helper()
	if arguments != "" {
		arguments = "(" + arguments + ")"
	}
	response, err := n.rest.GraphQL().Raw().WithQuery(fmt.Sprintf(
		`{ Get { %s(%s) { title _additional { distance colpali%s %s } } } }`, class, search, arguments, wholeExplanation)).Do(t.Context())
	require.NoError(t, err)
	var data struct {
		Get map[string][]explained
	}
	err = decode(response, &data)
	return data.Get[class], err
}

func (n *node) explainOne(t *testing.T, class, search, arguments string) explanation {
	t.Helper()
	results, err := n.explain(t, class, search, arguments)
	require.NoError(t, err)
	require.NotEmpty(t, results)
	require.NotNil(t, results[0].Additional.ColPali)
	return *results[0].Additional.ColPali
}

func TestExplain(t *testing.T) {
	const class = "Explain"
	n := shared(t)
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class))
	question := samples[2].question
	near := fmt.Sprintf(`nearText: {concepts: [%q]}, limit: 3`, question)

	t.Run("the score adds up", func(t *testing.T) {
		results, err := n.explain(t, class, near, "")
		require.NoError(t, err)
		require.Len(t, results, 3)
		for _, result := range results {
			why := result.Additional.ColPali
			require.InDelta(t, -result.Additional.Distance, why.Score, 1e-4)
			sum, own := 0.0, ""
			for _, token := range why.Tokens {
				sum += token.Score
				if !token.Prompt {
					own += *token.Text
				}
			}
			require.InDelta(t, why.Score, sum, 1e-4)
			require.Equal(t, question, strings.TrimSpace(own), "the tokens that are not the prompt's are the question")
			require.True(t, why.Searched.Certified, "few pages are all scored")
			require.Equal(t, len(samples), why.Searched.Candidates)
			require.Len(t, why.Map.Values, why.Map.Width*why.Map.Height)
			require.Nil(t, why.Image)
			require.Nil(t, why.Reason)
		}
	})
	t.Run("a question that is longer than the model reads", func(t *testing.T) {
		require.Zero(t, n.explainOne(t, class, near, "").Cut)
		long := strings.Repeat("whale ", 300)
		cut := n.explainOne(t, class, fmt.Sprintf(`nearText: {concepts: [%q]}, limit: 1`, long), "").Cut
		require.Positive(t, cut)
		longer := n.explainOne(t, class, fmt.Sprintf(`nearText: {concepts: [%q]}, limit: 1`, long+"whale "), "").Cut
		require.Greater(t, longer, cut)
	})
	t.Run("a token's map is highest where it matched", func(t *testing.T) {
		for i, token := range n.explainOne(t, class, near, "").Tokens {
			if token.Column == nil {
				continue
			}
			m := n.explainOne(t, class, near, fmt.Sprintf("token: %d", i)).Map
			at := m.Values[*token.Row*m.Width+*token.Column]
			require.InDelta(t, slices.Max(m.Values), at, 1e-4)
			require.InDelta(t, token.Score, at, 1e-4)
		}
	})
	t.Run("pictures", func(t *testing.T) {
		file, err := base64.StdEncoding.DecodeString(*n.explainOne(t, class, near, "format: PNG, width: 300").Image)
		require.NoError(t, err)
		picture, err := png.Decode(bytes.NewReader(file))
		require.NoError(t, err)
		require.Equal(t, image.Pt(300, 300), picture.Bounds().Size())
		svg := *n.explainOne(t, class, near, "format: SVG").Image
		require.True(t, strings.HasPrefix(svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 448 448"`), svg)
	})
	t.Run("other searches", func(t *testing.T) {
		want := n.explainOne(t, class, near, "")
		for _, search := range []string{
			fmt.Sprintf(`hybrid: {query: %q, alpha: 1}, limit: 1`, question),
			`nearObject: {id: "` + uuid(2).String() + `"}, limit: 1`,
			`where: {path: ["number"], operator: Equal, valueInt: 2}`,
			`limit: 1, offset: 2, sort: [{path: ["number"]}]`,
			`nearImage: {image: "` + samplePage(t, 2) + `"}, limit: 1`,
		} {
			got := n.explainOne(t, class, search, fmt.Sprintf("query: %q", question))
			require.InDelta(t, want.Score, got.Score, 1e-4, search)
			require.Equal(t, want.Map, got.Map, search)
		}
		require.InDelta(t, want.Score, n.explainOne(t, class, fmt.Sprintf(`hybrid: {query: %q, alpha: 0.5}, limit: 1`, question), "").Score, 1e-4)
		require.InDelta(t, want.Score, n.explainOne(t, class, `bm25: {query: "whale"}`, fmt.Sprintf("query: %q", question)).Score, 1e-4)
	})
	t.Run("a query of vectors", func(t *testing.T) {
		document := n.stored(t, class, pageVector, "")[uuid(2).String()]
		search := fmt.Sprintf(`nearVector: {vectorPerTarget: {%s: %s}}, limit: 1`, pageVector, jsonOf(t, []matrix{document[5:7]}))
		why := n.explainOne(t, class, search, "")
		require.InDelta(t, 2, why.Score, 1e-3, "two of the page's own vectors")
		require.Nil(t, why.Tokens[0].Text)
		require.Equal(t, []int{5, 6}, []int{*why.Tokens[0].Column, *why.Tokens[1].Column})
	})
	t.Run("refused", func(t *testing.T) {
		for _, c := range []struct{ search, arguments, says string }{
			{`limit: 1`, "", "there is no text to explain: say query"},
			{near, "width: 5000", "width must be a number from 1 to 2048, got 5000"},
			{near, "token: 1000", "token is 1000, the query has tokens 0 to"},
			{near, `targetVector: "nothing"`, `targetVector "nothing" is no vector of this module; they are [` + pageVector + `]`},
			{near, `format: JPEG`, "JPEG"},
		} {
			_, err := n.explain(t, class, c.search, c.arguments)
			require.ErrorContains(t, err, c.says, c.arguments)
		}
	})
}

// TestExplainPlantedWords: the map of a single printed word is highest on it, for nine words of ten.
// The model is the embedded demo model, and the pages are made here: it says that maps are laid on
// pages rightly, nothing about other models.
func TestExplainPlantedWords(t *testing.T) {
	const class = "ExplainWords"
	n := shared(t)
	n.requireDemoModel(t)
	n.create(t, pageCollection(class))
	n.imports(t, pageObjects(t, class))
	words, hit := 0, 0
	var missed []string
	for i, s := range samples {
		for word := range strings.FieldsSeq(s.question) {
			words++
			search := fmt.Sprintf(`where: {path: ["number"], operator: Equal, valueInt: %d}`, i)
			m := n.explainOne(t, class, search, fmt.Sprintf("query: %q", word)).Map
			best := slices.Index(m.Values, slices.Max(m.Values))
			column, row := best%m.Width, best/m.Width
			patch := image.Rect(column*pageSide/m.Width, row*pageSide/m.Height, (column+1)*pageSide/m.Width, (row+1)*pageSide/m.Height)
			if patch.Overlaps(wordBox(t, s.text, word)) {
				hit++
			} else {
				missed = append(missed, word)
			}
		}
	}
	t.Logf("the map's maximum lies on %d of %d words; missed %v", hit, words, missed)
	require.GreaterOrEqual(t, float64(hit), 0.9*float64(words))
}

// TestExplainUnplaceable: an object whose vectors the client gave is explained without a map.
func TestExplainUnplaceable(t *testing.T) {
	const class = "ExplainOwn"
	n := shared(t)
	n.create(t, pageCollection(class))
	dim := n.model(t).Dim
	n.imports(t, []*models.Object{
		{
			Class: class, ID: uuid(1), Properties: object{"title": "own"},
			Vectors: models.Vectors{pageVector: randomMatrix(seeded(60), 3, dim)},
		},
		{
			Class: class, ID: uuid(2), Properties: object{"title": "both", "page": samplePage(t, 0)},
			Vectors: models.Vectors{pageVector: randomMatrix(seeded(61), 3, dim)},
		},
	})
	results, err := n.explain(t, class, `nearText: {concepts: ["bee"]}`, "format: PNG")
	require.NoError(t, err)
	require.Len(t, results, 2)
	for _, result := range results {
		why := result.Additional.ColPali
		require.InDelta(t, -result.Additional.Distance, why.Score, 1e-4)
		require.Nil(t, why.Map)
		require.Nil(t, why.Image)
		require.Contains(t, *why.Reason, map[string]string{"own": "no page image", "both": "the page has 3 vectors"}[result.Title])
	}
}

// TestExplainTooMany: what is asked for at once is bounded.
func TestExplainTooMany(t *testing.T) {
	const class, count = "ExplainMany", 21
	n := shared(t)
	n.create(t, pageCollection(class))
	var objects []*models.Object
	for i := range count {
		objects = append(objects, pageObject(class, i, "page", samplePage(t, i%len(samples))))
	}
	n.imports(t, objects)
	_, err := n.explain(t, class, `nearText: {concepts: ["bee"]}, limit: 30`, "format: SVG")
	require.ErrorContains(t, err, "pictures of 21 objects, the limit is 20: set limit, or leave format out")
	results, err := n.explain(t, class, `nearText: {concepts: ["bee"]}, limit: 20`, "format: SVG")
	require.NoError(t, err)
	require.Len(t, results, 20)
	results, err = n.explain(t, class, `nearText: {concepts: ["bee"]}, limit: 30`, "")
	require.NoError(t, err)
	require.Len(t, results, count)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}
