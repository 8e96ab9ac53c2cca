package ort

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

func TestUnusableLibraryIsNamedWithARemedy(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libonnxruntime.so")
	require.NoError(t, os.WriteFile(text, []byte("not a library"), 0o600))

	for name, c := range map[string]struct{ path, reason string }{
		"missing":          {filepath.Join(t.TempDir(), "absent.so"), "there is no such file"},
		"folder":           {t.TempDir(), "is a folder"},
		"text file":        {text, "too short|invalid ELF header|not a mach-o|slice is not valid"},
		"too old":          {compile(t, oldLibrary), "older than ONNX Runtime 1.24"},
		"another library":  {compile(t, "int unrelated;"), "OrtGetApiBase"},
		"unfinished build": {compile(t, "void *OrtGetApiBase(void) { return 0; }"), "API base: 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(Options{Library: c.path})
			require.ErrorIs(t, err, ErrLibrary)
			require.ErrorContains(t, err, c.path)
			require.Regexp(t, c.reason, err.Error())
			require.ErrorContains(t, err, "make onnxruntime")
		})
	}
}

// oldLibrary is an ONNX Runtime that knows no version of the API that we could ask for.
const oldLibrary = `
static const void *api(unsigned version) { return 0; }
static const char *version(void) { return "1.23.2"; }
static const struct { const void *(*api)(unsigned); const char *(*version)(void); } base = {api, version};
const void *OrtGetApiBase(void) { return &base; }
`

func compile(t *testing.T, source string) string {
	t.Helper()
	folder := t.TempDir()
	in, out := filepath.Join(folder, "library.c"), filepath.Join(folder, "library.so")
	require.NoError(t, os.WriteFile(in, []byte(source), 0o600))
	output, err := exec.Command("cc", "-shared", "-fPIC", "-o", out, in).CombinedOutput()
	require.NoError(t, err, "the C compiler that cgo needs: %s", output)
	return out
}

func TestAfterAFailureTheRightLibraryStillLoads(t *testing.T) {
	_, err := Open(Options{Library: compile(t, oldLibrary)})
	require.Error(t, err)

	runtime, err := Open(Options{Library: orttest.Library(t)})
	require.NoError(t, err)
	require.NoError(t, runtime.Close())
}

func TestPlacesInOrder(t *testing.T) {
	t.Run("the setting wins", func(t *testing.T) {
		t.Setenv(libraryVariable, "/variable")
		require.Equal(t, []place{{"/setting", "COLPALI_ONNXRUNTIME", true}}, places("/setting"))
	})
	t.Run("then the common variable", func(t *testing.T) {
		t.Setenv(libraryVariable, "/variable")
		require.Equal(t, []place{{"/variable", libraryVariable, true}}, places(""))
	})
	t.Run("then beside the executable, then the system", func(t *testing.T) {
		t.Setenv(libraryVariable, "")
		executable, err := os.Executable()
		require.NoError(t, err)
		list := places("")
		require.Len(t, list, 3)
		require.Equal(t, filepath.Dir(executable), filepath.Dir(list[0].path))
		require.Equal(t, filepath.Join(filepath.Dir(executable), "lib"), filepath.Dir(list[1].path))
		require.Equal(t, filepath.Base(list[0].path), list[2].path)
	})
}

func TestSearchPassesWhatIsAbsentAndStopsAtWhatIsBroken(t *testing.T) {
	present := filepath.Join(t.TempDir(), "present.so")
	require.NoError(t, os.WriteFile(present, nil, 0o600))
	absent := filepath.Join(t.TempDir(), "absent.so")
	broken := func(string) error { return os.ErrInvalid }
	fine := func(string) error { return nil }

	found, err := firstLoadable([]place{{absent, "first", true}, {present, "second", true}}, fine)
	require.NoError(t, err)
	require.Equal(t, present, found)

	found, err = firstLoadable([]place{{absent, "first", true}, {"by-name.so", "system", false}}, fine)
	require.NoError(t, err)
	require.Equal(t, "by-name.so", found)

	_, err = firstLoadable([]place{{absent, "first", true}, {present, "second", true}, {"by-name.so", "system", false}}, broken)
	require.ErrorIs(t, err, ErrLibrary)
	require.ErrorContains(t, err, absent+" (first): there is no such file")
	require.ErrorContains(t, err, present+" (second): invalid argument")
	require.NotContains(t, err.Error(), "by-name.so")
}

func TestLibraryNameOfEachSystem(t *testing.T) {
	for system, name := range map[string]string{
		"linux": "libonnxruntime.so", "darwin": "libonnxruntime.dylib", "windows": "onnxruntime.dll",
	} {
		require.Equal(t, name, libraryName(system))
	}
}
