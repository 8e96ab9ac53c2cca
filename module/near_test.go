package module

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	enterrors "github.com/weaviate/weaviate/entities/errors"
	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearImage"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"weaviate-colpali/vectorizer"
	"weaviate-colpali/vectorizer/processor"
)

func TestNearText(t *testing.T) {
	for _, c := range []struct {
		name  string
		query nearText.NearTextParams
		want  string
	}{
		{"one concept", nearText.NearTextParams{Values: []string{"bar chart"}}, "bar chart"},
		{"several concepts are one query", nearText.NearTextParams{Values: []string{"bar", "chart"}}, "bar chart"},
		{"distance", nearText.NearTextParams{Values: []string{"bar"}, Distance: -3, WithDistance: true}, "bar"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeEmbedder{}
			m, _ := started(t, fake)
			vectors, err := m.VectorSearches()["nearText"](t.Context(), &c.query, "Page", nil, nil)
			require.NoError(t, err)
			require.NotEmpty(t, vectors)
			require.Equal(t, []string{c.want}, fake.queries)
		})
	}
}

func TestNearTextRefuses(t *testing.T) {
	words := []string{"bar", "chart"}
	for _, c := range []struct {
		name  string
		query any
		want  string
	}{
		{"moveTo words", &nearText.NearTextParams{Values: words, MoveTo: nearText.ExploreMove{Values: words, Force: 0.5}}, "moveTo is not supported"},
		{"moveTo without force", &nearText.NearTextParams{Values: words, MoveTo: nearText.ExploreMove{Values: words}}, "moveTo is not supported"},
		{"moveAwayFrom object", &nearText.NearTextParams{Values: words, MoveAwayFrom: nearText.ExploreMove{Objects: []nearText.ObjectMove{{ID: "x"}}}}, "moveAwayFrom is not supported"},
		{"autocorrect", &nearText.NearTextParams{Values: words, Autocorrect: true}, "autocorrect is not supported"},
		{"certainty", &nearText.NearTextParams{Values: words, Certainty: 0.7}, "use distance"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeEmbedder{}
			m, _ := started(t, fake)
			_, err := m.VectorSearches()["nearText"](t.Context(), c.query, "Page", nil, nil)
			require.ErrorContains(t, err, "nearText: ")
			require.ErrorContains(t, err, c.want)
			require.Equal(t, codes.InvalidArgument, status.Code(err))
			require.Empty(t, fake.queries, "nothing may run for a refused query")
		})
	}
}

func TestNearTextReportsTheEmbedder(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	_, err := m.VectorSearches()["nearText"](t.Context(), &nearText.NearTextParams{}, "Page", nil, nil)
	require.EqualError(t, err, "nearText: query is empty")

	failure := errors.New("device lost")
	m, _ = started(t, &fakeEmbedder{failure: failure})
	_, err = m.VectorSearches()["nearText"](t.Context(), &nearText.NearTextParams{Values: []string{"bar"}}, "Page", nil, nil)
	require.ErrorIs(t, err, failure)
	_, err = m.VectorizeInput(t.Context(), "bar", nil)
	require.ErrorIs(t, err, failure)
}

func TestACutQueryIsLogged(t *testing.T) {
	m, logged := started(t, &fakeEmbedder{})
	for _, c := range []struct {
		text string
		want string
	}{
		{"as many as fit", ""},
		{"a secret of six words altogether", "the last 2 tokens of a query are more than model fake takes and were not searched"},
	} {
		logged.Reset()
		_, err := m.VectorizeInput(t.Context(), c.text, nil)
		require.NoError(t, err)
		if c.want == "" {
			require.Empty(t, logged.AllEntries())
			continue
		}
		require.Equal(t, c.want, logged.LastEntry().Message)
		require.NotContains(t, logged.LastEntry().Message, "secret")
	}
}

