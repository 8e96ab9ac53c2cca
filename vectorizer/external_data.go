package vectorizer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
)

// checkExternalData demands that every file from which a graph takes tensors is one of the manifest's, whose
// sums are checked. ONNX Runtime opens what a graph names, by path: a graph must not read the host's files
// into a model, nor weights that nobody compared with anything.
func (m *manifest) checkExternalData(ctx context.Context, model fs.FS) error {
	files := []string{m.Graph.Text.File}
	if m.Graph.Vision != nil {
		files = append(files, m.Graph.Vision.File)
	}
	for _, name := range files {
		locations, err := externalData(ctx, model, name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, location := range locations {
			// ONNX Runtime looks beside the graph.
			if _, listed := m.Files[path.Join(path.Dir(name), location)]; !listed || !plainPart(location) {
				return fmt.Errorf("%s takes tensors from %.80q, which is not listed in files of %s: export the model again",
					name, location, manifestFile)
			}
		}
	}
	return nil
}

func externalData(ctx context.Context, model fs.FS, name string) ([]string, error) {
	described, err := openGraph(ctx, model, name)
	return described.locations, err
}

func openGraph(ctx context.Context, model fs.FS, name string) (onnxGraph, error) {
	file, err := model.Open(name)
	if err != nil {
		return onnxGraph{}, err
	}
	defer file.Close()
	return readGraph(contextReader{ctx, file})
}

// onnxGraph is what an ONNX file says of itself beside its nodes and weights.
type onnxGraph struct {
	// locations are the names of the files from which it takes tensors, sorted.
	locations       []string
	inputs, outputs []graphValue
}

// readGraph reads an ONNX model (onnx.proto, a protobuf). Tensors inside of the model are passed over without being
// held in memory.
func readGraph(model io.Reader) (onnxGraph, error) {
	w := wire{reader: bufio.NewReaderSize(model, 1<<16), found: map[string]bool{}}
	if err := w.message(modelMessage, maxGraphBytes, 0); err != nil {
		return onnxGraph{}, err
	}
	w.graph.locations = slices.Sorted(maps.Keys(w.found))
	return w.graph, nil
}

const (
	// maxGraphBytes is what a protobuf may have.
	maxGraphBytes = 1 << 31
	// maxGraphDepth of graphs within nodes of graphs, in messages; three make a level.
	maxGraphDepth = 100
	// maxLocations of one graph; exporters write one file, or one for each large tensor.
	maxLocations     = 10_000
	maxLocationBytes = 4096
)

var errGraphFile = errors.New("is not an ONNX file, or damaged")

// fields are those of a message in which another one lies on the way to a tensor; the numbers are onnx.proto's.
type fields map[uint64]*fields

var (
	modelMessage, graphMessage, nodeMessage, attributeMessage = &fields{}, &fields{}, &fields{}, &fields{}
	functionMessage, sparseMessage, tensorMessage, entry      = &fields{}, &fields{}, &fields{}, &fields{}
	inputValue, outputValue                                   = &fields{}, &fields{}
)

func init() {
	*modelMessage = fields{7: graphMessage, 25: functionMessage, 20: &fields{1: graphMessage, 2: graphMessage}}
	*graphMessage = fields{1: nodeMessage, 5: tensorMessage, 15: sparseMessage, 11: inputValue, 12: outputValue}
	*functionMessage = fields{7: nodeMessage, 11: attributeMessage}
	*nodeMessage = fields{5: attributeMessage}
	*attributeMessage = fields{5: tensorMessage, 6: graphMessage, 10: tensorMessage, 11: graphMessage, 22: sparseMessage, 23: sparseMessage}
	*sparseMessage = fields{1: tensorMessage, 2: tensorMessage}
	*tensorMessage = fields{13: entry}
}

// wire reads a protobuf without keeping what it passes over.
type wire struct {
	reader *bufio.Reader
	found  map[string]bool
	graph  onnxGraph
	read   int64
}

// ReadByte is for binary.ReadUvarint.
func (w *wire) ReadByte() (byte, error) {
	w.read++
	return w.reader.ReadByte()
}

// message reads one message of at most size bytes. The outermost ends with the file instead.
func (w *wire) message(known *fields, size int64, depth int) error {
	if depth > maxGraphDepth {
		return fmt.Errorf("%w: graphs lie more than %d messages deep", errGraphFile, maxGraphDepth)
	}
	switch known {
	case entry:
		return w.entry(size)
	case inputValue:
		return w.value(&w.graph.inputs, size, depth)
	case outputValue:
		return w.value(&w.graph.outputs, size, depth)
	}
	for end := w.read + size; w.read < end; {
		key, err := binary.ReadUvarint(w)
		if errors.Is(err, io.EOF) && depth == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errGraphFile, err)
		}
		length, err := w.length(key&7, end)
		if err != nil {
			return err
		}
		var inner *fields
		if key&7 == 2 {
			inner = (*known)[key>>3]
		}
		if err := w.field(inner, length, depth); err != nil {
			return err
		}
	}
	return nil
}

