//go:build acceptance

package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image/color"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
	"weaviate-colpali/tools/dev/import/internal/samples"
	"weaviate-colpali/tools/dev/import/internal/stand"
	"weaviate-colpali/tools/dev/rest"
)

// tool is the built command: these tests run it as a user does, and kill it.
var tool string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "import")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	tool = filepath.Join(dir, "import")
	if out, err := exec.Command("go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%s\n%s", err, out))
	}
	return m.Run()
}

// result of a command that ended.
type result struct {
	code   int
	output string
	report []entry
}

// command is the tool with the flags that every test needs, not started.
func command(t *testing.T, s *server.Server, args ...string) (cmd *exec.Cmd, finish func() result) {
	t.Helper()
	report := filepath.Join(t.TempDir(), "report.jsonl")
	cmd = exec.Command(tool, append([]string{"-url", "http://" + s.HTTP, "-report", report}, args...)...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	return cmd, func() result {
		err := cmd.Wait()
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &exit)
		}
		return result{cmd.ProcessState.ExitCode(), output.String(), readReport(t, report)}
	}
}

func runTool(t *testing.T, s *server.Server, args ...string) result {
	t.Helper()
	cmd, finish := command(t, s, args...)
	require.NoError(t, cmd.Start())
	return finish()
}

func readReport(t *testing.T, path string) []entry {
	t.Helper()
	lines, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	var entries []entry
	for line := range strings.Lines(string(lines)) {
		var e entry
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		entries = append(entries, e)
	}
	return entries
}

// count of pages with a status.
func (r result) count(s status) int {
	n := 0
	for _, e := range r.report {
		if e.Status == s && e.Page > 0 {
			n++
		}
	}
	return n
}

// stored pages, by id.
func stored(t *testing.T, s *server.Server, arguments string) map[string]storedPage {
	t.Helper()
	var data struct {
		Get map[string][]struct {
			storedPage
			Additional struct{ ID string } `json:"_additional"`
		}
	}
	query := fmt.Sprintf(`{ Get { Page(%slimit: 1000) { file path document pageNumber pageCount width height text page _additional { id } } } }`,
		arguments)
	require.NoError(t, rest.New(s.HTTP).GraphQL(t.Context(), query, &data))
	byID := map[string]storedPage{}
	for _, o := range data.Get["Page"] {
		byID[o.Additional.ID] = o.storedPage
	}
	return byID
}

type storedPage struct {
	File, Path, Document, Text           string
	PageNumber, PageCount, Width, Height int
	Page                                 []byte
}

