package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers.py
var peersSource []byte

// python is the child process that runs peers.py: one request a line to it, one answer a line back. It waits
// for its next request while others work.
type python struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	greeting
}

// A greeting is the first line of the child.
type greeting struct {
	Peers   []pythonPeer
	Missing []missingPeer
}

// A pythonPeer is one way to score in Python.
type pythonPeer struct {
	Name    string
	Library string // with its version
	Exact   bool   // float32 throughout: its score is MaxSim
	Batch   bool   // scores documents together, so it only streams
}

// A missingPeer is not there, and Hint says how to get it.
type missingPeer struct {
	Name, Hint string
}

// A pythonRequest asks for the time of a slice of work, or for the scores of all pairs of a set.
type pythonRequest struct {
	Do     string `json:"do"` // "time" or "scores"
	Peer   string `json:"peer"`
	Set    string `json:"set"`
	Rows   int    `json:"rows"`
	Tokens int    `json:"tokens"`

	Stream  bool    `json:"stream"`
	Seconds float64 `json:"seconds"`

	Queries   int `json:"queries"`
	Documents int `json:"documents"`
}

type pythonAnswer struct {
	Seconds float64
	Scores  []float64
	Error   string
}

// startPython runs peers.py on the sets, which it finds in folder.
func startPython(interpreter, folder string, sets []set) (*python, error) {
	script := filepath.Join(folder, "peers.py")
	if err := os.WriteFile(script, peersSource, 0o644); err != nil {
		return nil, err
	}
	for _, s := range sets {
		if err := s.write(folder); err != nil {
			return nil, err
		}
	}
	command := exec.Command(interpreter, script, folder)
	command.Env = singleThreaded(os.Environ())
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &python{command: command, in: in, out: bufio.NewReader(out)}
	if err := p.receive(&p.greeting); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

// singleThreaded is the environment with every library limited to one thread, as we are, and without the
// settings that would have OpenBLAS use older kernels than the CPU's best.
func singleThreaded(environment []string) []string {
	var kept []string
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if name != "OPENBLAS_CORETYPE" && name != "OPENBLAS_L2_SIZE" {
			kept = append(kept, variable)
		}
	}
	return append(kept, "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1", "RAYON_NUM_THREADS=1", "VECLIB_MAXIMUM_THREADS=1")
}

func (p *python) receive(answer any) error {
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the Python process answered nothing: %w", err)
	}
	if err := json.Unmarshal(line, answer); err != nil {
		return fmt.Errorf("the Python process answered %q: %w", line, err)
	}
	return nil
}

func (p *python) ask(request pythonRequest) (pythonAnswer, error) {
	var answer pythonAnswer
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		return answer, fmt.Errorf("ask the Python process: %w", err)
	}
	if err := p.receive(&answer); err != nil {
		return answer, err
	}
	if answer.Error != "" {
		return answer, errors.New(answer.Error)
	}
	return answer, nil
}

// contenders are the peers in Python for a shape.
func (p *python) contenders(s shape, set string) []*contender {
	var contenders []*contender
	for _, peer := range p.Peers {
		if peer.Batch && !s.stream {
			continue
		}
		contenders = append(contenders, &contender{name: peer.Name, shape: s, time: func(slice time.Duration) (float64, error) {
			answer, err := p.ask(pythonRequest{
				Do: "time", Peer: peer.Name, Set: set, Rows: s.rows, Tokens: s.tokens, Stream: s.stream, Seconds: slice.Seconds(),
			})
			return answer.Seconds, err
		}})
	}
	return contenders
}

// scores are a peer's for all pairs of queries and pages, query by query.
func (p *python) scores(peer, set string, queries, pages int) ([]float64, error) {
	answer, err := p.ask(pythonRequest{
		Do: "scores", Peer: peer, Set: set, Rows: pageRows, Tokens: fewerTokens, Queries: queries, Documents: pages,
	})
	return answer.Scores, err
}

// stop ends the child by closing its standard input.
func (p *python) stop() error {
	p.in.Close()
	return p.command.Wait()
}
