package recipes

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// An operator who wants nothing to leave the server can have it so, as docs/security.md says.

func TestAPIModulesDisabled(t *testing.T) {
	s := startWith(t, "API_BASED_MODULES_DISABLED")
	require.Equal(t, []string{"backup-filesystem", "multi2multivec-colpali"}, modules(t, s))
}

func TestBaseURLValidated(t *testing.T) {
	s := startWith(t, "MODULES_VALIDATE_BASE_URL")
	require.Contains(t, modules(t, s), "generative-openai", "on by default")
	model := newStandIn(t, func([]byte) any { return nil })
	env := []string{"WEAVIATE_HTTP=" + s.HTTP, "WEAVIATE_GRPC=" + s.GRPC, "MODEL_URL=" + model.URL, "MODEL_NAME=any-vlm"}
	_, complaints, err := execute(t, workplace(t), env, python, "generative.py")
	require.Error(t, err)
	require.Contains(t, complaints, "refusing to dial internal address")
	require.Empty(t, model.requests, "the server called a private address")
}

// startWith starts a server with one setting more.
func startWith(t *testing.T, setting string) *server.Server {
	t.Helper()
	env := maps.Clone(guarded)
	env[setting] = "true"
	return server.Start(t, server.Options{Env: env})
}

// modules are the names of those that a server runs.
func modules(t *testing.T, s *server.Server) []string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.HTTP+"/v1/meta", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+apiKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var meta struct{ Modules map[string]any }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&meta))
	return slices.Sorted(maps.Keys(meta.Modules))
}
