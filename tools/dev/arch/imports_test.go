package arch

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	self     = "weaviate-colpali"
	weaviate = "github.com/weaviate/weaviate"
)

// A rule names everything outside the standard library that a folder, with what
// is below it, may import. Of two rules the one for the deeper folder counts. An
// entry allows what is below it, too.
type rule struct {
	folder  string
	may     []string
	tests   []string // more that its tests may import
	because string
}

var rules = []rule{
	{
		folder:  "config",
		because: "patched Weaviate packages that nearly all of Weaviate imports will import it: anything more is an import cycle or a recompilation of everything",
	},
	{
		folder:  "maxsim",
		may:     []string{self + "/maxsim/internal", "golang.org/x/sys/cpu", "github.com/viterin/vek"},
		because: "arithmetic on slices depends on nothing but the processor",
	},
	{
		folder:  "multivector",
		may:     []string{self + "/maxsim", self + "/multivector/internal", "github.com/viterin/vek", "golang.org/x/sync", "golang.org/x/sys"},
		because: "the index is usable and testable without Weaviate and without a model",
	},
	{
		folder:  "vectorizer",
		may:     []string{self + "/vectorizer", "golang.org/x/image", "golang.org/x/sync", "golang.org/x/text", "gonum.org/v1/gonum/mat"},
		tests:   []string{self + "/maxsim"},
		because: "the models are usable and testable without Weaviate and without an index",
	},
	{
		folder:  "vectorizer/metrics",
		may:     []string{self + "/vectorizer", "github.com/prometheus/client_golang"},
		because: "every server that runs a model shows the same series; who embeds without a server needs no Prometheus",
	},
	{
		folder:  "vectorizer/operator",
		may:     []string{self + "/config", self + "/vectorizer"},
		because: "how settings of the environment become options is known in one place, to every program that runs a model",
	},
	{
		folder:  "vectorizer/ort",
		may:     []string{self + "/vectorizer/ort", "github.com/ebitengine/purego", "github.com/yalue/onnxruntime_go", "golang.org/x/sync", "golang.org/x/sys"},
		because: "ONNX Runtime has one global environment and is the only library that is loaded while we run: both stay in one room",
	},
	{
		folder: "module",
		may: []string{
			self + "/config", self + "/maxsim", self + "/module/explain", self + "/vectorizer", weaviate,
			"github.com/go-openapi", "github.com/google/uuid", "github.com/prometheus/client_golang", "github.com/sirupsen/logrus",
			"github.com/tailor-platform/graphql", "golang.org/x/sync", "google.golang.org/grpc",
		},
		because: "the module makes vectors and leaves it to the index to find them; of maxsim it says what runs",
	},
	{
		folder: "module/plaid",
		may: []string{
			self + "/config/plaid", self + "/maxsim", self + "/module/explain", self + "/multivector", weaviate,
			"github.com/prometheus/client_golang", "github.com/sirupsen/logrus", "github.com/vmihailenco/msgpack",
		},
		tests:   []string{"github.com/go-openapi/strfmt", "github.com/google/uuid", "google.golang.org/grpc/metadata"},
		because: "the index finds vectors, whoever made them",
	},
	{
		folder:  "module/explain",
		may:     []string{weaviate, "github.com/tailor-platform/graphql"},
		because: "the explorer, the index and the module meet in it, and need not know each other",
	},
	{
		folder:  "module/seams",
		tests:   []string{self + "/config/plaid", self + "/module/plaid", weaviate}, // with the patched mod file
		because: "every patched Weaviate package imports it",
	},
	{
		folder:  "module/server",
		may:     []string{self + "/module", weaviate, "github.com/go-openapi/loads", "github.com/jessevdk/go-flags"},
		because: "the server is Weaviate's own main function: what it contains is decided by the patches",
	},
	{
		folder: "tools/dev",
		may: []string{
			self + "/tools/dev", self + "/config", self + "/maxsim", self + "/vectorizer",
			"github.com/google/uuid", "golang.org/x/image", "golang.org/x/sync", "golang.org/x/sys",
		},
		tests:   []string{self + "/module/seams"},
		because: "a tool talks to a server by its public API, as users do, and must build in seconds",
	},
	{
		folder:  "tools/dev/embedserver",
		may:     []string{self + "/config", self + "/vectorizer", "github.com/prometheus/client_golang"},
		because: "it is a server of its own, and shows metrics as the database does",
	},
	{
		folder:  "tools/dev/eval",
		may:     []string{self + "/config", self + "/maxsim", self + "/vectorizer", "github.com/parquet-go/parquet-go"},
		because: "it reads retrieval sets as they are published, and asks the model without a server",
	},
	{
		folder:  "tools/dev/search",
		may:     []string{self + "/tools/dev", self + "/config", self + "/vectorizer", "github.com/google/uuid", "golang.org/x/image"},
		tests:   []string{"github.com/tailor-platform/graphql/language"},
		because: "what a visitor types becomes a query of the server's: the tests read it as the server does",
	},
	{
		folder:  "tools/dev/inspect",
		may:     []string{self + "/multivector"},
		tests:   []string{self + "/maxsim"},
		because: "it prints what the index left on disk",
	},
}

