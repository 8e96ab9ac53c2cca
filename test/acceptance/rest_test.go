package acceptance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// call sends one request to the REST interface, for what the clients cannot send or hide: bodies
// that break the rules, and the status and the text of an answer.
func (n *node) call(t *testing.T, method, path string, body any) (status int, text string) {
	t.Helper()
	payload, err := json.Marshal(body)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+n.HTTP+"/v1"+path, bytes.NewReader(payload))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range n.headers {
		request.Header.Set(name, value)
	}
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	require.NoError(t, err, n.LogTail())
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

// get reads a JSON document of the REST interface.
func (n *node) get(t *testing.T, path string, document any) {
	t.Helper()
	status, text := n.call(t, http.MethodGet, path, nil)
	require.Equal(t, http.StatusOK, status, text)
	require.NoError(t, json.Unmarshal([]byte(text), document))
}
