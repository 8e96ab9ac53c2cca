package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/tiff"

	"weaviate-colpali/tools/dev/rest"
)

const (
	own = "127.0.0.1:8090"
	key = "the-users-key"
	id  = "00000000-0000-4000-8000-000000000001"
)

const (
	pageClass = `{"class":"Page","multiTenancyConfig":{"enabled":true},
		"properties":[{"name":"title","dataType":["text"]},{"name":"page","dataType":["blob"]},
			{"name":"tags","dataType":["text[]"]},{"name":"pageNumber","dataType":["int"]}],
		"vectorConfig":{"b":{"vectorizer":{"colpali":{"imageFields":["page"]}}},"words":{"vectorizer":{"none":{}}},
			"a":{"vectorizer":{"multi2multivec-colpali":{"imageFields":["page"]}}}}}`
	otherClass = `{"class":"Other","properties":[],"vectorConfig":{"words":{"vectorizer":{"none":{}}}}}`
)

// fakeWeaviate answers as a server with one collection does, and keeps what it was asked.
type fakeWeaviate struct {
	page    string // base64
	graphql string // the answer

	mu      sync.Mutex
	queries []string
	headers []http.Header
}

func (f *fakeWeaviate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.headers = append(f.headers, r.Header.Clone())
	switch {
	case r.Header.Get("Authorization") != "Bearer "+key:
		http.Error(w, `{"code":401,"message":"who are you?"}`, http.StatusUnauthorized)
	case r.URL.Path == "/v1/meta":
		_, _ = io.WriteString(w, `{"version":"1.39.3","modules":{"multi2multivec-colpali":{"model":"m","demo":true}}}`)
	case r.URL.Path == "/v1/schema":
		_, _ = io.WriteString(w, `{"classes":[`+pageClass+`,`+otherClass+`]}`)
	case r.URL.Path == "/v1/schema/Page":
		_, _ = io.WriteString(w, pageClass)
	case r.URL.Path == "/v1/schema/Other":
		_, _ = io.WriteString(w, otherClass)
	case r.URL.Path == "/v1/schema/Page/tenants":
		_, _ = io.WriteString(w, `[{"name":"south"},{"name":"north"}]`)
	case r.URL.Path == "/v1/objects/Page/"+id && r.URL.Query().Get("tenant") == "north":
		_, _ = fmt.Fprintf(w, `{"properties":{"title":"t","page":%q}}`, f.page)
	case r.URL.Path == "/v1/graphql":
		var asked struct{ Query string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		f.queries = append(f.queries, asked.Query)
		_, _ = io.WriteString(w, f.graphql)
	default:
		http.NotFound(w, r)
	}
}

// serve is the site in front of a Weaviate.
func serve(t *testing.T, weaviate http.Handler) http.Handler {
	t.Helper()
	server := httptest.NewServer(weaviate)
	t.Cleanup(server.Close)
	client, err := rest.Connect(server.URL, key)
	require.NoError(t, err)
	return newSite(client, server.URL, "Page").handler(own)
}

// post asks the site as its own page does; change alters the request.
func post(handler http.Handler, path, body string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://"+own+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://"+own)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

const (
	page   = `"collection":"Page","vector":"a","tenant":"north"`
	asking = `{` + page + `,"query":"bee","limit":3,"precision":""}`
)

func TestHeaders(t *testing.T) {
	handler := serve(t, &fakeWeaviate{graphql: `{"data":{"Get":{"Page":[]}}}`})
	for _, path := range []string{"/", "/app.js", "/style.css", "/nothing", "/api/search"} {
		r := httptest.NewRequest(http.MethodGet, "http://"+own+path, nil)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		h := w.Header()
		require.Equal(t, policy, h.Get("Content-Security-Policy"), path)
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), path)
		if w.Code == http.StatusOK {
			require.Equal(t, "no-store", h.Get("Cache-Control"), path)
		}
		require.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), path)
		require.Empty(t, h.Get("Access-Control-Allow-Origin"), path)
	}
	for _, part := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} {
		require.Contains(t, policy, part)
	}
	require.NotContains(t, policy, "unsafe")
}