func (w *wire) field(inner *fields, length int64, depth int) error {
	if inner != nil {
		return w.message(inner, length, depth+1)
	}
	return w.skip(length)
}

// length is how many bytes a field has, of this wire type, behind what was read of it.
func (w *wire) length(wireType uint64, end int64) (int64, error) {
	var length uint64
	var err error
	switch wireType {
	case 0:
		_, err = binary.ReadUvarint(w)
	case 1:
		length = 8
	case 2:
		length, err = binary.ReadUvarint(w)
	case 5:
		length = 4
	default:
		err = fmt.Errorf("wire type %d", wireType)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errGraphFile, err)
	}
	if length > uint64(max(end-w.read, 0)) {
		return 0, fmt.Errorf("%w: a field of %d bytes ends behind what it is part of", errGraphFile, length)
	}
	return int64(length), nil
}

func (w *wire) skip(length int64) error {
	skipped, err := io.CopyN(io.Discard, w.reader, length)
	w.read += skipped
	if err != nil {
		return fmt.Errorf("%w: %w", errGraphFile, err)
	}
	return nil
}

// entry reads a key and a value of a tensor's external_data, and notes a location.
func (w *wire) entry(size int64) error {
	content, err := w.bytes(size, maxLocationBytes, "a tensor's place")
	if err != nil {
		return err
	}
	var pair [2]string // a StringStringEntryProto
	if err := eachField(content, func(number uint64, value []byte, _ uint64) error {
		if number == 1 || number == 2 {
			pair[number-1] = string(value)
		}
		return nil
	}); err != nil {
		return err
	}
	if pair[0] == "location" {
		w.found[pair[1]] = true
	}
	if len(w.found) > maxLocations {
		return fmt.Errorf("%w: its tensors lie in more than %d files", errGraphFile, maxLocations)
	}
	return nil
}

// bytes reads a part that is small enough to be held in memory.
func (w *wire) bytes(size, limit int64, what string) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%w: %s has %d bytes, it may have %d", errGraphFile, what, size, limit)
	}
	content := make([]byte, size)
	count, err := io.ReadFull(w.reader, content)
	w.read += int64(count)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errGraphFile, err)
	}
	return content, nil
}

// eachField visits the fields of a message in memory: those with a length by their content, which is nil for the others,
// numbers by their value.
func eachField(message []byte, visit func(number uint64, content []byte, value uint64) error) error {
	w := wire{reader: bufio.NewReaderSize(bytes.NewReader(message), 16)}
	for size := int64(len(message)); w.read < size; {
		key, err := binary.ReadUvarint(&w)
		if err != nil {
			return fmt.Errorf("%w: %w", errGraphFile, err)
		}
		begin := w.read
		length, err := w.length(key&7, size)
		if err != nil {
			return err
		}
		var content []byte
		var value uint64
		switch key & 7 {
		case 0:
			value, _ = binary.Uvarint(message[begin:w.read])
		case 2:
			content = message[w.read : w.read+length]
		}
		if err := w.skip(length); err != nil {
			return err
		}
		if err := visit(key>>3, content, value); err != nil {
			return err
		}
	}
	return nil
}
