package pages

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.pdf", "a/one.png", "a/.hidden.png", ".git/x.png", "elsewhere/two.png"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(name), 0o600))
	}
	link := func(to, name string) {
		require.NoError(t, os.Symlink(filepath.Join(dir, to), filepath.Join(dir, name)))
	}
	link("a", "a/loop")
	link("nowhere", "a/dangling")
	link("b.pdf", "a/same.pdf")

	files, skipped, err := Find([]string{filepath.Join(dir, "a"), filepath.Join(dir, "b.pdf"), filepath.Join(dir, "a", "one.png")})
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "a", "one.png"), filepath.Join(dir, "a", "same.pdf")}, files, "each once")
	reasons := map[string]error{}
	for _, s := range skipped {
		reasons[filepath.Base(s.Path)] = s.Why
	}
	require.Len(t, reasons, 3)
	require.ErrorIs(t, reasons[".hidden.png"], ErrUnsupported)
	require.ErrorIs(t, reasons["loop"], ErrUnsupported)
	require.ErrorIs(t, reasons["dangling"], os.ErrNotExist)

	files, skipped, err = Find([]string{dir})
	require.NoError(t, err)
	require.Len(t, files, 3, "a/one.png, a/same.pdf that is b.pdf, elsewhere/two.png: %v", files)
	require.Len(t, skipped, 4, "with .git, which is not entered: %v", skipped)

	named := filepath.Join(dir, "named")
	require.NoError(t, os.Symlink(filepath.Join(dir, "elsewhere"), named))
	files, _, err = Find([]string{named})
	require.NoError(t, err)
	require.Len(t, files, 1)

	_, _, err = Find([]string{filepath.Join(dir, "missing")})
	require.ErrorIs(t, err, os.ErrNotExist)
}