// noCgo says why no file of ours holds C: with -trimpath, which all builds here use, Go's cache gives one checkout the
// files that cgo wrote for another, and they name the other's folder. golangci-lint opens it, and fails when it is gone.
const noCgo = "a file of C ties Go's build cache to the folder of one checkout: load the library with purego"

// everyTest may import these.
var everyTest = []string{"github.com/stretchr/testify"}

func TestImportDirections(t *testing.T) {
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if file != root && skip(file) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, file)
		require.NoError(t, err)
		for _, problem := range check(t, file, filepath.ToSlash(rel)) {
			t.Error(problem)
		}
		return nil
	}))
	require.Greater(t, files, 50, "the files of the project were found")
}

// skip tells folders that hold no package of this module: hidden ones, those that
// the go tool ignores, and those with a module of their own.
func skip(dir string) bool {
	name := filepath.Base(dir)
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata" || name == "build" && isRoot(filepath.Dir(dir)) {
		return true
	}
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

func isRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// check returns what is wrong with the imports of one file.
func check(t *testing.T, file, rel string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	require.NoError(t, err)
	governing, ok := ruleFor(path.Dir(rel))
	if !ok {
		return []string{fmt.Sprintf("%s: no rule for this folder: say in tools/dev/arch what it may import and why", rel)}
	}
	var problems []string
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		if imported == "C" {
			problems = append(problems, fmt.Sprintf("%s uses cgo: %s", rel, noCgo))
			continue
		}
		if !governing.allows(imported, path.Dir(rel), strings.HasSuffix(rel, "_test.go")) {
			problems = append(problems, fmt.Sprintf("%s imports %s, but %s may not: %s", rel, imported, governing.folder, governing.because))
		}
	}
	return problems
}

// ruleFor is the rule of the deepest folder that holds dir.
func ruleFor(dir string) (best rule, ok bool) {
	for _, r := range rules {
		if within(dir, r.folder) && len(r.folder) > len(best.folder) {
			best, ok = r, true
		}
	}
	return best, ok
}

func (r rule) allows(imported, dir string, test bool) bool {
	if standard(imported) {
		return true
	}
	may := r.may
	if test {
		// An external test package imports the package that it tests.
		may = append(append(append([]string{self + "/" + dir}, may...), r.tests...), everyTest...)
	}
	for _, allowed := range may {
		if within(imported, allowed) {
			return true
		}
	}
	return false
}

func within(name, tree string) bool {
	return name == tree || strings.HasPrefix(name, tree+"/")
}

// standard tells the standard library by the missing dot in the first element of
// a path, except for this module, whose path has none either.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != self && !strings.Contains(first, ".")
}

func TestTheCheckSeesWhatItForbids(t *testing.T) {
	for _, test := range []struct {
		dir, imported string
		test, want    bool
	}{
		{dir: "config/plaid", imported: "encoding/json", want: true},
		{dir: "config/plaid", imported: weaviate + "/entities/models", want: false},
		{dir: "config/plaid", imported: "github.com/stretchr/testify/require", want: false},
		{dir: "config/plaid", imported: "github.com/stretchr/testify/require", test: true, want: true},
		{dir: "multivector", imported: self + "/maxsim", want: true},
		{dir: "multivector", imported: self + "/vectorizer", want: false},
		{dir: "vectorizer", imported: "github.com/yalue/onnxruntime_go", want: false},
		{dir: "vectorizer/ort", imported: "github.com/yalue/onnxruntime_go", want: true},
		{dir: "vectorizer", imported: self + "/maxsim", want: false},
		{dir: "vectorizer", imported: self + "/maxsim", test: true, want: true},
		{dir: "module", imported: self + "/multivector", want: false},
		{dir: "module/plaid", imported: self + "/multivector", want: true},
		{dir: "module/plaid", imported: self + "/module", want: false},
		{dir: "tools/dev/demo", imported: self + "/multivector", want: false},
		{dir: "tools/dev/inspect", imported: self + "/multivector", want: true},
	} {
		r, ok := ruleFor(test.dir)
		require.True(t, ok, test.dir)
		require.Equal(t, test.want, r.allows(test.imported, test.dir, test.test), "%+v", test)
	}
	_, ok := ruleFor("elsewhere")
	require.False(t, ok)
}

func TestTheCheckSeesCgo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "preload.go")
	require.NoError(t, os.WriteFile(file, []byte("package ort\n\nimport \"C\"\n"), 0o644))
	require.Equal(t, []string{"vectorizer/ort/preload.go uses cgo: " + noCgo}, check(t, file, "vectorizer/ort/preload.go"))
}