func TestImport(t *testing.T) {
	t.Parallel()
	s := server.Start(t, server.Options{})
	dir := t.TempDir()
	save(t, dir, "ledger.pdf", samples.PDF(3))
	save(t, dir, "same.pdf", samples.PDF(3))
	save(t, dir, "secret.pdf", samples.EncryptedPDF())
	save(t, dir, "broken.pdf", samples.PDF(3)[:300])
	picture := samples.PNG(60, 40, color.RGBA{R: 255, A: 255})
	save(t, dir, "picture.png", picture)
	save(t, dir, "scan.tif", samples.TIFF(binary.LittleEndian, 50, 100, 150))
	save(t, dir, "notes.txt", []byte("not a page"))

	dry := runTool(t, s, "-dry-run", dir)
	require.Equal(t, 1, dry.code, dry.output)
	require.Contains(t, dry.output, "ledger.pdf: 3 pages")
	require.Contains(t, dry.output, "7 pages in 3 files")
	var schema struct{ Classes []any }
	require.NoError(t, rest.New(s.HTTP).Do(t.Context(), http.MethodGet, "/schema", nil, &schema))
	require.Empty(t, schema.Classes, "a dry run creates nothing")

	first := runTool(t, s, dir)
	require.Equal(t, 1, first.code, first.output)
	require.Equal(t, 7, first.count(imported), first.output)
	reasons := map[string]entry{}
	for _, e := range first.report {
		if e.Reason != "" {
			reasons[filepath.Base(e.Path)] = e
		}
	}
	require.Equal(t, failed, reasons["secret.pdf"].Status)
	require.Contains(t, reasons["secret.pdf"].Reason, "password")
	require.Equal(t, failed, reasons["broken.pdf"].Status)
	require.Equal(t, skipped, reasons["notes.txt"].Status)
	require.Equal(t, skipped, reasons["same.pdf"].Status)
	require.Len(t, reasons, 4)

	held := stored(t, s, "")
	require.Len(t, held, 7)
	for _, e := range first.report {
		if e.Status == imported {
			require.Equal(t, e.Page, held[e.ID].PageNumber)
			require.Equal(t, e.Document, held[e.ID].Document)
		}
	}
	// What a text search finds by its words is the page that they are on.
	found := stored(t, s, fmt.Sprintf(`hybrid: {query: %q, alpha: 0}, `, samples.Words(2)[len("Ledger 2 records parcel "):]))
	require.Len(t, found, 1)
	for _, p := range found {
		require.Equal(t, "ledger.pdf", p.File)
		require.Equal(t, filepath.Join(dir, "ledger.pdf"), p.Path)
		require.Equal(t, [4]int{2, 3, 1087, 1536}, [4]int{p.PageNumber, p.PageCount, p.Width, p.Height})
		require.Contains(t, p.Text, samples.Words(2))
	}
	pictures := stored(t, s, `where: {path: "file", operator: Equal, valueText: "picture.png"}, `)
	require.Len(t, pictures, 1)
	for _, p := range pictures {
		require.Equal(t, picture, p.Page, "as it was")
	}

	again := runTool(t, s, dir)
	require.Equal(t, 7, again.count(imported), again.output)
	require.Equal(t, held, stored(t, s, ""), "importing again changes nothing")
	resumed := runTool(t, s, "-resume", "-collection", "page", dir)
	require.Equal(t, 7, resumed.count(present), resumed.output)
	require.Zero(t, resumed.count(imported))

	t.Run("unsuitable collections", func(t *testing.T) { unsuitable(t, s) })
}

// waitHeld waits until the server holds some pages of an import that runs.
func waitHeld(t *testing.T, s *server.Server, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var data struct {
			Aggregate map[string][]struct{ Meta struct{ Count int } }
		}
		err := rest.New(s.HTTP).GraphQL(t.Context(), "{ Aggregate { Page { meta { count } } } }", &data)
		return err == nil && len(data.Aggregate["Page"]) == 1 && data.Aggregate["Page"][0].Meta.Count >= n
	}, 2*time.Minute, 20*time.Millisecond)
}

// The importer is killed in the middle of an import, and then the server in the middle of the next one.
func TestKilled(t *testing.T) {
	t.Parallel()
	const pages = 28
	// A queue of one makes the server refuse the second of two requests: "try again later".
	s := server.Start(t, server.Options{Env: map[string]string{"COLPALI_MAX_QUEUE": "1"}})
	path := save(t, t.TempDir(), "long.pdf", samples.PDF(pages))
	args := []string{"-batch", "4", "-size", "500", path}

	cmd, finish := command(t, s, args...)
	require.NoError(t, cmd.Start())
	waitHeld(t, s, 8)
	require.NoError(t, cmd.Process.Kill())
	killed := finish()
	require.Equal(t, -1, killed.code, "it was killed, and had not ended: %s", killed.output)
	before := len(stored(t, s, ""))
	require.Less(t, before, pages)

	cmd, finish = command(t, s, append([]string{"-resume"}, args...)...)
	require.NoError(t, cmd.Start())
	waitHeld(t, s, before+4)
	require.NoError(t, s.Kill())
	require.NoError(t, s.Restart())
	resumed := finish()
	require.Zero(t, resumed.code, resumed.output)
	require.GreaterOrEqual(t, resumed.count(present), before)
	require.Equal(t, pages, resumed.count(present)+resumed.count(imported))
	after := stored(t, s, "")
	require.Len(t, after, pages)
	numbers := map[int]bool{}
	for _, p := range after {
		numbers[p.PageNumber] = true
	}
	require.Len(t, numbers, pages, "every page once")
}

