package faultfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sector is what a disk writes wholly or not at all.
const sector = 512

// Crash makes a file system out of what a disk may hold after a power cut now. The
// old one stays as it is, and so do its files and mappings: what is done to one is
// not seen in the other. The new one has counted no operation, nothing is set to
// fail in it, and all that it holds is durable.
func (f *FS) Crash(r *rand.Rand) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return &FS{root: f.root.crash(r).(*dir)}
}

// node is a file or a directory.
type node interface {
	// crash is a copy as a power cut may leave it.
	crash(r *rand.Rand) node
}

// dir is a directory: its names as programs see them, those that no power cut can
// take away, and what made the former of the latter, in order.
type dir struct {
	live    map[string]node
	durable map[string]node
	pending []change
}

func newDir() *dir {
	return &dir{live: map[string]node{}, durable: map[string]node{}}
}

// change is what happens to the names of a directory in one piece: one is removed,
// one is added, or both, which is a rename.
type change struct {
	remove string // "": none
	add    string // "": none
	node   node   // that has the name added
}

func (c change) apply(names map[string]node) {
	delete(names, c.remove) // first: a file may be renamed to its own name
	if c.add != "" {
		names[c.add] = c.node
	}
}

func (d *dir) change(c change) {
	c.apply(d.live)
	d.pending = append(d.pending, c)
}

func (d *dir) sync() {
	d.durable, d.pending = maps.Clone(d.live), nil
}

func (d *dir) crash(r *rand.Rand) node {
	names := maps.Clone(d.durable)
	for _, c := range d.pending[:upTo(r, len(d.pending))] {
		c.apply(names)
	}
	for _, name := range slices.Sorted(maps.Keys(names)) { // the order of the random numbers
		names[name] = names[name].crash(r)
	}
	return &dir{live: names, durable: maps.Clone(names)}
}

// upTo is a number from 0 to n. Both ends are as likely as all between, because
// most mistakes show where all is lost, or nothing is.
func upTo(r *rand.Rand, n int) int {
	switch r.IntN(3) {
	case 0:
		return 0
	case 1:
		return n
	default:
		return r.IntN(n + 1)
	}
}

// file is the bytes of a file, of which no power cut can take away the first synced.
// Bytes that are there are never changed in place, so that mappings and the files
// of other disks share them.
type file struct {
	data   []byte
	synced int
	lost   bool // a Sync failed: nothing more becomes durable
}

func (f *file) sync() {
	if !f.lost {
		f.synced = len(f.data)
	}
}

// syncFailed loses the file if there was anything to sync.
func (f *file) syncFailed() {
	f.lost = f.lost || f.synced < len(f.data)
}

func (f *file) flip(offset, bit int) {
	f.data = slices.Clone(f.data)
	f.data[offset] ^= 1 << bit
}

func (f *file) truncate(n int) {
	f.data = slices.Clip(f.data[:n]) // a later write must not change what a mapping shows
	f.synced = min(f.synced, n)
}

func (f *file) crash(r *rand.Rand) node {
	length := f.synced + upTo(r, len(f.data)-f.synced)
	data := f.data[:length] // shared: nobody can write on in a file of the new disk
	if r.IntN(2) == 0 {
		data = f.zeroSectors(data, r)
	}
	return &file{data: data, synced: length}
}

// zeroSectors is data with zeros in about half of the sectors, as far as they were
// not synced: a file system may write the length of a file before its bytes.
func (f *file) zeroSectors(data []byte, r *rand.Rand) []byte {
	data = slices.Clone(data)
	for begin := f.synced; begin < len(data); {
		end := min(begin-begin%sector+sector, len(data))
		if r.IntN(2) == 0 {
			clear(data[begin:end])
		}
		begin = end
	}
	return data
}
