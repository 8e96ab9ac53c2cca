// Command bench measures package maxsim against the limits of this CPU and against its peers, and prints how
// far the project's figures for it are reached.
//
//	make bench
//
// Limits come from loops of bare instructions in the same run, since the same kernel is twice as fast on one
// machine as on another while its share of the peak hardly moves. It is a module of its own: Weaviate, vek and
// the Python packages beside it are measured here, and nobody else should have to depend on them.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"weaviate-colpali/maxsim"
)

// options are the flags of the command.
type options struct {
	python string
	json   string
	rounds int
	slice  time.Duration
}

func main() {
	var o options
	quick := flag.Bool("quick", false, "few short rounds, to try the benchmark out")
	flag.StringVar(&o.python, "python", "python3", "interpreter with the peers in Python; empty leaves them out")
	flag.StringVar(&o.json, "json", "", "file to write the results to, too")
	flag.IntVar(&o.rounds, "rounds", 7, "how often everybody works in turn")
	flag.Parse()
	o.slice = 40 * time.Millisecond
	if *quick {
		o.rounds, o.slice = 2, 10*time.Millisecond
	}
	if err := run(o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run prints the table to w and what goes on to progress.
func run(o options, w, progress io.Writer) (err error) {
	fmt.Fprintln(progress, "bench: making the pages")
	clustered, random := clusteredSet(timedPages), randomSet()
	p, missing, err := peersInPython(o.python, []set{clustered, random})
	if err != nil {
		return err
	}
	if p != nil {
		defer func() { err = errors.Join(err, p.stop()) }()
	}
	fmt.Fprintln(progress, "bench: comparing the scores with float64")
	mistakes, err := measureErrors([]set{random, clustered}, p)
	if err != nil {
		return err
	}
	settle()
	b, err := prepare(clustered, p)
	if err != nil {
		return err
	}
	runtime.GC()
	measured, err := contest(b.contenders, o.rounds, o.slice, progress)
	if err != nil {
		return err
	}
	r := newReport(o, b, outcome{
		times: measured, contenders: b.contenders, errors: mistakes, exact: exactPeers(p), missing: missing, int8Label: b.int8Label(),
	})
	r.Missing = missing
	if p != nil {
		r.Peers = p.Peers
	}
	if o.json != "" {
		if err := r.writeJSON(o.json); err != nil {
			return err
		}
	}
	return r.print(w)
}

// settle keeps the runtime from disturbing what is measured: one thread, and no collector.
func settle() {
	debug.SetGCPercent(-1)
	runtime.GOMAXPROCS(1)
	runtime.LockOSThread()
}

const everyPythonPeer = "Python's libraries"

// peersInPython starts them; without an interpreter there are none, and missing says so.
func peersInPython(interpreter string, sets []set) (p *python, missing []missingPeer, err error) {
	if interpreter == "" {
		return nil, []missingPeer{{everyPythonPeer, "name an interpreter with -python"}}, nil
	}
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	p, err = startPython(interpreter, folder, sets)
	if err != nil {
		return nil, []missingPeer{{everyPythonPeer, err.Error()}}, nil
	}
	return p, p.Missing, nil
}

// A bench is everybody who takes part.
type bench struct {
	contenders []*contender
	float32    peak // the fastest of its kind here; without a name if none is known
	int8       peak
}

// prepare packs queries and documents for all contenders; p may be nil.
func prepare(s set, p *python) (*bench, error) {
	b := &bench{}
	b.float32 = best(float32Peaks())
	b.int8 = best(int8Peaks())
	for _, rows := range []int{pageRows, passageRows} {
		d, err := newDocuments(s.documents(rows))
		if err != nil {
			return nil, err
		}
		for _, tokens := range []int{fewerTokens, mostTokens} {
			if err := b.add(s, d, p, shape{rows: rows, tokens: tokens}); err != nil {
				return nil, err
			}
		}
	}
	tables, err := tableContenders(s)
	if err != nil {
		return nil, err
	}
	b.contenders = append(b.contenders, tables...)
	if memory := memoryContender(); memory != nil {
		b.contenders = append(b.contenders, memory)
	}
	return b, nil
}

// add lets everybody take part in a shape, hot and streaming. The peaks are measured beside them, so that a
// ratio compares what happened within a second.
func (b *bench) add(s set, d documents, p *python, hot shape) error {
	query := s.query(0, hot.tokens)
	packed, err := maxsim.NewQuery(query)
	if err != nil {
		return err
	}
	if b.float32.run != nil {
		b.contenders = append(b.contenders, b.float32.contender(float32Peak, hot))
	}
	if b.int8.run != nil {
		b.contenders = append(b.contenders, b.int8.contender(int8Peak, hot))
	}
	for _, stream := range []bool{false, true} {
		at := shape{hot.rows, hot.tokens, stream}
		b.contenders = append(b.contenders, ourContenders(at, d, packed)...)
		b.contenders = append(b.contenders, goPeers(at, d.floats, query)...)
		if p != nil {
			b.contenders = append(b.contenders, p.contenders(at, s.name)...)
		}
	}
	return nil
}