// The policy refuses what is written into the markup, so none may be.
func TestFilesKeepThePolicy(t *testing.T) {
	inline := regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<style|<script[^>]*>[^<]|innerHTML|outerHTML|insertAdjacentHTML|eval\(|https?://[^w]`)
	files := 0
	require.NoError(t, fs.WalkDir(static, "static", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := static.ReadFile(path)
		require.NoError(t, err)
		require.Empty(t, inline.FindAllString(string(text), -1), path)
		return nil
	}))
	require.Greater(t, files, 4)
}

func TestOthersAreRefused(t *testing.T) {
	fake := &fakeWeaviate{graphql: `{"data":{"Get":{"Page":[]}}}`}
	handler := serve(t, fake)
	require.Equal(t, http.StatusOK, post(handler, "/api/search", asking, nil).Code)
	asked := len(fake.headers)
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"a name that resolves to loopback": {func(r *http.Request) { r.Host = "evil.example:8090" }, http.StatusMisdirectedRequest},
		"another port":                     {func(r *http.Request) { r.Host = "127.0.0.1:80" }, http.StatusMisdirectedRequest},
		"no host":                          {func(r *http.Request) { r.Host = "" }, http.StatusMisdirectedRequest},
		"another site":                     {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		"another port of localhost":        {func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		"an old browser on another site": {func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "http://evil.example")
		}, http.StatusForbidden},
		"a form":     {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, http.StatusUnsupportedMediaType},
		"not a post": {func(r *http.Request) { r.Method = http.MethodGet }, http.StatusNotFound},
	} {
		require.Equal(t, c.status, post(handler, "/api/search", asking, c.change).Code, name)
	}
	for _, path := range []string{"/api/meta", "/v1/schema", "/v1/objects", "/api/../v1/schema"} {
		require.NotEqual(t, http.StatusOK, post(handler, path, "{}", nil).Code, path)
	}
	require.Len(t, fake.headers, asked, "Weaviate was asked nothing of all this")
	local := post(handler, "/api/search", asking, func(r *http.Request) {
		r.Host = "localhost:8090"
		r.Header.Set("Origin", "http://localhost:8090")
	})
	require.Equal(t, http.StatusOK, local.Code)
}

