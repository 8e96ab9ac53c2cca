package recipes

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/test/acceptance/server"
)

// README.md shows a program and two queries of what it imported, in this order.
func TestREADME(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(server.Repository(), "README.md"))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(text), "\n## Use it\n")
	require.True(t, found)
	section, _, found := strings.Cut(after, "\n## ")
	require.True(t, found)
	programs, queries := blocks(section, "python"), blocks(section, "graphql")
	require.Len(t, programs, 1)
	require.Len(t, queries, 2)
	require.Len(t, regexp.MustCompile("(?m)^```\\w").FindAllString(section, -1), 3, "a block that no test runs")

	t.Run("python", func(t *testing.T) {
		dir := t.TempDir()
		require.NoError(t, os.Symlink(samplePages(), filepath.Join(dir, "scans")))
		// The server of this test has other ports and wants a key; all else is run as it is printed.
		const connect = "weaviate.connect_to_local()"
		require.Equal(t, 1, strings.Count(programs[0], connect))
		here := fmt.Sprintf("weaviate.connect_to_local(port=%s, grpc_port=%s, auth_credentials=%q)",
			port(t, node.HTTP), port(t, node.GRPC), apiKey)
		program := strings.Replace(programs[0], connect, here, 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "readme.py"), []byte(program), 0o600))
		out, complaints, err := execute(t, dir, nil, python, "readme.py")
		require.NoError(t, err, complaints)
		titles := strings.Fields(out)
		require.Len(t, titles, 3)
		require.Equal(t, "revenue-by-region", titles[0])
		require.Equal(t, len(pages(t)), count(t, "Page"))
	})

	type hit struct {
		Title      string
		Additional struct {
			ID       string
			Distance float64
			ColPali  *struct {
				Score    float64
				Tokens   []struct{ Text string }
				Map      struct{ Values []float64 }
				Image    []byte // JSON carries it as base64
				Searched struct{ Certified bool }
			}
		} `json:"_additional"`
	}
	var answers [2]struct{ Get struct{ Page []hit } }
	for i, query := range queries {
		graphql(t, query, &answers[i])
		require.Len(t, answers[i].Get.Page, 3)
		require.Equal(t, "revenue-by-region", answers[i].Get.Page[0].Title)
	}
	require.NotEmpty(t, answers[0].Get.Page[0].Additional.ID)
	for _, hit := range answers[1].Get.Page {
		why := hit.Additional.ColPali
		require.InDelta(t, -hit.Additional.Distance, why.Score, 1e-4)
		require.NotEmpty(t, why.Tokens)
		require.NotEmpty(t, why.Map.Values)
		require.Equal(t, "\x89PNG", string(why.Image[:4]))
		require.True(t, why.Searched.Certified)
	}
}

// blocks returns what stands between the fences of a language.
func blocks(markdown, language string) (inside []string) {
	for _, match := range regexp.MustCompile("(?s)\n```"+language+"\n(.*?)\n```\n").FindAllStringSubmatch(markdown, -1) {
		inside = append(inside, match[1])
	}
	return inside
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	return port
}
