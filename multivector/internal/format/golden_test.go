package format

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

var rewrite = flag.Bool("rewrite", false, "write the files of the newest version, and what Describe prints of all")

func newestFolder() string { return fmt.Sprintf("testdata/v%d", newest) }

// TestTheWriterMakesTheGoldenFiles pins every byte of the newest version.
func TestTheWriterMakesTheGoldenFiles(t *testing.T) {
	for name, b := range sampleFiles(t) {
		path := filepath.Join(newestFolder(), name)
		if *rewrite {
			require.NoError(t, os.MkdirAll(newestFolder(), 0o755))
			require.NoError(t, os.WriteFile(path, b, 0o644))
		}
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(golden, b), "%s is written differently than it was", name)
	}
}

// TestGoldenFilesOfEveryVersionOpen, and hold what they did when they were made.
func TestGoldenFilesOfEveryVersionOpen(t *testing.T) {
	folders, err := filepath.Glob("testdata/v*")
	require.NoError(t, err)
	require.Len(t, folders, newest)
	for _, folder := range folders {
		text := describeFolder(t, folder)
		path := filepath.Join(folder, "describe.txt")
		if *rewrite {
			require.NoError(t, os.WriteFile(path, text, 0o644))
		}
		golden, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(golden), string(text), folder)
	}
}

func describeFolder(t *testing.T, folder string) []byte {
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	var text bytes.Buffer
	for _, file := range files {
		if file.Name() == "describe.txt" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, file.Name()))
		require.NoError(t, err)
		require.NoError(t, openAndVerify(file.Name(), b), file.Name())
		Describe(&text, file.Name(), b, true)
		text.WriteByte('\n')
	}
	return text.Bytes()
}