func TestCollections(t *testing.T) {
	w := post(serve(t, &fakeWeaviate{}), "/api/collections", "{}", nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.Contains(t, w.Body.String(), `"collections":[{"name":"Page","tenants":true,"vectors":[{"name":"a"},{"name":"b"}]}]`)
	w = post(serve(t, &fakeWeaviate{}), "/api/tenants", `{"collection":"Page","vector":"a"}`, nil)
	require.JSONEq(t, `["north","south"]`, w.Body.String())
}

func TestSearch(t *testing.T) {
	fake := &fakeWeaviate{graphql: `{"data":{"Get":{"Page":[
		{"title":"A","tags":["x","y"],"pageNumber":7,"_additional":{"id":"1","distance":-2.5,"colpali":{"reason":"none"}}},
		{"title":null,"tags":null,"pageNumber":null,"_additional":{"id":"2","distance":-1,"colpali":null}}]}}}`}
	handler := serve(t, fake)
	w := post(handler, "/api/search", `{`+page+`,"query":"a \"b\" }\n{","limit":3,"precision":"exact"}`, nil)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	require.JSONEq(t, `{"results":[
		{"id":"1","title":"A, page 7","score":2.5,
			"properties":[{"name":"title","value":"A"},{"name":"tags","value":"x y"},{"name":"pageNumber","value":"7"}],"why":{"reason":"none"}},
		{"id":"2","title":"2","score":1,"properties":[],"why":null}]}`, w.Body.String())
	require.Contains(t, fake.queries[0], `{ Get { Page(tenant: "north", nearText: {concepts: ["a \"b\" }\n{"], targetVectors: ["a"]}, limit: 3) { title tags pageNumber _additional`)
	last := fake.headers[len(fake.headers)-1]
	require.Equal(t, "exact", last.Get("X-Colpali-Precision"))
	require.Equal(t, "Bearer "+key, last.Get("Authorization"))
	require.NotContains(t, fmt.Sprint(w.Body, w.Header()), key)
}

func TestMap(t *testing.T) {
	fake := &fakeWeaviate{graphql: `{"data":{"Get":{"Page":[{"_additional":{"id":"` + id + `","colpali":{"map":{"width":1,"height":1,"values":[1]}}}}]}}}`}
	handler := serve(t, fake)
	w := post(handler, "/api/map", `{`+page+`,"query":"bee","token":2,"ids":["`+id+`"]}`, nil)
	require.JSONEq(t, `{"`+id+`":{"width":1,"height":1,"values":[1]}}`, w.Body.String())
	require.Contains(t, fake.queries[0], `where: {path: ["id"], operator: ContainsAny, valueText: ["`+id+`"]}`)
	require.Contains(t, fake.queries[0], `colpali(query: "bee", targetVector: "a", token: 2)`)
}

// What the page never sends is refused before Weaviate is asked to run it.
func TestRefused(t *testing.T) {
	fake := &fakeWeaviate{}
	handler := serve(t, fake)
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/api/search", `{`, http.StatusBadRequest},
		{"/api/search", `{"query":"x","limit":1,"graphql":"{}"}`, http.StatusBadRequest},
		{"/api/search", `{` + page + `,"query":"x","limit":101}`, http.StatusBadRequest},
		{"/api/search", `{` + page + `,"query":"x","limit":1,"precision":"exact\r\nX-A: b"}`, http.StatusBadRequest},
		{"/api/search", `{"collection":"Page) { title } } }","vector":"a","query":"x","limit":1}`, http.StatusNotFound},
		{"/api/search", `{"collection":"Other","vector":"words","query":"x","limit":1}`, http.StatusNotFound},
		{"/api/search", `{"collection":"Page","vector":"words","query":"x","limit":1}`, http.StatusNotFound},
		{"/api/search", `{` + page + `,"query":"` + strings.Repeat("x", maxAskedBytes) + `","limit":1}`, http.StatusRequestEntityTooLarge},
		{"/api/search", `{"collection":"../meta","vector":"a","query":"x","limit":1}`, http.StatusNotFound},
		{"/api/search", `{"collection":"","vector":"a","query":"x","limit":1}`, http.StatusNotFound},
		{"/api/tenants", `{"collection":"Page/tenants?","vector":"a"}`, http.StatusNotFound},
		{"/api/map", `{` + page + `,"query":"x","ids":["../../schema"]}`, http.StatusBadRequest},
		{"/api/map", `{` + page + `,"query":"x","ids":["` + id + `","` + id + `","` + id + `"]}`, http.StatusBadRequest},
		{"/api/page", `{` + page + `,"id":"../../schema","width":100}`, http.StatusBadRequest},
		{"/api/page", `{` + page + `,"id":"` + id + `","width":100000}`, http.StatusBadRequest},
	} {
		w := post(handler, c.path, c.body, nil)
		require.Equal(t, c.status, w.Code, c.body[:min(100, len(c.body))])
		require.Contains(t, w.Body.String(), `"title":`, "the page can tell it")
	}
	require.Empty(t, fake.queries)
}

func TestFailures(t *testing.T) {
	answers := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		})
	}
	for name, c := range map[string]struct {
		weaviate http.Handler
		status   int
		says     []string
	}{
		"a key that is not accepted": {
			answers(401, `{"error":[{"message":"no such key"}]}`), 401,
			[]string{`"Weaviate wants to know who asks"`, `"no such key"`, "WEAVIATE_API_KEY"},
		},
		"a key that may not":     {answers(403, `{"code":403,"message":"may not read"}`), 403, []string{`"may not read"`, "permission"}},
		"a server that starts":   {answers(503, ``), 503, []string{"not ready"}},
		"something else":         {answers(200, `<html>`), 502, []string{"no Weaviate", "URL="}},
		"without our module":     {answers(200, `{"modules":{}}`), 502, []string{"no ColPali", "make serve"}},
		"a model that is broken": {answers(200, `{"modules":{"multi2multivec-colpali":{"error":"no such file"}}}`), 503, []string{"no such file", "COLPALI_MODEL_DIR"}},
		"without GraphQL":        {answers(422, `{"error":[{"message":"graphql api is disabled"}]}`), 502, []string{"switched off", "DISABLE_GRAPHQL"}},
		"an error of a server":   {answers(500, strings.Repeat("x", 5000)), 502, []string{"Weaviate refused", "…"}},
	} {
		w := post(serve(t, c.weaviate), "/api/collections", "{}", nil)
		require.Equal(t, c.status, w.Code, name)
		for _, part := range c.says {
			require.Contains(t, w.Body.String(), part, name)
		}
		require.Less(t, w.Body.Len(), 1000, name)
	}
	for says, title := range map[string]string{
		"query refused: it has 20000 bytes":    "The question was refused",
		"forbidden: to read":                   "The key may not do this",
		"the ColPali model is not running":     "The model is not running",
		"tenant not active":                    "That tenant cannot be searched",
		"something that nobody thought of yet": "Weaviate refused the search",
	} {
		w := post(serve(t, &fakeWeaviate{graphql: `{"errors":[{"message":"` + says + `"}]}`}), "/api/search", asking, nil)
		require.GreaterOrEqual(t, w.Code, 400, says)
		require.Contains(t, w.Body.String(), `"title":"`+title+`"`)
		require.Contains(t, w.Body.String(), says)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	client, err := rest.Connect(gone.URL, key)
	require.NoError(t, err)
	w := post(newSite(client, gone.URL, "").handler(own), "/api/collections", "{}", nil)
	require.Equal(t, http.StatusBadGateway, w.Code)
	require.Contains(t, w.Body.String(), "Weaviate cannot be reached")
}

