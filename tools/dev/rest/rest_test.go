package rest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClient(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path == "/v1/refused":
			http.Error(w, `{"error":[{"message":"imageFields must name one property"}]}`, http.StatusUnprocessableEntity)
		case strings.Contains(string(body), "bad query"):
			_, _ = io.WriteString(w, `{"errors":[{"message":"one"},{"message":"two"}]}`)
		case r.URL.Path == "/v1/graphql":
			_, _ = io.WriteString(w, `{"data":{"answer":42}}`)
		default:
			_, _ = io.WriteString(w, `{"method":"`+r.Method+`","type":"`+r.Header.Get("Content-Type")+`"}`)
		}
	}))
	defer server.Close()
	c := New(strings.TrimPrefix(server.URL, "http://"))

	var echoed struct{ Method, Type string }
	require.NoError(t, c.Do(t.Context(), http.MethodPut, "/any", map[string]int{"a": 1}, &echoed))
	require.Equal(t, http.MethodPut, echoed.Method)
	require.Equal(t, "application/json", echoed.Type)

	err := c.Do(t.Context(), http.MethodPost, "/refused", nil, nil)
	require.ErrorContains(t, err, "POST /refused: 422")
	require.ErrorContains(t, err, "imageFields must name one property")

	var status *StatusError
	require.ErrorAs(t, err, &status)
	require.Equal(t, http.StatusUnprocessableEntity, status.Code)

	var data struct{ Answer int }
	require.NoError(t, c.GraphQL(t.Context(), "{ good }", &data))
	require.Equal(t, 42, data.Answer)
	require.EqualError(t, c.GraphQL(t.Context(), "{ bad query }", &data), "graphql: one\ntwo")
}

func TestConnect(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"path":"`+r.URL.Path+`","key":"`+r.Header.Get("Authorization")+`","more":"`+r.Header.Get("X-More")+`"}`)
	}))
	defer server.Close()
	for key, sent := range map[string]string{"": "", "secret": "Bearer secret"} {
		c, err := Connect(server.URL+"/", key)
		require.NoError(t, err)
		var got struct{ Path, Key, More string }
		require.NoError(t, c.With("X-More", "much").Do(t.Context(), http.MethodGet, "/meta", nil, &got))
		require.Equal(t, "/v1/meta", got.Path)
		require.Equal(t, sent, got.Key)
		require.Equal(t, "much", got.More)
		require.NoError(t, c.Do(t.Context(), http.MethodGet, "/meta", nil, &got))
		require.Empty(t, got.More, "another client's header")
	}
	for _, address := range []string{"", "localhost:8080", "ftp://localhost", "http://", "http://a b"} {
		_, err := Connect(address, "")
		require.ErrorContains(t, err, "http://localhost:8080", address)
	}
}
