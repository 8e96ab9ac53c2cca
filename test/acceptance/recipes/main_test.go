package recipes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

const apiKey = "key-of-the-recipes"

// guarded is the environment of a server that wants a key, so that it is tested that the recipes send it.
var guarded = map[string]string{
	"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
	"AUTHENTICATION_APIKEY_ENABLED":           "true",
	"AUTHENTICATION_APIKEY_ALLOWED_KEYS":      apiKey,
	"AUTHENTICATION_APIKEY_USERS":             "newcomer",
}

var node *server.Server

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "recipes")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	node, err = server.Open(server.Options{Dir: dir, Env: guarded})
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, node.Stop()) }()
	return m.Run(), nil
}

// workplace is docs/recipes in a copy of the repository that has nothing but the recipes and the sample pages.
// What a recipe writes is written there.
func workplace(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	dir := filepath.Join(root, "docs", "recipes")
	from := filepath.Join(server.Repository(), "docs", "recipes")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "tools", "dev", "demo"), 0o755))
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Symlink(samplePages(), filepath.Join(root, "tools", "dev", "demo", "pages")))
	entries, err := os.ReadDir(from)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.IsDir() {
			require.NoError(t, os.Symlink(filepath.Join(from, entry.Name()), filepath.Join(dir, entry.Name())))
			continue
		}
		file, err := os.ReadFile(filepath.Join(from, entry.Name()))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, entry.Name()), file, 0o755))
	}
	return dir
}

func samplePages() string {
	return filepath.Join(server.Repository(), "tools", "dev", "demo", "pages")
}

// Commands that run a program; made by `make recipes`.
var (
	python = []string{filepath.Join(server.Repository(), "build", "venv", "bin", "python")}
	tsx    = []string{filepath.Join(server.Repository(), "docs", "recipes", "node_modules", ".bin", "tsx")}
	golang = []string{"go", "run"}
	bash   = []string{"bash"}
)

// execute runs a program in dir against the server, by a runner, and returns what it printed.
func execute(t *testing.T, dir string, env, runner []string, program ...string) (stdout, stderr string, err error) {
	t.Helper()
	command := slices.Concat(runner, program)
	process := exec.CommandContext(t.Context(), command[0], command[1:]...)
	process.Dir = dir
	process.Env = append(os.Environ(), "WEAVIATE_HTTP="+node.HTTP, "WEAVIATE_GRPC="+node.GRPC, "WEAVIATE_API_KEY="+apiKey)
	process.Env = append(process.Env, env...)
	var out, complaints bytes.Buffer
	process.Stdout, process.Stderr = &out, &complaints
	err = process.Run()
	return out.String(), complaints.String(), err
}

// graphql asks the server and decodes the field `data`.
func graphql(t *testing.T, query string, data any) {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": query})
	require.NoError(t, err)
	url := "http://" + node.HTTP + "/v1/graphql"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	require.NoError(t, json.Unmarshal(text, &answer), "%s", text)
	require.Empty(t, answer.Errors)
	require.NoError(t, json.Unmarshal(answer.Data, data))
}
