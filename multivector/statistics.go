package multivector

import (
	"sync"
	"time"
)

// Statistics is how an index is. The zero value is that of an index of nothing.
type Statistics struct {
	Documents int // live
	Waiting   int // of those, not read from the source yet: searches score their stored vectors
	InMemory  int // of those that were read, in no file yet
	Uncoded   int // of those that were read, without centroids of the newest training
	Deleted   int // no longer live, and in the way of searches and files until these are merged

	Files     int   // that hold the index
	FileBytes int64 // of those files
	SetAside  int   // damaged files that lay in the folder when the index was opened

	Centroids int // of the newest training, 0: none was due yet
	Trained   int // documents that there were at that training

	// Drift is how much smaller the mean cosine of documents to their centroids is
	// among those that came since the training than it was at the training. Where it
	// stays above 0.02, the next training is near.
	Drift float64

	// Margin is how far below the last result the centroids' estimate of a document may
	// lie that a [Balanced] search looks at closely, as a share of the largest score that
	// there can be, for a question of 16 vectors or more. It is 0 until the index has found
	// out.
	Margin float64
}

// Plus is the statistics of two indexes together. Of Drift and Margin, which
// have no sum, it is the larger.
func (s Statistics) Plus(other Statistics) Statistics {
	return Statistics{
		Documents: s.Documents + other.Documents,
		Waiting:   s.Waiting + other.Waiting,
		InMemory:  s.InMemory + other.InMemory,
		Uncoded:   s.Uncoded + other.Uncoded,
		Deleted:   s.Deleted + other.Deleted,
		Files:     s.Files + other.Files,
		FileBytes: s.FileBytes + other.FileBytes,
		SetAside:  s.SetAside + other.SetAside,
		Centroids: s.Centroids + other.Centroids,
		Trained:   s.Trained + other.Trained,
		Drift:     max(s.Drift, other.Drift),
		Margin:    max(s.Margin, other.Margin),
	}
}

// Statistics is how the index is now. It reads nothing from disk and takes
// microseconds.
func (x *Index) Statistics() Statistics {
	x.mu.RLock()
	defer x.mu.RUnlock()
	waiting := x.pending.left()
	s := Statistics{Documents: len(x.where) + waiting, Waiting: waiting}
	if x.tuning.generation != nil {
		s.Margin = float64(x.margins(DefaultRecall, tuneRows).centroids)
	}
	for _, p := range x.parts {
		live := p.live()
		s.Deleted += p.Documents() - live
		if p.file == 0 {
			s.InMemory += live
		}
		if c := p.coded.Load(); x.generation != nil && (c == nil || c.generation != x.generation) {
			s.Uncoded += live
		}
	}
	if g := x.generation; g != nil {
		s.Centroids, s.Trained, s.Drift = g.centroids.Rows(), g.documents, g.drift()
	}
	if x.files != nil {
		s.Files, s.FileBytes = x.files.sizes.total()
		s.SetAside = x.files.setAside
	}
	return s
}

// Observer is told what happens in an index. Its methods are called one after
// another or at once, and are waited for: they are to be quick. They may ask for
// [Index.Statistics].
type Observer interface {
	// JobEnded is told of each piece of work in the background, with the error that it
	// failed with, if any. Work that was put off has not begun.
	JobEnded(job Job, took time.Duration, err error)

	// DocumentsDamaged is told of documents that a search found damaged. They are made
	// anew from the source.
	DocumentsDamaged(n int)
}

// Job is a kind of work in the background.
type Job string

// All kinds of work, in the order in which they take precedence.
const (
	JobCompare Job = "compare" // documents that came before the index was opened with its centroids
	JobRead    Job = "read"    // documents from the source
	JobWrite   Job = "write"   // documents to a file
	JobMerge   Job = "merge"   // files
	JobTrain   Job = "train"   // centroids
	JobCode    Job = "code"    // older documents by the newest centroids
	JobList    Job = "list"    // documents by their centroids, in a large index
	JobTune    Job = "tune"    // how many candidates searches look at closely
)

// Jobs is all of them.
var Jobs = []Job{JobCompare, JobRead, JobWrite, JobMerge, JobTrain, JobCode, JobList, JobTune}

// unobserved is the Observer where nobody wants to know.
type unobserved struct{}

func (unobserved) JobEnded(Job, time.Duration, error) {}
func (unobserved) DocumentsDamaged(int)               {}

// sizes is how many bytes each file has, by name. The zero value is ready.
type sizes struct {
	mu sync.Mutex
	of map[string]int64
}

func (s *sizes) set(name string, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]int64{}
	}
	s.of[name] = bytes
}

func (s *sizes) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, name)
}

func (s *sizes) total() (files int, bytes int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.of {
		bytes += n
	}
	return len(s.of), bytes
}

// counter counts the bytes that are written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