// A PDF of 1,000 pages is imported within 500 MB. The stand-in takes them as fast as they come, and small pages make
// what is left behind by each show sooner.
func TestMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux says how much memory a process took at most without its parent's")
	}
	const pages, limit = 1000, 500 << 10
	s := stand.New(t)
	path := save(t, t.TempDir(), "long.pdf", samples.PDF(pages))
	cmd := exec.Command(tool, "-url", s.URL, "-report", filepath.Join(t.TempDir(), "report.jsonl"), "-size", "100", path)
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	peak := 0
	for running := true; running; {
		select {
		case err := <-ended:
			require.NoError(t, err)
			running = false
		case <-time.After(50 * time.Millisecond):
			peak = max(peak, mostMemory(cmd.Process.Pid))
		}
	}
	require.Len(t, s.Objects(), pages)
	t.Logf("%d MB at most", peak>>10)
	require.Positive(t, peak)
	require.Less(t, peak, limit)
}

// mostMemory is the most that a process ever had in memory, in kilobytes; 0 when it is gone.
func mostMemory(pid int) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes := 0
	_, _ = fmt.Sscan(after, &kilobytes) // a process that is ending says nothing
	return kilobytes
}

func TestTenantsAndKeys(t *testing.T) {
	s := server.Start(t, server.Options{Env: map[string]string{
		"AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
		"AUTHENTICATION_APIKEY_ENABLED":           "true",
		"AUTHENTICATION_APIKEY_ALLOWED_KEYS":      "right",
		"AUTHENTICATION_APIKEY_USERS":             "somebody",
	}})
	path := save(t, t.TempDir(), "a.pdf", samples.PDF(2))
	t.Setenv("WEAVIATE_API_KEY", "wrong")
	r := runTool(t, s, path)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.output, "is the key right?")

	t.Setenv("WEAVIATE_API_KEY", "right")
	for _, tenant := range []string{"north", "south"} {
		r = runTool(t, s, "-collection", "Scan", "-tenant", tenant, path)
		require.Zero(t, r.code, r.output)
		require.Equal(t, 2, r.count(imported))
		r = runTool(t, s, "-collection", "Scan", "-tenant", tenant, "-resume", path)
		require.Equal(t, 2, r.count(present), r.output)
	}
	r = runTool(t, s, "-collection", "Scan", path)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.output, "-tenant")
}

func unsuitable(t *testing.T, s *server.Server) {
	path := save(t, t.TempDir(), "a.pdf", samples.PDF(1))
	colpali := func(index map[string]any, settings map[string]any) map[string]any {
		return map[string]any{"colpali": map[string]any{
			"vectorizer":        map[string]any{"multi2multivec-colpali": settings},
			"vectorIndexType":   "hnsw",
			"vectorIndexConfig": map[string]any{"multivector": index},
		}}
	}
	plaid := map[string]any{"enabled": true, "plaid": map[string]any{"enabled": true}}
	blob := []map[string]any{{"name": "scan", "dataType": []string{"blob"}}}
	for name, c := range map[string]struct {
		class map[string]any
		want  string
	}{
		"NoVectors":   {map[string]any{"vectorizer": "none"}, "no vector of the module"},
		"NoFields":    {map[string]any{"properties": blob, "vectorConfig": colpali(plaid, map[string]any{"imageFields": []string{"scan"}})}, "pageNumber (int)"},
		"HasNoTenant": {map[string]any{}, "has no tenants"},
	} {
		args := []string{"-collection", name, path}
		if name == "HasNoTenant" {
			require.Zero(t, runTool(t, s, args...).code)
			args = append([]string{"-tenant", "north"}, args...)
		} else {
			c.class["class"] = name
			require.NoError(t, rest.New(s.HTTP).Do(t.Context(), http.MethodPost, "/schema", c.class, nil))
		}
		r := runTool(t, s, args...)
		require.Equal(t, 2, r.code, r.output)
		require.Contains(t, r.output, c.want)
	}
}
