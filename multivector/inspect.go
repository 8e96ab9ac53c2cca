package multivector

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"weaviate-colpali/multivector/internal/format"
	"weaviate-colpali/multivector/internal/vfs"
)

// Inspect prints for people what an index left on disk, of a folder or of one file
// in it: a line a file, and every section if verbose. It reads and verifies all
// there is, changes nothing, and fails when something is damaged. The index may be
// open meanwhile.
func Inspect(w io.Writer, name string, verbose bool) error {
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	i := &inspection{w: w, verbose: verbose, files: map[string]format.Facts{}, damaged: map[string]bool{}}
	if info.IsDir() {
		i.fs = vfs.OS(name)
		err = i.folder()
	} else {
		i.fs = vfs.OS(filepath.Dir(name))
		i.read(filepath.Base(name))
	}
	if len(i.damaged) > 0 {
		err = errors.Join(err, fmt.Errorf("%s: damaged: %s", name, strings.Join(slices.Sorted(maps.Keys(i.damaged)), ", ")))
	}
	return err
}

// inspection is what was seen so far.
type inspection struct {
	w       io.Writer
	fs      vfs.FS
	verbose bool

	files   map[string]format.Facts // those that open, by name
	damaged map[string]bool         // those of no use, by name
	ids     []uint64                // of all documents
	dim     int                     // of the first vectors
	bytes   int                     // of the files that were read
}

func (i *inspection) folder() error {
	names, err := i.fs.List(".")
	if err != nil {
		return err
	}
	for _, name := range names {
		_, _, ok := format.ParseFileName(name)
		switch {
		case ok:
			i.read(name)
		case strings.HasSuffix(name, ".tmp"):
			i.say(name, "being written, or a crash left it: removed when the index opens")
		case strings.HasSuffix(name, damagedSuffix):
			i.say(name, "set aside: nothing reads it")
		default:
			i.say(name, "not a file of the index")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(i.files)) {
		i.compare(name)
	}
	slices.Sort(i.ids)
	documents := len(slices.Compact(i.ids))
	fmt.Fprintf(i.w, "in all: %d documents, %d bytes", documents, i.bytes)
	if documents > 0 {
		fmt.Fprintf(i.w, ", %d bytes a document", i.bytes/documents)
	}
	fmt.Fprintln(i.w)
	return nil
}

func (i *inspection) say(name, what string) { fmt.Fprintf(i.w, "%-25s  %s\n", name, what) }

// read prints a file and remembers what it holds. A file that was set aside is read
// as what it was.
func (i *inspection) read(name string) {
	mapping, err := i.fs.Map(name)
	if errors.Is(err, fs.ErrNotExist) {
		return // the index removed it since it was listed
	}
	sound := false
	if err == nil {
		defer mapping.Close()
		err = vfs.Guard(func() {
			var facts format.Facts
			facts, sound = format.Describe(i.w, strings.TrimSuffix(name, damagedSuffix), mapping.Bytes(), i.verbose)
			i.ids = append(i.ids, facts.IDs...)
			facts.IDs = nil // they lie in the mapping
			if sound || facts.Dim != 0 {
				i.files[name] = facts
			}
			if facts.Kind == format.KindVectors && i.dim == 0 {
				i.dim = facts.Dim
			}
		})
		i.bytes += len(mapping.Bytes())
	}
	if err != nil {
		i.say(name, err.Error())
	}
	if err != nil || !sound {
		i.damaged[name] = true
	}
}

// compare says what does not fit between a file and the others, as [Open] would.
func (i *inspection) compare(name string) {
	facts := i.files[name]
	var problem string
	switch facts.Kind {
	case format.KindCodes:
		if _, found := i.files[format.FileName(facts.Vectors, format.KindVectors)]; !found {
			i.say(name, "its vectors are missing or damaged: removed when the index opens")
			return
		}
		problem = i.misfit(facts)
	case format.KindTuning:
		if facts.Codebook != i.newest(format.KindCodebook) {
			i.say(name, "its codebook is missing, damaged or replaced: removed when the index opens")
		}
	default:
		if i.dim != 0 && facts.Dim != i.dim {
			problem = fmt.Sprintf("it has %d dimensions, the first vectors have %d", facts.Dim, i.dim)
		}
	}
	if problem != "" {
		i.say(name, problem)
		i.damaged[name] = true
	}
}

// newest is the largest number of a sound file of a kind, 0 if there is none.
func (i *inspection) newest(kind format.Kind) (number uint64) {
	for name := range i.files {
		if n, of, _ := format.ParseFileName(name); of == kind && !i.damaged[name] {
			number = max(number, n)
		}
	}
	return number
}

// misfit says what does not fit between codes and what they name, or "".
func (i *inspection) misfit(codes format.Facts) string {
	vectors := i.files[format.FileName(codes.Vectors, format.KindVectors)]
	codebook, found := i.files[format.FileName(codes.Codebook, format.KindCodebook)]
	switch {
	case !found:
		return "its codebook is missing or damaged"
	case codebook.Centroids != codes.Centroids:
		return fmt.Sprintf("its codebook has %d centroids, expected %d", codebook.Centroids, codes.Centroids)
	case vectors.Documents != codes.Documents:
		return fmt.Sprintf("its vectors are of %d documents, expected %d", vectors.Documents, codes.Documents)
	}
	return ""
}
