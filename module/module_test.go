package module

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/weaviate/weaviate/entities/modulecapabilities"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"weaviate-colpali/config"
	"weaviate-colpali/maxsim"
	"weaviate-colpali/vectorizer"
)

func TestModuleIdentity(t *testing.T) {
	m := New()
	require.Equal(t, "multi2multivec-colpali", m.Name())
	require.Equal(t, []string{"colpali"}, m.AltNames())
	require.Equal(t, modulecapabilities.Multi2Multivec, m.Type())
}

func TestInitLogsOneLine(t *testing.T) {
	_, logged := started(t, &fakeEmbedder{})
	require.Len(t, logged.AllEntries(), 1)
	line := logged.LastEntry().Message
	for _, part := range []string{
		"fake", "colpali", "1 dimensions", "1 vectors a page", "CPUExecutionProvider", "1.2.3",
		"/secret/lib/libonnxruntime.so", "demo", "COLPALI_MODEL_DIR",
	} {
		require.Contains(t, line, part)
	}
}

func TestInitStopsTheServer(t *testing.T) {
	cause := errors.New("vision.onnx: no such file")
	for _, c := range []struct {
		name, variable, value, want string
	}{
		{"model cannot be opened", "COLPALI_DEVICE", "cpu", "open ColPali model: vision.onnx: no such file"},
		{"setting out of bounds", "COLPALI_PAGE_BATCH", "1000", "COLPALI_PAGE_BATCH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(c.variable, c.value)
			m := New()
			m.open = func(context.Context, config.Runtime, vectorizer.Observer) (model, error) { return model{}, cause }
			params, logged := initParams()
			require.ErrorContains(t, m.Init(t.Context(), params), c.want)
			require.Empty(t, logged.AllEntries())
			require.NoError(t, m.Close())
		})
	}
}

// Weaviate's deadline for all modules must not cut the loading of a big model.
func TestInitIgnoresTheDeadline(t *testing.T) {
	m := New()
	m.open = func(ctx context.Context, _ config.Runtime, _ vectorizer.Observer) (model, error) {
		_, limited := ctx.Deadline()
		require.False(t, limited)
		return model{Embedder: &fakeEmbedder{}}, nil
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	params, logged := initParams()
	require.NoError(t, m.Init(ctx, params))
	require.NotContains(t, logged.LastEntry().Message, "demo")
}

func TestOpenModelNamesTheVariable(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := openModel(t.Context(), config.Runtime{ModelDir: missing}, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "COLPALI_MODEL_DIR")
	require.ErrorContains(t, err, missing)

	file := filepath.Join(t.TempDir(), "colpali.json")
	require.NoError(t, os.WriteFile(file, []byte("{}"), 0o600))
	_, err = openModel(t.Context(), config.Runtime{ModelDir: file}, nil)
	require.ErrorContains(t, err, "COLPALI_MODEL_DIR")
	require.ErrorContains(t, err, "is not a folder")
}

func TestMetaInfo(t *testing.T) {
	m, _ := started(t, &fakeEmbedder{})
	meta, err := m.MetaInfo()
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"version":        config.Version,
		"model":          "fake",
		"family":         "colpali",
		"manifest":       fakeManifest,
		"dimensions":     1,
		"vectorsPerPage": 1,
		"demo":           true,
		"precision":      "float32",
		"provider":       "CPUExecutionProvider",
		"onnxruntime":    "1.2.3",
		"library":        "libonnxruntime.so", // and no folder
		"maxsim":         maxsim.Kernel(),
	}, meta)
}

func TestClose(t *testing.T) {
	fake := &fakeEmbedder{}
	m, _ := started(t, fake)
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
	require.Equal(t, 1, fake.closed)

	_, err := m.VectorizeInput(t.Context(), "query", nil)
	require.ErrorContains(t, err, "the server is starting or shutting down")
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = m.MetaInfo()
	require.ErrorContains(t, err, "the server is starting or shutting down")
	require.Empty(t, fake.queries)
}

func TestCallsBeforeInit(t *testing.T) {
	_, err := New().MetaInfo()
	require.ErrorIs(t, err, errNotRunning)
	require.NoError(t, New().Close())
}

func TestRegister(t *testing.T) {
	var got []modulecapabilities.Module
	index := func() map[string]any { return map[string]any{"documents": 3} }
	Register(func(m modulecapabilities.Module) { got = append(got, m) }, index)
	require.Len(t, got, 1)
	require.Equal(t, Name, got[0].Name())

	m, _ := started(t, &fakeEmbedder{})
	m.index = got[0].(*Module).index
	meta, err := m.MetaInfo()
	require.NoError(t, err)
	require.Equal(t, map[string]any{"documents": 3}, meta["index"])
}
