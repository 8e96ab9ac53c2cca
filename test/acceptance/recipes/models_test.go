package recipes

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// standIn answers each request with what reply makes of its body, and keeps both.
type standIn struct {
	URL string

	mu       sync.Mutex
	requests []request
}

type request struct {
	path, authorization string
	body                []byte
}

func newStandIn(t *testing.T, reply func(body []byte) any) *standIn {
	t.Helper()
	s := &standIn{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.mu.Lock()
		s.requests = append(s.requests, request{r.Method + " " + r.URL.Path, r.Header.Get("Authorization"), body})
		s.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(reply(body)); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// only is the one request that came.
func (s *standIn) only(t *testing.T) request {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(t, s.requests, 1)
	return s.requests[0]
}

func TestGenerative(t *testing.T) {
	const question = "Answer from these pages: How high was the operating profit in 2024?"
	for _, recipe := range []struct {
		language, file, collection string
		runner                     []string
	}{
		{"python", "generative.py", "GenerativePage", python},
		{"typescript", "generative.ts", "TypeScriptGenerativePage", tsx},
	} {
		t.Run(recipe.language, func(t *testing.T) {
			dir := workplace(t)
			for range 2 {
				model := newStandIn(t, func([]byte) any {
					message := map[string]string{"role": "assistant", "content": "1,130 thousand euros"}
					return map[string]any{"choices": []any{map[string]any{"index": 0, "message": message}}}
				})
				env := []string{"MODEL_URL=" + model.URL, "MODEL_NAME=any-vlm", "MODEL_API_KEY=model-key"}
				out, complaints, err := execute(t, dir, env, recipe.runner, recipe.file)
				require.NoError(t, err, complaints)
				lines := strings.Split(strings.TrimSpace(out), "\n")
				require.Len(t, lines, 3, out)
				files := strings.Split(strings.TrimPrefix(lines[1], "pages handed on: "), ", ")
				require.Equal(t, "income-statement.png", files[0])
				require.Len(t, files, 2)
				require.Equal(t, "answer: 1,130 thousand euros", lines[2])

				got := model.only(t)
				require.Equal(t, "POST /v1/chat/completions", got.path)
				require.Equal(t, "Bearer model-key", got.authorization)
				text, images := readChat(t, got.body)
				require.Equal(t, question+": "+titles(t, files), text)
				require.Equal(t, imagesOf(t, files), images, "the pages, byte for byte, in the order of the answer")
			}
			require.Equal(t, len(pages(t)), count(t, recipe.collection))
		})
	}
}

// readChat takes a request of OpenAI's chat completions apart: one message, a text, then images.
func readChat(t *testing.T, body []byte) (text string, images [][]byte) {
	t.Helper()
	var chat struct {
		Model    string
		Messages []struct {
			Role    string
			Content []struct {
				Type, Text string
				ImageURL   struct{ URL string } `json:"image_url"`
			}
		}
	}
	require.NoError(t, json.Unmarshal(body, &chat))
	require.Equal(t, "any-vlm", chat.Model)
	require.Len(t, chat.Messages, 1)
	require.Equal(t, "user", chat.Messages[0].Role)
	for i, part := range chat.Messages[0].Content {
		if i == 0 {
			require.Equal(t, "text", part.Type)
			text = part.Text
			continue
		}
		require.Equal(t, "image_url", part.Type)
		// The module calls every image a JPEG, as docs/recipes/README.md says.
		blob, ok := strings.CutPrefix(part.ImageURL.URL, "data:image/jpeg;base64,")
		require.True(t, ok, "%.40s", part.ImageURL.URL)
		images = append(images, decode(t, blob))
	}
	return text, images
}

func titles(t *testing.T, files []string) string {
	t.Helper()
	var list []map[string]string
	for _, file := range files {
		i := slices.IndexFunc(pages(t), func(p page) bool { return p.File == file })
		list = append(list, map[string]string{"title": pages(t)[i].Title})
	}
	text, err := json.Marshal(list)
	require.NoError(t, err)
	return string(text)
}

func decode(t *testing.T, blob string) []byte {
	t.Helper()
	file, err := base64.StdEncoding.DecodeString(blob)
	require.NoError(t, err)
	return file
}

func imagesOf(t *testing.T, files []string) (images [][]byte) {
	t.Helper()
	for _, file := range files {
		bytes, err := os.ReadFile(filepath.Join(samplePages(), file))
		require.NoError(t, err)
		images = append(images, bytes)
	}
	return images
}

func TestRerank(t *testing.T) {
	type question struct {
		Query     string
		Documents []string
	}
	// The stand-in likes best what came last.
	reply := func(body []byte) any {
		var asked question
		if err := json.Unmarshal(body, &asked); err != nil {
			return nil
		}
		var results []map[string]any
		for i := range asked.Documents {
			results = append(results, map[string]any{"index": i, "relevance_score": float64(i+1) / 8})
		}
		slices.Reverse(results) // as services do: the best first
		return map[string]any{"results": results}
	}
	dir := workplace(t)
	for range 2 {
		model := newStandIn(t, reply)
		env := []string{"RERANKER_URL=" + model.URL, "RERANKER_API_KEY=model-key"}
		out, complaints, err := execute(t, dir, env, python, "rerank.py")
		require.NoError(t, err, complaints)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, 3, out)
		found := strings.Split(strings.TrimPrefix(lines[1], "found: "), ", ")
		require.Len(t, found, 5)
		require.Equal(t, "income-statement.png", found[0])
		var want []string
		for i, file := range slices.Backward(found) {
			want = append(want, fmt.Sprintf("%s %.3f", file, float64(i+1)/8))
		}
		require.Equal(t, "reranked: "+strings.Join(want, ", "), lines[2])

		got := model.only(t)
		require.Equal(t, "POST /v2/rerank", got.path)
		require.Equal(t, "Bearer model-key", got.authorization)
		var asked question
		require.NoError(t, json.Unmarshal(got.body, &asked))
		require.Equal(t, "operating profit", asked.Query)
		var images [][]byte
		for _, document := range asked.Documents {
			images = append(images, decode(t, document))
		}
		require.Equal(t, imagesOf(t, found), images, "the pages, byte for byte, in the order of the search")
	}
	require.Equal(t, len(pages(t)), count(t, "RerankPage"))
}
