package vectorizer

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"weaviate-colpali/vectorizer/ort/orttest"
)

// field is a length-delimited field of a protobuf, of fewer than 128 bytes.
func field(number byte, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append([]byte{number<<3 | 2, byte(len(content))}, content...)
}

func locationEntry(location string) []byte {
	return field(13, field(1, []byte("location")), field(2, []byte(location)))
}

// graphFrom is an ONNX model whose only initialiser lies in that file.
func graphFrom(location string) []byte { return field(7, field(5, locationEntry(location))) }

func locationsIn(graph []byte) ([]string, error) {
	described, err := readGraph(bytes.NewReader(graph))
	return described.locations, err
}

func TestExternalLocations(t *testing.T) {
	for name, c := range map[string]struct {
		graph []byte
		want  []string
	}{
		"initialiser":         {graphFrom("w.onnx_data"), []string{"w.onnx_data"}},
		"attribute of a node": {field(7, field(1, field(5, field(5, locationEntry("a"))))), []string{"a"}},
		"inner graph":         {field(7, field(1, field(5, field(6, field(5, locationEntry("b")))))), []string{"b"}},
		"value before key":    {field(7, field(5, field(13, field(2, []byte("c")), field(1, []byte("location"))))), []string{"c"}},
		"other keys":          {field(7, field(5, field(13, field(1, []byte("offset")), field(2, []byte("16"))))), nil},
		"raw data":            {field(7, field(5, field(9, []byte("location")))), nil},
		"empty":               {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := locationsIn(c.graph)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestInputsAndOutputsOfAGraph(t *testing.T) {
	// A graph within a node has inputs of its own, and a value may say nothing of its shape.
	inner := field(1, field(5, field(6, value(graphInput, "step", elementInt64))))
	described, err := readGraph(bytes.NewReader(longField(7, inner,
		value(graphInput, "ids", elementInt64, 0, 7), value(graphOutput, "y", elementFloat32, 0, 0, 16), field(graphOutput, field(1, []byte("z"))))))
	require.NoError(t, err)
	require.Equal(t, []graphValue{{"ids", elementInt64, []int64{anyLength, 7}}}, described.inputs)
	require.Equal(t, []graphValue{{"y", elementFloat32, []int64{anyLength, anyLength, 16}}, {name: "z"}}, described.outputs)
	require.Equal(t, `type 0 of onnx.proto "z" []`, described.outputs[1].String())
	_, err = readGraph(bytes.NewReader(longField(7, value(graphInput, "deep", elementInt64, make([]byte, maxRank+1)...))))
	require.ErrorContains(t, err, "a tensor has more than 16 dimensions")
	_, err = readGraph(bytes.NewReader(longField(7, longField(graphInput, make([]byte, maxValueBytes+1)))))
	require.ErrorContains(t, err, "an input or output has 65537 bytes, it may have 65536")
}

func TestExternalLocationsOfADamagedGraph(t *testing.T) {
	for name, graph := range map[string][]byte{
		"cut off":         graphFrom("weights")[:12],
		"field too long":  {7<<3 | 2, 4, 5<<3 | 2, 100, 0, 0},
		"no wire type":    {7<<3 | 7, 0},
		"endless number":  bytes.Repeat([]byte{0xff}, 20),
		"no protobuf":     []byte("<html>404</html>"),
		"length overflow": {7<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := locationsIn(graph)
			require.ErrorIs(t, err, errGraphFile)
		})
	}
}

func TestAGraphMustNotReadOtherFiles(t *testing.T) {
	for _, location := range []string{"../secret", "/etc/passwd", "unlisted.bin", ""} {
		files := modelFiles(t)
		files["text.onnx"] = &fstest.MapFile{Data: append(files["text.onnx"].Data, graphFrom(location)...)}
		resum(t, files, "text.onnx")
		_, err := Open(t.Context(), files, "", Options{Library: orttest.Library(t), Device: "cpu"})
		require.ErrorIs(t, err, ErrModel)
		require.ErrorContains(t, err, "text.onnx takes tensors from")
	}
}

func TestLinksOutOfAModelFolderAreNotFollowed(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for name, file := range modelFiles(t) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), file.Data, 0o600))
	}
	v, err := OpenFolder(t.Context(), dir, Options{Library: orttest.Library(t), Device: "cpu"})
	require.NoError(t, err)
	require.NoError(t, v.Close())

	for _, name := range []string{manifestFile, "text.onnx", "tokenizer.json"} {
		inside, outside := filepath.Join(dir, name), filepath.Join(elsewhere, name)
		require.NoError(t, os.Rename(inside, outside))
		require.NoError(t, os.Symlink(outside, inside))
		_, err := OpenFolder(t.Context(), dir, Options{Library: orttest.Library(t), Device: "cpu"})
		require.ErrorIs(t, err, ErrModel)
		require.ErrorContains(t, err, name)
		require.NoError(t, os.Remove(inside))
		require.NoError(t, os.Rename(outside, inside))
	}
}

func FuzzReadGraph(f *testing.F) {
	f.Add(graphFrom("weights.onnx_data"))
	f.Add(field(7, field(1, field(5, field(6, field(5, locationEntry("b")))))))
	f.Add([]byte(strings.Repeat("\x3a\x7f", 40)))
	f.Add(longField(7, value(graphInput, "ids", elementInt64, 0, 7), value(graphOutput, "y", elementFloat32, 0, 0, 128)))
	f.Fuzz(func(t *testing.T, graph []byte) {
		described, err := readGraph(bytes.NewReader(graph))
		if err != nil {
			require.ErrorIs(t, err, errGraphFile)
			return
		}
		for _, location := range described.locations {
			require.Contains(t, string(graph), location)
		}
		for _, v := range append(described.inputs, described.outputs...) {
			require.Contains(t, string(graph), v.name)
			require.LessOrEqual(t, len(v.shape), maxRank)
		}
	})
}
