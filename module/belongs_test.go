package module

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/models"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearImage"
	"github.com/weaviate/weaviate/usecases/modulecomponents/arguments/nearText"
	"github.com/weaviate/weaviate/usecases/modules"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// everyUse calls what needs the collection's model, and returns the error of each by its name.
func everyUse(t *testing.T, m *Module, settings object) map[string]error {
	t.Helper()
	settings["imageFields"] = []any{"page"}
	cfg := modules.NewClassBasedModuleConfig(pageClass(Name, settings, plaidEnabled), Name, "", vectorName, nil)
	_, _, failed := m.VectorizeBatch(t.Context(), []*models.Object{page(0, "one"), page(1, "two")}, []bool{false, false}, cfg)
	require.Contains(t, []int{0, 2}, len(failed))
	_, hybrid := m.VectorizeInput(t.Context(), "bar", cfg)
	_, text := m.VectorSearches()["nearText"](t.Context(), &nearText.NearTextParams{Values: []string{"bar"}}, "Page", nil, cfg)
	_, image := m.VectorSearches()["nearImage"](t.Context(), &nearImage.NearImageParams{Image: encoded("page")}, "Page", nil, cfg)
	return map[string]error{"import": failed[0], "hybrid": hybrid, "nearText": text, "nearImage": image}
}

func TestACollectionOfAnotherModelIsRefused(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	other := strings.Repeat("0", 64)
	for use, err := range everyUse(t, m, object{"manifest": other, "modelName": "colpali-v1.3"}) {
		for _, part := range []string{`"colpali-v1.3"`, other, `"fake"`, fakeManifest, "COLPALI_MODEL_DIR", "new collection"} {
			require.ErrorContains(t, err, part, use)
		}
		require.Equal(t, codes.InvalidArgument, status.Code(err), use)
	}
	require.Empty(t, fake.calls, "the model may not even run")
	require.Empty(t, fake.queries)
}

func TestACollectionOfThisModelIsServed(t *testing.T) {
	m, logged := started(t, &fakeEmbedder{})
	logged.Reset()
	for use, err := range everyUse(t, m, object{"manifest": fakeManifest, "modelName": "under another name"}) {
		require.NoError(t, err, use)
	}
	require.Empty(t, logged.AllEntries())
}

func TestACollectionThatSaysNoModelIsServedAndLoggedOnce(t *testing.T) {
	m, logged := started(t, &fakeEmbedder{})
	logged.Reset()
	for range 3 {
		for use, err := range everyUse(t, m, object{}) {
			require.NoError(t, err, use)
		}
	}
	require.Len(t, logged.AllEntries(), 1)
	require.Contains(t, logged.LastEntry().Message, "taken to belong to model fake, manifest "+fakeManifest)
	require.Equal(t, "Page", logged.LastEntry().Data["class"])
}
