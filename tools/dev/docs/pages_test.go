package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/config"
	"weaviate-colpali/maxsim"
)

const root = "../../../"

// pages are the Markdown files of the repository, by path from its root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	listed, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "*.md").Output()
	require.NoError(t, err)
	texts := map[string]string{}
	for name := range strings.FieldsSeq(string(listed)) {
		text, err := os.ReadFile(root + name)
		require.NoError(t, err)
		texts[name] = string(text)
	}
	require.Contains(t, texts, "README.md")
	return texts
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]*)(?:#[^)]*)?\)`)
	for name, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if m[1] == "" || strings.Contains(m[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(root, filepath.Dir(name), m[1]))
			require.NotErrorIs(t, err, fs.ErrNotExist, "%s links to %s, which is not there", name, m[1])
		}
	}
}

func TestPagesInDocsAreListed(t *testing.T) {
	texts := pages(t)
	for name := range texts {
		if dir, base := filepath.Split(name); dir == "docs/" && base != "README.md" {
			require.Contains(t, texts["docs/README.md"], "("+base+")")
		}
	}
}

// What pages tell people to type is there.
func TestTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile(root + "Makefile")
	require.NoError(t, err)
	var targets []string
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	target := regexp.MustCompile("(?m)(?:^    |`)make ([a-z-]+)")
	for name, text := range pages(t) {
		for _, m := range target.FindAllStringSubmatch(text, -1) {
			require.Contains(t, targets, m[1], name)
		}
	}
}

// Variables that pages and examples name are read by the server or by a tool.
func TestVariablesExist(t *testing.T) {
	var known []string
	for _, s := range config.RuntimeSettings() {
		known = append(known, s.Name)
	}
	known = append(known, variablesOfTools(t)...)
	texts := pages(t)
	examples, err := filepath.Glob(root + "tools/dev/deploy/*")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	for _, name := range examples {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		texts[name] = string(text)
	}
	variable := regexp.MustCompile(`\bCOLPALI_[A-Z_]+\b`)
	for name, text := range texts {
		for _, v := range variable.FindAllString(text, -1) {
			require.True(t, slices.Contains(known, v), "%s names %s", name, v)
		}
	}
}

// variablesOfTools are those that the source names whole, in quotes.
func variablesOfTools(t *testing.T) (names []string) {
	t.Helper()
	quoted := regexp.MustCompile(`"(COLPALI_[A-Z_]+)"`)
	files, err := filepath.Glob(root + "tools/dev/*/*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range quoted.FindAllStringSubmatch(string(source), -1) {
			names = append(names, m[1])
		}
	}
	return names
}

// The page of limits has the numbers of the code; module/explain knows of its own.
func TestLimits(t *testing.T) {
	page := pages(t)["docs/limits.md"]
	defaults, err := config.RuntimeFromEnv(func(string) (string, bool) { return "", false })
	require.NoError(t, err)
	for _, want := range []string{
		fmt.Sprintf("%d MiB, %d million pixels", defaults.MaxImageBytes>>20, defaults.MaxImagePixels/1e6),
		fmt.Sprintf("%d GiB of memory", defaults.MaxImageMemory>>10),
		thousands(defaults.MaxQueryBytes) + " bytes",
		fmt.Sprintf("%d imports and %[1]d queries", defaults.MaxQueue),
		thousands(maxsim.MaxRows) + " each",
	} {
		require.Contains(t, page, want)
	}
	require.Equal(t, maxsim.MaxRows, maxsim.MaxDim)
	require.InDelta(t, 1e12, maxsim.MaxMagnitude, 0, "docs/limits.md says 10^12")
}

// thousands writes a number below a million as people read it.
func thousands(n int) string {
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