func TestQueryErrorsHaveAStatus(t *testing.T) {
	for _, c := range []struct {
		failure error
		want    codes.Code
		limited bool // REST answers 429
	}{
		{vectorizer.ErrQuery, codes.InvalidArgument, false},
		{processor.ErrTooLarge, codes.InvalidArgument, false},
		{processor.ErrNotImage, codes.InvalidArgument, false},
		{processor.ErrUndecodable, codes.InvalidArgument, false},
		{vectorizer.ErrBusy, codes.ResourceExhausted, true},
		{vectorizer.ErrClosed, codes.Unavailable, false},
		{vectorizer.ErrOutput, codes.Unknown, false},
	} {
		t.Run(c.failure.Error(), func(t *testing.T) {
			m, _ := started(t, &fakeEmbedder{failure: c.failure})
			_, err := m.VectorizeInput(t.Context(), "bar", nil)
			require.ErrorIs(t, err, c.failure)
			require.Equal(t, c.failure.Error(), err.Error())
			// Weaviate wraps the errors of modules on their way up.
			err = fmt.Errorf("vectorize params: %w", err)
			require.Equal(t, c.want, status.Code(err))
			require.Equal(t, c.limited, errors.As(err, &enterrors.ErrRateLimit{}))
		})
	}
}

func TestHybridInput(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	vectors, err := m.VectorizeInput(t.Context(), "bar chart", nil)
	require.NoError(t, err)
	require.Equal(t, [][]float32{{3}, {5}}, vectors)
}

func TestQueryIsCancelled(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := m.VectorizeInput(ctx, "bar", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestNearImage(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	vectors, err := m.VectorSearches()["nearImage"](t.Context(), &nearImage.NearImageParams{Image: encoded("page")}, "Page", nil, nil)
	require.NoError(t, err)
	require.Equal(t, vectorsOf([]byte("page")), vectors)
}

func TestNearImageRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		query nearImage.NearImageParams
		want  string
		calls int
	}{
		{"not base64", nearImage.NearImageParams{Image: "?"}, "not standard base64", 0},
		{"empty", nearImage.NearImageParams{}, "image is empty", 0},
		{"certainty", nearImage.NearImageParams{Image: encoded("page"), Certainty: 0.9}, "use distance", 0},
		{"not an image", nearImage.NearImageParams{Image: encoded("broken")}, "broken page", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			fake := &fakeEmbedder{}
			m, _ := started(t, fake)
			_, err := m.VectorSearches()["nearImage"](t.Context(), &c.query, "Page", nil, nil)
			require.ErrorContains(t, err, "nearImage: ")
			require.ErrorContains(t, err, c.want)
			require.Len(t, fake.calls, c.calls)
		})
	}
}

func TestSearchesRefuseForeignParameters(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	for name, search := range m.VectorSearches() {
		_, err := search(t.Context(), "something else", "Page", nil, nil)
		require.ErrorContains(t, err, name+": unexpected parameters of type string")
	}
}

// spellCheck stands for a module that corrects queries.
type spellCheck struct{ modulecapabilities.Module }

func (spellCheck) TextTransformers() map[string]modulecapabilities.TextTransform {
	return map[string]modulecapabilities.TextTransform{"nearText": spellCheck{}}
}

func (spellCheck) Transform([]string) ([]string, error) { return []string{"corrected"}, nil }

// Weaviate may let this module parse nearText for another vectorizer of the same
// collection, which does support autocorrect.
func TestArgumentsParseForNeighbours(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	require.NoError(t, m.InitExtension([]modulecapabilities.Module{New(), spellCheck{}}))
	require.Len(t, m.Arguments(), 2)

	parsed, _, err := m.Arguments()["nearText"].ExtractFunction(map[string]any{
		"concepts": []any{"mispelt"}, "autocorrect": true,
		"moveTo": map[string]any{"force": 0.5, "concepts": []any{"elsewhere"}},
	})
	require.NoError(t, err)
	require.NoError(t, m.Arguments()["nearText"].ValidateFunction(parsed))
	require.Equal(t, []string{"corrected"}, parsed.(*nearText.NearTextParams).Values)

	_, err = m.VectorSearches()["nearText"](t.Context(), parsed, "Page", nil, nil)
	require.ErrorContains(t, err, "moveTo is not supported")
}
