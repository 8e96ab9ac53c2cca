package vectorizer

import "time"

// An Observer is told what happens, from many goroutines at once. It must be quick.
type Observer interface {
	// Waited is told how long a batch waited for a device.
	Waited(of Kind, took time.Duration)
	// BatchRan is told of each batch that a device ran: its pages or queries, and its tokens, where the
	// shorter ones are padded to the longest.
	BatchRan(of Kind, items, tokens int)
	// StageRan is told how long a stage took: of one page for decoding, of a batch for graphs.
	StageRan(stage Stage, took time.Duration)
	// OutOfMemory is told each time that a batch did not fit into a device's memory.
	OutOfMemory(stage Stage)
}

// Stage is a part of the work.
type Stage string

// All stages. A model in one graph has no vision of its own: it is part of the text graph.
const (
	StageDecode Stage = "decode" // image to the graph's inputs, on the CPU
	StageVision Stage = "vision" // the vision graph
	StageText   Stage = "text"   // the graph that makes the vectors
)

// Stages is all of them.
var Stages = []Stage{StageDecode, StageVision, StageText}

// unobserved is the Observer where nobody wants to know, and while a model warms up.
type unobserved struct{}

func (unobserved) Waited(Kind, time.Duration)    {}
func (unobserved) BatchRan(Kind, int, int)       {}
func (unobserved) StageRan(Stage, time.Duration) {}
func (unobserved) OutOfMemory(Stage)             {}
