package recipes

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// searches are one program in four languages.
var searches = []struct {
	language, file, collection string
	runner                     []string
}{
	{"python", "search.py", "PythonPage", python},
	{"typescript", "search.ts", "TypeScriptPage", tsx},
	{"go", "search.go", "GoPage", golang},
	{"curl", "search.sh", "CurlPage", bash},
}

func TestSearch(t *testing.T) {
	for _, search := range searches {
		t.Run(search.language, func(t *testing.T) {
			dir := workplace(t)
			first, complaints, err := execute(t, dir, nil, search.runner, search.file)
			require.NoError(t, err, complaints)
			lines := strings.Split(strings.TrimSpace(first), "\n")
			require.Len(t, lines, 5, first)
			require.Equal(t, fmt.Sprintf("%d pages are in %s", len(pages(t)), search.collection), lines[0])
			require.Regexp(t, `^nearText: income-statement\.png, `, lines[1])
			require.Regexp(t, `^filter: document-11\.png, document-(09|10)\.png, document-(09|10)\.png$`, lines[2])
			require.Regexp(t, `^hybrid: pancakes\.png, `, lines[3])
			checkHeatmap(t, lines[4], filepath.Join(dir, "heatmap-"+search.language+".png"))

			again, complaints, err := execute(t, dir, nil, search.runner, search.file)
			require.NoError(t, err, complaints)
			require.Equal(t, first, again, "a second run changes nothing")
			require.Equal(t, len(pages(t)), count(t, search.collection))
		})
	}
}

func TestSearchFailsLoudly(t *testing.T) {
	for _, search := range searches {
		t.Run(search.language, func(t *testing.T) {
			dir := workplace(t)
			_, complaints, err := execute(t, dir, []string{"WEAVIATE_API_KEY=another"}, search.runner, search.file)
			require.Error(t, err, "a wrong key")
			require.Contains(t, complaints, "401")

			path := filepath.Join(dir, search.file)
			program, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, 1, strings.Count(string(program), "pancakes.png"))
			changed := strings.Replace(string(program), "pancakes.png", "whales.png", 1)
			require.NoError(t, os.WriteFile(path, []byte(changed), 0o755))
			_, complaints, err = execute(t, dir, nil, search.runner, search.file)
			require.Error(t, err, "another page than expected")
			require.Contains(t, complaints, "hybrid: expected whales.png first")
		})
	}
}

// The runner of TypeScript strips types without a look at them.
func TestTypes(t *testing.T) {
	dir := filepath.Join(server.Repository(), "docs", "recipes")
	complaints, _, err := execute(t, dir, nil, []string{filepath.Join("node_modules", ".bin", "tsc")}, "--noEmit")
	require.NoError(t, err, complaints)
}

func count(t *testing.T, collection string) int {
	t.Helper()
	var data struct {
		Aggregate map[string][]struct {
			Meta struct{ Count int }
		}
	}
	graphql(t, fmt.Sprintf("{ Aggregate { %s { meta { count } } } }", collection), &data)
	return data.Aggregate[collection][0].Meta.Count
}
