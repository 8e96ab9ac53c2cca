package multivector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"weaviate-colpali/multivector/internal/format"
	"weaviate-colpali/multivector/internal/vfs"
)

// Options are what [Open] needs.
type Options struct {
	// Source holds the documents' vectors.
	Source Source

	// Stored is every document that the source holds now, in any order. Documents
	// that turn out to have no vectors are allowed, see [Index.Search].
	Stored []uint64

	// Dir is a folder of the index's own. "" keeps everything in memory, and makes it
	// anew from the source the next time.
	Dir string

	// ReadOnly reports whether no file may be written now, as when the disk is full;
	// nil: never. The background asks before each thing it does and rests meanwhile.
	ReadOnly func() bool

	// Memory refuses that so many more bytes of memory be used, with an error; nil:
	// never. What it refuses of the background's work is put off; see also [Index.Add].
	Memory func(bytes int64) error

	// Logger is told what a person may want to know; nil: nobody is.
	Logger *slog.Logger

	// Observer is told what happens in the background; nil: nobody is.
	Observer Observer

	// In tests.
	fs     vfs.FS  // instead of Dir
	idle   bool    // nothing happens in the background
	limits *limits // instead of the usual ones
}

// Open opens an index. It is complete at once: documents that the folder does not
// hold, because it is new, older than the source, or damaged, are scored with
// their stored vectors until the background has caught up. What is damaged is set
// aside under another name, and told to the logger.
func Open(o Options) (*Index, error) {
	x := &Index{
		source: o.Source, logger: o.Logger, observer: o.Observer, where: map[uint64]place{}, limits: usual,
		readOnly: o.ReadOnly, memory: o.Memory,
	}
	if o.limits != nil {
		x.limits = *o.limits
	}
	if x.logger == nil {
		x.logger = slog.New(slog.DiscardHandler)
	}
	if x.observer == nil {
		x.observer = unobserved{}
	}
	if x.readOnly == nil {
		x.readOnly = func() bool { return false }
	}
	if x.memory == nil {
		x.memory = func(int64) error { return nil }
	}
	switch {
	case o.fs != nil:
		x.files = &files{fs: o.fs}
	case o.Dir != "":
		x.files = &files{fs: vfs.OS(filepath.Dir(o.Dir))}
		if err := x.files.fs.MkdirAll(filepath.Base(o.Dir)); err != nil {
			return nil, fmt.Errorf("make the index's folder: %w", err)
		}
		x.files.fs = vfs.OS(o.Dir)
	}
	if x.files != nil {
		var err error
		if fault := vfs.Guard(func() { err = x.openFiles() }); fault != nil {
			err = fault
		}
		if err != nil {
			return nil, fmt.Errorf("open the index: %w", err)
		}
	}
	x.reconcile(o.Stored)
	x.publish()
	if !o.idle {
		x.startWorker()
		x.worker.wake()
	}
	return x, nil
}

// reconcile makes the live documents those that the source holds.
func (x *Index) reconcile(stored []uint64) {
	stored = slices.Sorted(slices.Values(stored))
	for id, at := range x.where {
		if _, found := slices.BinarySearch(stored, id); !found {
			at.bury(at.row)
			delete(x.where, id)
		}
	}
	x.recount(stored)
	x.await(stored)
}

// openFiles takes in what the folder holds.
func (x *Index) openFiles() error {
	numbers, others, err := x.files.list()
	if err != nil {
		return err
	}
	for _, name := range others {
		switch {
		case strings.HasSuffix(name, ".tmp"): // a crash left it
			_ = x.files.fs.Remove(name)
		case strings.HasSuffix(name, damagedSuffix):
			x.files.setAside++
		}
	}
	for _, number := range numbers[format.KindVectors] {
		p, err := x.files.openVectors(number)
		if err == nil && x.dim != 0 && p.Dim() != x.dim {
			err = errors.Join(fmt.Errorf("%w: %d, other files have %d", ErrDimension, p.Dim(), x.dim), p.Close())
		}
		if err != nil {
			if err := x.quarantine(format.KindVectors, number, err); err != nil {
				return err
			}
			continue
		}
		x.dim = p.Dim()
		x.place(p)
	}
	if err := x.openCodes(numbers); err != nil {
		return err
	}
	return x.openTunings(numbers[format.KindTuning])
}

// openCodes finds the newest codes of each part, and the codebooks that they need.
func (x *Index) openCodes(numbers map[format.Kind][]uint64) error {
	generations := map[uint64]*generation{}
	for _, number := range numbers[format.KindCodebook] {
		g, err := x.files.openGeneration(number)
		if err == nil && x.dim != 0 && g.codebook.Dim() != x.dim {
			err = fmt.Errorf("%w: %d, the documents have %d", ErrDimension, g.codebook.Dim(), x.dim)
		}
		if err != nil {
			if err := x.quarantine(format.KindCodebook, number, err); err != nil {
				return err
			}
			continue
		}
		generations[number] = g
		x.generation = g // the newest
	}
	for _, number := range numbers[format.KindCodes] {
		if err := x.openCodesOf(number, generations); err != nil {
			if err := x.quarantine(format.KindCodes, number, err); err != nil {
				return err
			}
		}
	}
	x.removeUnused(generations)
	if x.generation != nil {
		x.generation.opened = true
	}
	return nil
}