func TestPatience(t *testing.T) {
	ended := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		close(ended)
	}))
	defer hanging.Close()
	client, err := rest.Connect(hanging.URL, key)
	require.NoError(t, err)
	s := newSite(client, hanging.URL, "")
	s.patience = 50 * time.Millisecond
	w := post(s.handler(own), "/api/collections", "{}", nil)
	require.Equal(t, http.StatusGatewayTimeout, w.Code)
	require.Contains(t, w.Body.String(), "Weaviate took too long")
	<-ended // Weaviate is not left with the work
}

// Whatever a blob is, a browser gets a PNG that we wrote, or words.
func TestPage(t *testing.T) {
	drawing := image.NewNRGBA(image.Rect(0, 0, 40, 20))
	for i := range drawing.Pix {
		drawing.Pix[i] = 200
	}
	encoded := func(encode func(io.Writer) error) string {
		var file bytes.Buffer
		require.NoError(t, encode(&file))
		return base64.StdEncoding.EncodeToString(file.Bytes())
	}
	asks := func(blob string, width int) *httptest.ResponseRecorder {
		return post(serve(t, &fakeWeaviate{page: blob}), "/api/page", fmt.Sprintf(`{%s,"id":%q,"width":%d}`, page, id, width), nil)
	}
	for name, blob := range map[string]string{
		"PNG":  encoded(func(w io.Writer) error { return png.Encode(w, drawing) }),
		"JPEG": encoded(func(w io.Writer) error { return jpeg.Encode(w, drawing, nil) }),
		"TIFF": encoded(func(w io.Writer) error { return tiff.Encode(w, drawing, nil) }),
	} {
		for width, size := range map[int]image.Point{10: image.Pt(10, 5), 1000: image.Pt(40, 20)} {
			w := asks(blob, width)
			require.Equal(t, http.StatusOK, w.Code, name)
			require.Equal(t, "image/png", w.Header().Get("Content-Type"))
			shown, err := png.Decode(w.Body)
			require.NoError(t, err)
			require.Equal(t, size, shown.Bounds().Size(), name)
			require.NotEqual(t, color.NRGBA{}, shown.At(1, 1), name)
		}
	}
	for name, blob := range map[string]string{
		"nothing": "", "no base64": "<svg>", "SVG": base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`)),
		"HTML": base64.StdEncoding.EncodeToString([]byte("<script>alert(1)</script>")),
	} {
		w := asks(blob, 100)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, name)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"), name)
		require.NotContains(t, w.Body.String(), "alert", "a blob is never repeated")
	}
}

// A browser's spare connection must not keep the program from ending.
func TestEndsThoughAConnectionIsOpen(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	accepted := make(chan struct{})
	server := &http.Server{ReadHeaderTimeout: readTimeout, ConnState: func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			close(accepted)
		}
	}}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	spare, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer func() { _ = spare.Close() }()
	<-accepted
	require.NoError(t, end(server))
	require.NoError(t, ignoreClosed(<-ended))
}
