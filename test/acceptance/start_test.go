package acceptance

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// TestMeta: a client can see what made the vectors, and is told no path of the server.
func TestMeta(t *testing.T) {
	n := shared(t)
	model := n.model(t)
	require.NotEmpty(t, model.Version)
	require.NotEmpty(t, model.Name)
	require.Equal(t, "colpali", model.Family)
	require.Regexp(t, "^[0-9a-f]{64}$", model.Manifest)
	require.Positive(t, model.Dim)
	require.Positive(t, model.VectorsPerPage)
	require.NotEmpty(t, model.Provider)
	require.NotEmpty(t, model.Runtime)
	require.NotContains(t, model.Library, "/")
	require.Contains(t, []string{"avx512vnni", "avx512", "avx2", "neon+dotprod", "neon", "portable"}, model.Kernel)
	require.Equal(t, os.Getenv("COLPALI_MODEL_DIR") == "", model.Demo)
}

// TestStartRefused: a server that cannot do its work does not start, and the last thing it says
// names what is wrong and what to do.
func TestStartRefused(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "libtext.so")
	require.NoError(t, os.WriteFile(text, []byte("no library"), 0o600))
	manifest := func(text string) string {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "colpali.json"), []byte(text), 0o600))
		return dir
	}
	embedded, err := os.ReadFile(filepath.Join(server.Repository(), "vectorizer", "tinymodel", "model", "colpali.json"))
	require.NoError(t, err)

	tests := []struct {
		name string
		env  map[string]string
		want []string
	}{
		{
			"no model folder",
			map[string]string{"COLPALI_MODEL_DIR": filepath.Join(dir, "absent")},
			[]string{"COLPALI_MODEL_DIR", filepath.Join(dir, "absent")},
		},
		{
			"model folder without a manifest",
			map[string]string{"COLPALI_MODEL_DIR": dir},
			[]string{"colpali.json"},
		},
		{
			"manifest is no JSON",
			map[string]string{"COLPALI_MODEL_DIR": manifest("{")},
			[]string{"colpali.json"},
		},
		{
			"manifest of a later version",
			map[string]string{"COLPALI_MODEL_DIR": manifest(`{"version": 99}`)},
			[]string{"version", "99"},
		},
		{
			"manifest names a missing file",
			map[string]string{"COLPALI_MODEL_DIR": manifest(string(embedded))},
			[]string{"colpali.json", ".onnx"},
		},
		{
			"no ONNX Runtime",
			map[string]string{"COLPALI_ONNXRUNTIME": filepath.Join(dir, "absent.so")},
			[]string{"COLPALI_ONNXRUNTIME", filepath.Join(dir, "absent.so")},
		},
		{
			"ONNX Runtime is no library",
			map[string]string{"COLPALI_ONNXRUNTIME": text},
			[]string{"COLPALI_ONNXRUNTIME", text},
		},
		{
			"ONNX Runtime too old",
			map[string]string{"COLPALI_ONNXRUNTIME": oldRuntime(t)},
			[]string{"COLPALI_ONNXRUNTIME", "is older than ONNX Runtime 1."},
		},
		{
			"unknown device",
			map[string]string{"COLPALI_DEVICE": "tpu"},
			[]string{"COLPALI_DEVICE", "tpu", "cpu"},
		},
		{
			"number that is none",
			map[string]string{"COLPALI_THREADS": "many"},
			[]string{"COLPALI_THREADS", "many", "1024"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			exit := server.Fail(t, server.Options{Env: test.env})
			require.NotZero(t, exit.Code, exit.Log)
			for _, part := range test.want {
				require.Contains(t, exit.LastWords, part)
			}
		})
	}
}

// oldRuntime compiles a library that answers as a release of ONNX Runtime before the API that we
// call: it has the entry point, and no API of our version behind it.
func oldRuntime(t *testing.T) string {
	t.Helper()
	library := filepath.Join(t.TempDir(), "libonnxruntime.so")
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	out, err := exec.Command(compiler, "-shared", "-fPIC", "-o", library, filepath.Join("testdata", "oldruntime.c")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return library
}

// TestUnpatchedRefused: our server compiled against Weaviate as it is published lacks the places
// that call us. It would store pages in the wrong index without a word, so it must not start.
func TestUnpatchedRefused(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "unpatched")
	build := exec.Command("go", "build", "-o", binary, "./module/server")
	build.Dir = server.Repository()
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	exit := server.Fail(t, server.Options{Binary: binary})
	require.NotZero(t, exit.Code)
	require.Contains(t, exit.LastWords, "make server")
}