var errNoCodebook = errors.New("its codebook is missing or damaged")

// openCodesOf gives a part the codes of a file, unless it has newer ones.
func (x *Index) openCodesOf(number uint64, generations map[uint64]*generation) error {
	stored, mapping, err := x.files.openCodes(number)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(x.parts, func(p *part) bool { return p.file == stored.Vectors })
	if i < 0 {
		x.files.remove(format.KindCodes, number) // of a file that was merged
		return mapping.Close()
	}
	p := x.parts[i]
	p.keep(mapping)
	g := generations[stored.Codebook]
	if g == nil || g.centroids.Rows() != stored.Centroids {
		return errNoCodebook
	}
	c := openedCodes(g, stored, number)
	if err := cmp.Or(c.check(), c.fits(p)); err != nil {
		return err
	}
	if before := p.coded.Swap(c); before != nil {
		x.files.remove(format.KindCodes, before.file)
	}
	return nil
}

// removeUnused removes codebooks that were replaced.
func (x *Index) removeUnused(generations map[uint64]*generation) {
	used := map[*generation]bool{x.generation: true}
	for _, p := range x.parts {
		if c := p.coded.Load(); c != nil {
			used[c.generation] = true
		}
	}
	for number, g := range generations {
		if !used[g] {
			x.files.remove(format.KindCodebook, number)
		}
	}
}

// damagedSuffix ends the names of files that were set aside.
const damagedSuffix = ".damaged"

// quarantine sets a file aside under a name that nothing reads. What it held is
// made anew from the source.
func (x *Index) quarantine(kind format.Kind, number uint64, why error) error {
	name := format.FileName(number, kind)
	x.logger.Warn("a file of the index is damaged; it is set aside and made anew from the object store",
		"file", name, "aside", name+damagedSuffix, "error", why)
	x.files.sizes.forget(name)
	switch err := x.files.fs.Rename(name, name+damagedSuffix); {
	case err == nil:
		x.files.setAside++
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("set aside %s: %w", name, err)
	}
	return nil
}

// Close stops the background, writes what is in no file yet, unless it is
// read-only, and gives memory back. It may be called more than once.
func (x *Index) Close(ctx context.Context) error {
	x.mu.Lock()
	if x.closed {
		x.mu.Unlock()
		return nil
	}
	x.closed = true
	x.mu.Unlock()
	x.stopWorker()
	var err error
	if !x.readOnly() {
		_, err = x.write(ctx, x.head())
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.empty()
	return err
}

// Discard stops the background and removes the index's files.
func (x *Index) Discard() error {
	x.mu.Lock()
	x.closed = true
	x.mu.Unlock()
	x.stopWorker()
	x.mu.Lock()
	x.empty()
	x.mu.Unlock()
	if x.files == nil {
		return nil
	}
	names, err := x.files.fs.List(".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range names {
		err = errors.Join(err, x.files.fs.Remove(name))
	}
	return err
}

// empty forgets all documents, x.mu held.
func (x *Index) empty() {
	x.parts, x.pending, x.where = nil, nil, map[uint64]place{}
	x.publish()
}

// Hold makes the files of the index hold still until [Index.Resume], for whoever
// copies them. Documents can be added and deleted meanwhile. Each call wants a
// Resume of its own.
func (x *Index) Hold() {
	x.holding.Lock()
	defer x.holding.Unlock()
	if x.holds++; x.holds == 1 {
		x.worker.turn.Lock()
	}
}

// Resume ends a [Index.Hold].
func (x *Index) Resume() {
	x.holding.Lock()
	defer x.holding.Unlock()
	if x.holds == 0 {
		return
	}
	if x.holds--; x.holds == 0 {
		x.worker.turn.Unlock()
		x.worker.wake()
	}
}

// Files is the names of the files that the index consists of now.
func (x *Index) Files() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var names []string
	if x.tuning.file != 0 {
		names = append(names, format.FileName(x.tuning.file, format.KindTuning))
	}
	generations := map[*generation]bool{}
	if x.generation != nil {
		generations[x.generation] = true
	}
	for _, p := range x.parts {
		if p.file == 0 {
			continue
		}
		names = append(names, format.FileName(p.file, format.KindVectors))
		if c := p.coded.Load(); c != nil && c.file != 0 {
			names = append(names, format.FileName(c.file, format.KindCodes))
			generations[c.generation] = true
		}
	}
	for g := range generations {
		if g.file != 0 {
			names = append(names, format.FileName(g.file, format.KindCodebook))
		}
	}
	slices.Sort(names)
	return names
}
