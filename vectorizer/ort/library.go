package ort

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// libraryVariable is where other programs that load ONNX Runtime look, too.
const libraryVariable = "ORT_DYLIB_PATH"

// remedy ends every error about the library.
const remedy = "run `make onnxruntime`, or set COLPALI_ONNXRUNTIME to the path of libonnxruntime 1.24 or newer"

// place is somewhere that the library may be.
type place struct {
	path string
	// origin says why we look there.
	origin string
	// certain means that the operator named it or put it there: when it does not load, that is an
	// error instead of a reason to look further.
	certain bool
}

func (p place) String() string { return p.path + " (" + p.origin + ")" }

// places lists where to look for the library, best first. named is the operator's setting, or "".
func places(named string) []place {
	if named != "" {
		return []place{{named, "COLPALI_ONNXRUNTIME", true}}
	}
	if path := os.Getenv(libraryVariable); path != "" {
		return []place{{path, libraryVariable, true}}
	}
	var list []place
	name := libraryName(runtime.GOOS)
	if executable, err := os.Executable(); err == nil {
		folder := filepath.Dir(executable)
		list = append(list,
			place{filepath.Join(folder, name), "beside the executable", true},
			place{filepath.Join(folder, "lib", name), "beside the executable", true})
	}
	return append(list, place{name, "the system's loader", false})
}

func libraryName(system string) string {
	switch system {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so"
}

// firstLoadable tries the places in order and returns the one that load accepted.
func firstLoadable(list []place, load func(path string) error) (string, error) {
	var tried []string
	for _, p := range list {
		err := loadPlace(p, load)
		if err == nil {
			return p.path, nil
		}
		tried = append(tried, fmt.Sprintf("%s: %v", p, err))
		if p.certain && !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return "", fmt.Errorf("%w: %s; %s", ErrLibrary, strings.Join(tried, "; "), remedy)
}

func loadPlace(p place, load func(path string) error) error {
	if !p.certain {
		return load(p.path)
	}
	info, err := os.Stat(p.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is %w", errNoFile)
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a folder, not a library")
	}
	return load(p.path)
}

// errNoFile is fs.ErrNotExist without its repetition of the path.
var errNoFile = noFile{}

type noFile struct{}

func (noFile) Error() string        { return "no such file" }
func (noFile) Is(target error) bool { return target == fs.ErrNotExist }
