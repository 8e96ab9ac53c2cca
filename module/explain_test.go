package module

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tailor-platform/graphql/language/ast"
	"github.com/weaviate/weaviate/entities/additional"
	"github.com/weaviate/weaviate/entities/dto"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/entities/search"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"

	"weaviate-colpali/module/explain"
)

// explaining is the context of a nearText query that asks why, and its request.
func explaining(t *testing.T, text string, arguments ...*ast.Argument) (context.Context, *explain.Request) {
	t.Helper()
	class := &models.Class{VectorConfig: map[string]models.VectorConfig{
		vectorName: {Vectorizer: map[string]any{"colpali": map[string]any{"imageFields": []any{"page"}}}},
		"words":    {Vectorizer: map[string]any{"text2vec-other": map[string]any{}}},
	}}
	request, ok := explainRequest(arguments, class).(*explain.Request)
	require.True(t, ok)
	ctx, _ := explain.Begin(t.Context(), dto.GetParams{
		ModuleParams:         map[string]any{nearText.Name: &nearText.NearTextParams{Values: []string{text}}},
		AdditionalProperties: additional.Properties{ModuleParams: map[string]any{explain.Property: request}},
	})
	return ctx, request
}

func pageResult(image string, rows ...float32) search.Result {
	vectors := make([][]float32, len(rows))
	for i, x := range rows {
		vectors[i] = []float32{x}
	}
	return search.Result{
		ID: "00000000-0000-0000-0000-000000000001", Schema: map[string]any{"page": image},
		Vectors: models.Vectors{vectorName: vectors},
	}
}

func explained(t *testing.T, result search.Result) *explain.Result {
	t.Helper()
	e, ok := result.AdditionalProperties[explain.Property].(*explain.Result)
	require.True(t, ok)
	return e
}

// The fake embeds a word as its length, and the prompt's token as 5.
func TestExplainResults(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	ctx, request := explaining(t, "<bos> bee")
	_, err := m.embedQuery(ctx, "<bos> bee")
	require.NoError(t, err)
	results, err := m.explainResults(ctx, []search.Result{pageResult(encoded("page"), 9, 1, -1, 2, 3)}, request, nil, nil, nil)
	require.NoError(t, err)
	require.Equal(t, []string{"<bos> bee"}, fake.queries, "the search has embedded the query; nobody does again")

	why := explained(t, results[0])
	require.InDelta(t, (5+3)*9, why.Score, 1e-6)
	require.Equal(t, "bee", *why.Tokens[1].Text)
	require.True(t, why.Tokens[0].Prompt)
	require.Nil(t, why.Tokens[1].Column, "the first vector is no patch")
	require.Equal(t, &explain.Map{Width: 2, Height: 2, Values: []float64{3, -3, 6, 9}}, why.Map, "of the query's own token alone")
	require.Nil(t, why.Searched, "no index was asked")
	require.Nil(t, why.Reason)
}

func TestExplainResultsOfPatchesAlone(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	ctx, request := explaining(t, "bee")
	results, err := m.explainResults(ctx, []search.Result{pageResult(encoded("page"), 1, -1, 2, 3)}, request, nil, nil, nil)
	require.NoError(t, err)
	require.Equal(t, []float64{3, -3, 6, 9}, explained(t, results[0]).Map.Values, "as dropNonImage keeps them")
}

func TestExplainResultsOfACutQuery(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	for text, want := range map[string]int{"bee": 0, "a query of six words altogether": 6 - fakeQueryWords} {
		ctx, request := explaining(t, text)
		results, err := m.explainResults(ctx, []search.Result{pageResult(encoded("page"), 1, -1, 2, 3)}, request, nil, nil, nil)
		require.NoError(t, err)
		require.Equal(t, want, explained(t, results[0]).Cut, text)
	}
}

func TestExplainResultsOfAnotherQuery(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	ctx, request := explaining(t, "bee", ast.NewArgument(&ast.Argument{
		Name: ast.NewName(&ast.Name{Value: "query"}), Value: ast.NewStringValue(&ast.StringValue{Value: "honey"}),
	}))
	results, err := m.explainResults(ctx, []search.Result{pageResult(encoded("page"), 1, 1, 1, 1, 1)}, request, nil, nil, nil)
	require.NoError(t, err)
	require.InDelta(t, 5, explained(t, results[0]).Score, 1e-6)
}

func TestExplainResultsWithoutAMap(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	for name, c := range map[string]struct {
		result search.Result
		says   string
	}{
		"pooled":       {pageResult(encoded("page"), 1, 2), "the page has 2 vectors, the model makes 5 of its image"},
		"no image":     {search.Result{Vectors: models.Vectors{vectorName: [][]float32{{1}}}}, "no page image"},
		"broken image": {pageResult("?", 1, 2, 3, 4, 5), "not standard base64"},
	} {
		ctx, request := explaining(t, "bee")
		results, err := m.explainResults(ctx, []search.Result{c.result}, request, nil, nil, nil)
		require.NoError(t, err, name)
		why := explained(t, results[0])
		require.NotZero(t, why.Score, name)
		require.Nil(t, why.Map, name)
		require.Contains(t, *why.Reason, c.says, name)
	}
	ctx, request := explaining(t, "bee")
	results, err := m.explainResults(ctx, []search.Result{{}}, request, nil, nil, nil)
	require.NoError(t, err)
	require.Nil(t, explained(t, results[0]), "an object without vectors")
}

func TestExplainResultsRefuses(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	ctx, request := explaining(t, "")
	_, err := m.explainResults(ctx, nil, request, nil, nil, nil)
	require.ErrorContains(t, err, "there is no text to explain")
	_, err = m.explainResults(t.Context(), nil, request, nil, nil, nil)
	require.ErrorContains(t, err, "is for Get queries")
	_, err = m.explainResults(ctx, nil, 7, nil, nil, nil)
	require.ErrorContains(t, err, "unexpected parameters of type int")

	ctx, request = explaining(t, "bee")
	other := pageResult(encoded("page"))
	other.Vectors[vectorName] = [][]float32{{1, 2}}
	_, err = m.explainResults(ctx, []search.Result{other}, request, nil, nil, nil)
	require.ErrorContains(t, err, "its vectors have 2 dimensions, the query's 1")
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = m.explainResults(canceled, []search.Result{pageResult(encoded("page"), 1)}, request, nil, nil, nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestExplainRequestOfSettings(t *testing.T) {
	_, request := explaining(t, "bee")
	require.Equal(t, "page", request.ImageOf(vectorName))
	require.Empty(t, request.ImageOf("words"), "another module's")
	require.Contains(t, New().AdditionalProperties(), explain.Property)
}
