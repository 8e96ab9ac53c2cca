package pages

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Skipped is a path that is not imported, and why.
type Skipped struct {
	Path string
	Why  error
}

// Find lists the regular files among paths and in the folders among them, each once and in the order of a walk.
// Hidden entries of folders are skipped, and so are links to folders: following them could go round in circles.
// Whoever names one of these gets it.
func Find(paths []string) (files []string, skipped []Skipped, err error) {
	f := finder{seen: map[string]bool{}}
	for _, path := range paths {
		if err := f.find(path); err != nil {
			return nil, nil, err
		}
	}
	return f.files, f.skipped, nil
}

type finder struct {
	seen    map[string]bool // real paths
	files   []string
	skipped []Skipped
}

// find takes a path that the user named: not finding it is an error.
func (f *finder) find(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		f.take(path)
		return nil
	}
	// A named link to a folder is followed: WalkDir would not.
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			f.skip(path, err)
		case path == root:
		case strings.HasPrefix(entry.Name(), "."):
			f.skip(path, fmt.Errorf("%w: hidden", ErrUnsupported))
			if entry.IsDir() {
				return fs.SkipDir
			}
		case !entry.IsDir():
			f.take(path)
		}
		return nil
	})
}

// take adds a file, or says why it is none.
func (f *finder) take(path string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		f.skip(path, err)
		return
	}
	switch info, err := os.Stat(real); {
	case err != nil:
		f.skip(path, err)
	case info.IsDir():
		f.skip(path, fmt.Errorf("%w: a link to a folder: name the folder to import it", ErrUnsupported))
	case !info.Mode().IsRegular():
		f.skip(path, fmt.Errorf("%w: not a regular file", ErrUnsupported))
	case !f.seen[real]:
		f.seen[real] = true
		f.files = append(f.files, path)
	}
}

func (f *finder) skip(path string, why error) {
	f.skipped = append(f.skipped, Skipped{path, why})
}
